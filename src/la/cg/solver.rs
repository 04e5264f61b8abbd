//! Solver of one system by conjugate gradients: its data, and what the iteration and the checks of
//! the true residual share.

use rayon::prelude::*;

use crate::la::cg::{CgOptions, CgScalar, CgState, ConvergedReason, Cost, Monitor, Rhs};
use crate::la::{LinearOperator, Preconditioner, Vector};
use crate::parallel::{Comm, loops};

/// Conjugate gradient iteration with its work vectors.
pub(crate) struct Solver<'a> {
    pub(crate) operator: &'a dyn LinearOperator,
    pub(crate) preconditioner: &'a dyn Preconditioner,
    pub(crate) b: &'a Rhs,
    pub(crate) options: CgOptions,
    pub(crate) monitor: &'a dyn Monitor,
    pub(crate) comm: &'a Comm,
    pub(crate) rhs_norm: f64,
    /// Smallest positive and largest entry of the diagonal of A on this rank.
    pub(crate) diagonal_range: [f64; 2],
    /// M r, then A p, or the true residual.
    pub(crate) z: Vector,
    /// Factor of the last direction that is still to be added to the iterate.
    pub(crate) pending: f64,
    pub(crate) cost: Cost,
    /// Factor on the target of the residual, less than 1 where unknowns need a smaller one.
    pub(crate) tightening: f64,
}

impl<'a> Solver<'a> {
    /// Prepares the solution of A x = b from an iterate with the layout of `x`. **Collective.**
    pub(crate) fn new(
        operator: &'a dyn LinearOperator,
        preconditioner: &'a dyn Preconditioner,
        b: &'a Rhs,
        options: CgOptions,
        monitor: &'a dyn Monitor,
        x: &Vector,
    ) -> Self {
        let comm = operator.halo().comm();
        Self {
            operator,
            preconditioner,
            b,
            options,
            monitor,
            comm,
            rhs_norm: comm.sum(b.square()).sqrt(),
            diagonal_range: diagonal_range(operator),
            z: x.zeros_like(),
            pending: 0.0,
            cost: Cost::default(),
            tightening: 1.0,
        }
    }

    /// Returns the largest ||b - A x|| of a converged solution.
    pub(crate) fn target(&self) -> f64 {
        self.options.rtol * self.rhs_norm
    }

    /// Overwrites z by b - A x. **Collective.**
    pub(crate) fn residual(&mut self, x: &mut Vector) {
        self.operator.apply(x, &mut self.z);
        self.b.subtract(self.z.owned_mut());
    }

    /// Adds the last step to the iterate, if it is still pending.
    pub(crate) fn complete(&mut self, state: &mut CgState) {
        let pending = std::mem::take(&mut self.pending);
        if pending != 0.0 {
            state.low.add(pending, &state.p);
        }
    }
}

/// Returns the smallest positive and the largest entry of the diagonal on this rank.
fn diagonal_range(operator: &dyn LinearOperator) -> [f64; 2] {
    const NOTHING: [f64; 2] = [f64::INFINITY, 0.0];
    let of_chunk = |chunk: &[f64]| {
        chunk.iter().fold(NOTHING, |[least, largest], &entry| {
            [if entry > 0.0 { least.min(entry) } else { least }, largest.max(entry)]
        })
    };
    let both = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
    operator.diagonal().par_chunks(loops::CHUNK).map(of_chunk).reduce(|| NOTHING, both)
}

/// Returns an error if a value is not finite.
pub(crate) fn finite(value: f64, quantity: CgScalar) -> Result<(), ConvergedReason> {
    if value.is_finite() { Ok(()) } else { Err(ConvergedReason::NotFinite { quantity }) }
}
