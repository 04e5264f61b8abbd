//! Direct solvers: of small dense systems, of banded blocks, and of sparse systems, distributed or
//! not.

mod banded_cholesky;
pub(crate) mod cholesky;
mod front;
mod separator_tree;
mod sparse_cholesky;
mod substructuring;
mod symbolic_factor;

pub(crate) use banded_cholesky::{BandedCholesky, BandedMatrix, MATRICES};
pub(crate) use separator_tree::SeparatorTree;
pub(crate) use sparse_cholesky::SparseCholesky;
pub use substructuring::Substructuring;
pub(crate) use symbolic_factor::SymbolicFactor;
