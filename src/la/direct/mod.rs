//! Direct solvers: of small dense systems, of narrow blocks, and of sparse systems, distributed or
//! not.

pub(crate) mod cholesky;
mod front;
mod separator_tree;
mod skyline;
mod sparse_cholesky;
mod substructuring;
mod symbolic_factor;

pub(crate) use separator_tree::SeparatorTree;
pub(crate) use skyline::SkylineCholesky;
pub(crate) use sparse_cholesky::SparseCholesky;
pub use substructuring::Substructuring;
pub(crate) use symbolic_factor::SymbolicFactor;
