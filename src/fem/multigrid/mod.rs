//! Transfers between meshes for multigrid: nested refinements (h) and corners (p).

mod galerkin;
mod h_transfer;
mod operator_hierarchy;
mod p_coarsening;

pub use h_transfer::{HTransfer, children};
pub use operator_hierarchy::{MeshLevel, OperatorHierarchy};
pub(crate) use p_coarsening::PCoarsening;
