//! Transfers between meshes for multigrid: nested refinements (h) and corners (p).

mod galerkin;
mod h_transfer;
mod mesh_hierarchy;
mod p_coarsening;

pub use h_transfer::{Nested, children};
pub use mesh_hierarchy::{CoarseMesh, Family};
pub use p_coarsening::Corners;
