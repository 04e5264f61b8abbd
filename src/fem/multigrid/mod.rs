//! Multigrid levels of a finite element system: nested meshes (h) and bilinear elements (p).

mod galerkin;
mod h_transfer;
mod operator_hierarchy;
mod p_coarsening;

pub use h_transfer::{HTransfer, children};
pub use operator_hierarchy::{MeshLevel, OperatorHierarchy};
pub(crate) use p_coarsening::PCoarsening;
