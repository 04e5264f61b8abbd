//! Preconditioners and the sizes of their levels.

use serde::{Deserialize, Serialize};

use crate::la::vector::{dot, next_direction};
use crate::la::{DirectionUpdate, Vector};
use crate::parallel::Profile;

/// Symmetric positive definite approximation M of an inverse.
pub trait Preconditioner {
    /// Overwrites the owned part of `z` by M r. **Collective.**
    fn apply(&self, r: &Vector, z: &mut Vector);

    /// Computes M r and returns this rank's part of r.Mr. M r stays in `z` or, in a lower
    /// precision, in the preconditioner, for [`next_direction`](Self::next_direction).
    /// **Collective.**
    fn apply_and_dot(&self, r: &Vector, z: &mut Vector) -> f64 {
        self.apply(r, z);
        dot(r.owned(), z.owned())
    }

    /// Moves `x` along the search direction `p`, which then becomes the next one, for the M r of
    /// the last [`apply_and_dot`](Self::apply_and_dot) with this `z`.
    fn next_direction(&self, z: &Vector, p: &mut Vector, x: &mut Vector, update: DirectionUpdate) {
        next_direction(z.owned(), p, x, update);
    }

    /// Overwrites the owned part of `x` by an approximate solution of A x = b, from which an
    /// iteration starts closer to the solution than from M b, and returns true; returns false if
    /// the preconditioner has none. **Collective.**
    fn initial_guess(&self, _b: &Vector, _x: &mut Vector) -> bool {
        false
    }
}

/// Preconditioner with statistics of its levels.
pub trait PreconditionerStatistics: Preconditioner {
    /// Returns the sizes of the levels, finest first; empty without a hierarchy. **Collective.**
    fn levels(&self) -> Vec<LevelSize>;

    /// Returns the bytes that one application reads and writes on this rank, with those of r.Mr and
    /// of M r in the next direction, all arrays counted once in each loop over them; 0 if they are
    /// unknown.
    fn bytes(&self) -> usize {
        0
    }

    /// Returns the time and the communication of each level on this rank so far.
    fn spent(&self) -> Vec<Profile>;
}

/// Size of one level over all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelSize {
    /// Number of unknowns.
    pub unknowns: u64,
    /// Number of values stored for the operator.
    pub entries: u64,
    /// Blocks of strongly connected unknowns, which are smoothed together.
    #[serde(default)]
    pub blocks: BlockSize,
}

/// Size of the blocks of strongly connected unknowns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSize {
    /// Number of unknowns in blocks.
    pub unknowns: u64,
    /// Number of values stored for their factors.
    pub entries: u64,
}
