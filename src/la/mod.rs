//! Distributed linear algebra: vectors, operators, preconditioners and the conjugate gradient
//! method, independent of finite elements.

pub mod cg;
pub(crate) mod direct;
mod jacobi;
pub mod matrix;
pub mod multigrid;
mod operator;
mod pair;
mod preconditioner;
mod scalar;
mod vector;

pub use direct::Substructuring;
pub use jacobi::Jacobi;
pub(crate) use operator::step_again;
pub use operator::{LinearOperator, MatrixEntries, Step, Triplet, UNGROUPED};
pub(crate) use pair::Pair;
pub use preconditioner::{BlockSize, LevelSize, Preconditioner, PreconditionerStatistics};
pub use scalar::{Scalar, Stored};
pub use vector::{DirectionUpdate, Vector};

/// Parameters of the multigrid hierarchy, for the performance model.
pub(crate) mod hierarchy {
    pub(crate) use crate::la::multigrid::{DIRECT, SMALLEST, STALLED, cycles, lanczos_steps, shares_sums, smoothing};
}
