//! Distributed linear algebra: vectors, operators, preconditioners and the
//! conjugate gradient method. Knows no elements.

pub mod cg;
pub mod direct;
mod jacobi;
pub mod matrix;
pub mod multigrid;
mod pair;
mod scalar;
mod vector;

pub use jacobi::Jacobi;
pub use pair::Pair;
pub use scalar::Scalar;
pub use vector::Vector;

use crate::la::multigrid::Coupling;

/// How multigrid is built and visited, for those who foretell what it costs.
pub(crate) mod hierarchy {
    pub(crate) use crate::la::multigrid::{
        COARSE_CYCLES, DIRECT, NESTED_CYCLES, NESTED_SMOOTHING, SMALLEST, SMOOTHING, STALLED, lanczos_steps,
    };
}

use serde::{Deserialize, Serialize};

use crate::parallel::{Halo, LocalIndex, Profile};

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
    /// the number of its group or [`ALONE`](multigrid::ALONE). An entry may come in two parts.
    fn couplings(&self, _group: &[LocalIndex]) -> Vec<Coupling> {
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
    fn spent(&self) -> Vec<Profile> {
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
    /// LineBlocks of strongly coupled unknowns, which are smoothed together.
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
