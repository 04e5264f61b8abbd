//! True residual b - A x inside conjugate gradients: comparison with the residual of the
//! recurrence, and residual replacement.
//!
//! H. A. van der Vorst, Q. Ye, *Residual replacement strategies for Krylov subspace iterative
//! methods for the convergence of true residuals*, SIAM J. Sci. Comput. 22 (2000).

use crate::la::cg::solver::{Solver, finite};
use crate::la::cg::{CgScalar, CgState, ConvergedReason, Recurrence, ResidualReplacement};
use crate::la::vector::{dot, inner};
use crate::la::{Pair, Vector};
use crate::parallel::loops;

/// Largest number of restarts that do not halve the true residual, counted separately for rounding
/// and for faults.
const MAX_RESTARTS: usize = 8;
/// Largest useful difference between the two residuals, relative to the true one.
const MAX_DISTANCE: f64 = 0.5;
/// Smallest difference between the two residuals that counts as a fault, relative to the true one.
const MIN_FAULT: f64 = 1e-3;
/// Factor on the target of the residual where the iterate is not accurate enough.
const TIGHTENING: f64 = 0.01;
/// Smallest factor on the target; below it rounding hides further progress.
const LEAST_TIGHTENING: f64 = 1e-8;
/// Number of roundings of size eps ||A|| ||x|| that may add up between two checks.
const ROUNDINGS: f64 = 100.0;

/// True residual, stored in z, with its distance from the recurrence.
pub(crate) struct TrueResidual {
    pub(crate) norm: f64,
    pub(crate) distance: f64,
    /// Whether b still has its checksum on every rank.
    pub(crate) is_rhs_intact: bool,
    /// Whether it was summed in twice the working precision.
    is_precise: bool,
}

impl Solver<'_> {
    /// Compares the recurrence with the true residual and restarts it where they differ. Returns
    /// the reason and ||b - A x|| if the iteration ends. **Collective.**
    pub(crate) fn check_true_residual(
        &mut self,
        state: &mut CgState,
        is_small: bool,
    ) -> Option<(ConvergedReason, f64)> {
        let mut residual = self.true_residual(state);
        let TrueResidual { norm, distance, .. } = residual;
        let target = self.target();
        if norm <= target && norm <= 2.0 * self.tightening * target && !self.is_accurate(state) {
            self.tightening = TIGHTENING * norm / target;
            return None;
        }
        let ended = self.convergence_test(&residual).or_else(|| finite(norm, CgScalar::TrueResidual).err());
        if let Some(outcome) = ended {
            return Some((outcome, norm));
        }
        let is_fault = self.is_fault(state, &residual);
        if !is_small && !is_fault && distance <= MAX_DISTANCE * norm {
            return None;
        }
        if is_fault {
            if state.replacements.iter().filter(|replacement| replacement.is_fault).count() == MAX_RESTARTS {
                return Some((ConvergedReason::Unreliable, norm));
            }
        } else if norm > 0.5 * state.recurrence.scale {
            state.recurrence.restarts += 1;
            if is_small || state.recurrence.restarts > MAX_RESTARTS {
                match self.precise_true_residual(state) {
                    Some(precise) => residual = precise,
                    None => return Some((ConvergedReason::Stagnated, norm)),
                }
                if let Some(outcome) = self.convergence_test(&residual) {
                    return Some((outcome, residual.norm));
                }
            }
        }
        let iteration = state.iterations();
        state.replacements.push(ResidualReplacement {
            iteration,
            recurrence: state.history[iteration],
            true_residual: residual.norm,
            is_fault,
        });
        self.restart(state, residual.norm);
        None
    }

    /// Returns the reason to end if the true residual is small enough or b has changed.
    pub(crate) fn convergence_test(&self, residual: &TrueResidual) -> Option<ConvergedReason> {
        if !residual.is_rhs_intact {
            return Some(ConvergedReason::ChangedRhs);
        }
        // An infinite b has an infinite target.
        (residual.norm.is_finite() && residual.norm <= self.target()).then_some(ConvergedReason::Converged)
    }

    /// Returns whether a Jacobi step for the true residual changes the iterate by at most rtol, or
    /// smaller residuals are no longer worthwhile. **Collective.**
    pub(crate) fn is_accurate(&self, state: &CgState) -> bool {
        let (x, z) = (state.x.owned(), self.z.owned());
        let is_small = |step: f64, x: f64| step.sqrt() <= self.options.rtol * x.sqrt();
        // Mostly a bound of the step suffices, which needs no diagonal.
        let [x_x, z_z] = loops::sum(x.len(), |range| {
            let [x, z] = [x, z].map(|list| &list[range.clone()]);
            [inner(x, x), inner(z, z)]
        });
        let sums = self.comm.sum_all(&[x_x, z_z / self.diagonal_range[0].powi(2)]);
        if self.tightening <= LEAST_TIGHTENING || is_small(sums[1], sums[0]) {
            return true;
        }
        let diagonal = self.operator.diagonal();
        let step = |(z, d): (&f64, &f64)| if *d > 0.0 { (z / d).powi(2) } else { 0.0 };
        let [steps] = loops::sum(x.len(), |range| [z[range.clone()].iter().zip(&diagonal[range]).map(step).sum()]);
        is_small(self.comm.sum(steps), sums[0])
    }

    /// Switches to true residuals in twice the working precision, where rounding in A x may
    /// dominate. Returns none if they are in use already or the operator does not support them.
    /// **Collective.**
    fn precise_true_residual(&mut self, state: &mut CgState) -> Option<TrueResidual> {
        let was_precise = std::mem::replace(&mut state.recurrence.is_precise, true);
        state.recurrence.restarts = 0;
        (!was_precise).then(|| self.true_residual(state)).filter(|residual| residual.is_precise)
    }

    /// Returns whether the residuals differ by more than rounding explains. **Collective.**
    fn is_fault(&self, state: &CgState, &TrueResidual { norm, distance, .. }: &TrueResidual) -> bool {
        // On well-conditioned systems rounding errors stay far below the root of the unit roundoff.
        let threshold = f64::EPSILON.sqrt() * self.rhs_norm.max(state.recurrence.scale);
        distance > threshold.max(MIN_FAULT * norm) && distance > self.rounding(state)
    }

    /// Estimates the accumulated rounding of products with A: a multiple of eps ||A|| ||x||, with
    /// the largest diagonal entry for ||A||. **Collective.**
    fn rounding(&self, state: &CgState) -> f64 {
        let x = state.x.owned();
        ROUNDINGS * f64::EPSILON * self.comm.max(self.diagonal_range[1]) * self.comm.sum(dot(x, x)).sqrt()
    }

    /// Computes the true residual in z, verifies the checksum of b, and renormalises the two parts
    /// of the iterate. **Collective.**
    pub(crate) fn true_residual(&mut self, state: &mut CgState) -> TrueResidual {
        self.complete(state);
        let CgState { x, low, r, recurrence, .. } = state;
        renormalise(x, low);
        let is_precise = recurrence.is_precise && self.operator.precise_residual(&self.b.to_vec(), x, low, &mut self.z);
        if !is_precise {
            self.residual(x);
            self.operator.subtract_product(low, &mut self.z);
        }
        let (z, r) = (self.z.owned(), r.owned());
        let sums = loops::sum(z.len(), |range| {
            let square = |(z, r): (&f64, &f64)| (z - recurrence.scale * r).powi(2);
            [inner(&z[range.clone()], &z[range.clone()]), z[range.clone()].iter().zip(&r[range]).map(square).sum()]
        });
        let changed = f64::from(u8::from(!self.b.is_intact()));
        let sums = self.comm.sum_all(&[sums[0], sums[1], changed]);
        TrueResidual { norm: sums[0].sqrt(), distance: sums[1].sqrt(), is_rhs_intact: sums[2] == 0.0, is_precise }
    }

    /// Starts the recurrence from the true residual in z, whose norm is `norm`.
    pub(crate) fn restart(&self, state: &mut CgState, norm: f64) {
        // A residual of norm 1 stays within the range of single-precision preconditioners.
        state.recurrence = Recurrence { scale: norm, r_mr: 0.0, ..state.recurrence };
        let z = self.z.owned();
        loops::update_all([state.r.owned_mut(), state.p.owned_mut()], |range, [r, p]| {
            r.iter_mut().zip(&z[range]).for_each(|(r, residual)| *r = residual / norm);
            p.fill(0.0);
        });
    }
}

/// Overwrites `x` by the rounded sum x + low, and `low` by its rounding error.
fn renormalise(x: &mut Vector, low: &mut Vector) {
    loops::update_all([x.owned_mut(), low.owned_mut()], |_, [x, low]| {
        for (x, low) in x.iter_mut().zip(low) {
            Pair { high: *x, low: *low } = Pair::sum(*x, *low);
        }
    });
}
