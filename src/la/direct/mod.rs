//! Direct solvers: of small dense systems, of narrow blocks, and of sparse systems, distributed or
//! not.

pub(crate) mod cholesky;
mod front;
mod separator_tree;
mod skyline;
mod sparse_cholesky;
mod substructuring;

pub(crate) use separator_tree::SeparatorTree;
pub(crate) use skyline::SkylineCholesky;
pub(crate) use sparse_cholesky::{SparseCholesky, SymbolicFactor};
pub use substructuring::Substructuring;
