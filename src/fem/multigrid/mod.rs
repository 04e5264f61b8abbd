//! Multigrid levels of a finite element system: nested meshes (h) and bilinear elements (p).

mod child_lattice;
mod compact;
mod galerkin;
mod h_transfer;
mod operator_hierarchy;
mod p_coarsening;
mod p_transfer;
mod pair_weights;

pub use h_transfer::{HTransfer, children, interpolate};
pub use operator_hierarchy::{MeshLevel, OperatorHierarchy};
pub use p_coarsening::PCoarsening;
pub use p_transfer::PTransfer;
