//! Transfers between meshes for multigrid: nested refinements (h) and corners (p).

mod galerkin;
mod h_transfer;
mod mesh_hierarchy;
mod p_coarsening;

pub use h_transfer::{HTransfer, children};
pub use mesh_hierarchy::{MeshHierarchy, MeshLevel};
pub use p_coarsening::PCoarsening;
