//! Distributed linear algebra: vectors, operators, preconditioners and the
//! conjugate gradient method. Knows no elements.

mod agglomeration;
mod aggregation;
mod blocks;
mod cg;
mod cg_report;
mod cg_state;
mod chebyshev;
mod cholesky;
mod coarse;
mod csr;
mod envelope;
mod fallback;
mod galerkin;
mod jacobi;
mod multigrid;
mod pair;
mod right_side;
mod rows;
mod scalar;
mod transfer;
mod true_residual;
mod vector;

pub use blocks::{ALONE, Coupling};
pub use cg::{conjugate_gradient, conjugate_gradient_monitored};
pub use cg_report::{CgOptions, CgReport, Cost, Outcome, Quantity, Repair};
pub use cg_state::{CgState, Monitor, Recurrence, Wish};
pub use csr::DistributedCsr;
pub use fallback::{
    PreconditionerName, Preconditioners, Switch, UsedPreconditioner, build_preconditioner,
    conjugate_gradient_with_fallback, used_preconditioners,
};
pub use jacobi::Jacobi;
pub use multigrid::{Coarsening, Multigrid};

/// How multigrid is built and visited, for those who foretell what it costs.
pub(crate) mod hierarchy {
    pub(crate) use super::agglomeration::SMALLEST;
    pub(crate) use super::chebyshev::lanczos_steps;
    pub(crate) use super::multigrid::{COARSE_CYCLES, DIRECT, NESTED_CYCLES, NESTED_SMOOTHING, SMOOTHING, STALLED};
}
pub use pair::Pair;
pub use right_side::RightSide;
pub use scalar::Scalar;
pub use transfer::{MatrixTransfer, Transfer};
pub use vector::Vector;

use serde::{Deserialize, Serialize};

use crate::parallel::traffic::Spent;
use crate::parallel::{Halo, Local};

/// A symmetric operator on distributed vectors.
pub trait LinearOperator<T: Scalar = f64> {
    /// How the operator's vectors are distributed.
    fn halo(&self) -> &Halo;

    /// Overwrites the owned part of `y` by A x; updates the ghosts of `x`.
    /// **Collective.**
    fn apply(&self, x: &mut Vector<T>, y: &mut Vector<T>);

    /// The owned part of the diagonal.
    fn diagonal(&self) -> Vec<f64>;

    /// How strong entries are, i < j: a_ij / sqrt(a_ii a_jj). Of owned unknowns
    /// that both have one with a part above `least`; an entry may come in two
    /// parts, and small parts are left out.
    /// An operator that does not know its entries returns none.
    fn strengths(&self, _least: f64) -> Vec<Coupling> {
        Vec::new()
    }

    /// The entries a_ij, i < j, of owned unknowns in the same group, where each has
    /// the number of its group or [`ALONE`]. An entry may come in two parts.
    fn couplings(&self, _group: &[Local]) -> Vec<Coupling> {
        Vec::new()
    }

    /// Number of numbers stored on this rank.
    fn entries(&self) -> usize;

    /// Overwrites `r` by b - A x. **Collective.**
    fn residual(&self, b: &[T], x: &mut Vector<T>, r: &mut Vector<T>) {
        self.apply(x, r);
        for (r, b) in r.owned_mut().iter_mut().zip(b) {
            *r = *b - *r;
        }
    }

    /// Overwrites `r` by b - A (x + low), summed in twice the precision, and returns true; an
    /// operator that cannot do so returns false. **Collective.**
    fn precise_residual(&self, _b: &[T], _x: &mut Vector<T>, _low: &mut Vector<T>, _r: &mut Vector<T>) -> bool {
        false
    }
}

/// An approximate inverse, symmetric and positive definite.
pub trait Preconditioner {
    /// Overwrites the owned part of `z` by M r. **Collective.**
    fn apply(&self, r: &Vector, z: &mut Vector);

    /// The levels of a hierarchy, finest first; none for a preconditioner
    /// without one. **Collective.**
    fn levels(&self) -> Vec<LevelSize> {
        Vec::new()
    }

    /// What each of these levels has taken on this rank so far.
    fn spent(&self) -> Vec<Spent> {
        Vec::new()
    }
}

/// The size of one level over all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelSize {
    /// Number of unknowns.
    pub unknowns: u64,
    /// Number of stored numbers of its operator.
    pub entries: u64,
    /// Blocks of strongly coupled unknowns, which are smoothed together.
    #[serde(default)]
    pub blocks: BlockSize,
}

/// The size of blocks of unknowns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSize {
    /// Number of unknowns in them.
    pub unknowns: u64,
    /// Number of stored numbers.
    pub entries: u64,
}
