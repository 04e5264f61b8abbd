//! The true residual b - A x inside conjugate gradients: how far the recurrence is
//! from it, and what follows from that.

use crate::la::cg::{CgScalar, CgState, ConvergedReason, Recurrence, ResidualReplacement, Solver, finite};
use crate::la::vector::{dot, inner};
use crate::la::{Pair, Vector};
use crate::parallel::loops;

/// The recurrence is started again from a true residual that was not halved at most this often
/// because of rounding, and as often because of faults.
const RESTARTS: usize = 8;
/// A difference between the two residuals beyond this part of the true one
/// makes the recurrence worthless.
const WORTHLESS: f64 = 0.5;
/// A difference between the two residuals below this part of the true one is no fault: the norms look alike.
const VISIBLE: f64 = 1e-3;
/// Roundings of the size of eps ||A|| ||x|| that may add up between two looks.
const ROUNDINGS: f64 = 100.0;

/// The true residual, left in z, how far the recurrence is from it, and whether
/// b is what it was.
pub(crate) struct Truth {
    pub(crate) norm: f64,
    pub(crate) distance: f64,
    pub(crate) has_b: bool,
    /// Whether it was summed in twice the precision.
    is_precise: bool,
}

impl Solver<'_> {
    /// Compares the recurrence with the true residual and mends it. Why it is
    /// over and ||b - A x||, if it is.
    pub(crate) fn look(&mut self, state: &mut CgState, is_small: bool) -> Option<(ConvergedReason, f64)> {
        let mut truth = self.truth(state);
        let Truth { norm, distance, .. } = truth;
        let ended = self.verdict(&truth).or_else(|| finite(norm, CgScalar::TrueResidual).err());
        if let Some(outcome) = ended {
            return Some((outcome, norm));
        }
        let is_fault = self.is_fault(state, &truth);
        if !is_small && !is_fault && distance <= WORTHLESS * norm {
            return None;
        }
        if is_fault {
            if state.repairs.iter().filter(|repair| repair.is_fault).count() == RESTARTS {
                return Some((ConvergedReason::Unreliable, norm));
            }
        } else if norm > 0.5 * state.recurrence.scale {
            state.recurrence.restarts += 1;
            if is_small || state.recurrence.restarts > RESTARTS {
                match self.precise_truth(state) {
                    Some(precise) => truth = precise,
                    None => return Some((ConvergedReason::Stagnated, norm)),
                }
                if let Some(outcome) = self.verdict(&truth) {
                    return Some((outcome, truth.norm));
                }
            }
        }
        let iteration = state.iterations();
        state.repairs.push(ResidualReplacement {
            iteration,
            recurrence: state.history[iteration],
            truth: truth.norm,
            is_fault,
        });
        self.begin(state, truth.norm);
        None
    }

    /// Computes true residuals in twice the precision from now on, where rounding in them may be
    /// all that is left; none if that was done before or cannot be. **Collective.**
    fn precise_truth(&mut self, state: &mut CgState) -> Option<Truth> {
        let was_precise = std::mem::replace(&mut state.recurrence.is_precise, true);
        state.recurrence.restarts = 0;
        (!was_precise).then(|| self.truth(state)).filter(|truth| truth.is_precise)
    }

    /// Returns whether the residuals differ by more than rounding explains. **Collective.**
    fn is_fault(&self, state: &CgState, &Truth { norm, distance, .. }: &Truth) -> bool {
        // On well-conditioned systems rounding does not come near the root of its unit.
        let usual = f64::EPSILON.sqrt() * self.rhs_norm.max(state.recurrence.scale);
        distance > usual.max(VISIBLE * norm) && distance > self.rounding(state)
    }

    /// Returns what rounding in products with A can add up to: a multiple of eps ||A|| ||x||, where
    /// the largest diagonal entry stands for ||A||. **Collective.**
    fn rounding(&self, state: &CgState) -> f64 {
        let largest = self.operator.diagonal().into_iter().fold(0.0, f64::max);
        let x = state.x.owned();
        ROUNDINGS * f64::EPSILON * self.comm.max(largest) * self.comm.sum(dot(x, x)).sqrt()
    }

    /// Computes the true residual, looks at b, and brings the two parts of the iterate in order.
    pub(crate) fn truth(&mut self, state: &mut CgState) -> Truth {
        let CgState { x, low, r, recurrence, .. } = state;
        add_exactly(x, low);
        let is_precise = recurrence.is_precise && self.operator.precise_residual(&self.b.values, x, low, &mut self.z);
        if !is_precise {
            self.operator.residual(&self.b.values, x, &mut self.z);
            self.operator.apply(low, &mut self.q);
            self.z.add(-1.0, &self.q);
        }
        let (z, r) = (self.z.owned(), r.owned());
        let sums = loops::sum(z.len(), |range| {
            let apart = |(z, r): (&f64, &f64)| (z - recurrence.scale * r).powi(2);
            [inner(&z[range.clone()], &z[range.clone()]), z[range.clone()].iter().zip(&r[range]).map(apart).sum()]
        });
        let changed = f64::from(u8::from(!self.b.is_intact()));
        let sums = self.comm.sum_all(&[sums[0], sums[1], changed]);
        Truth { norm: sums[0].sqrt(), distance: sums[1].sqrt(), has_b: sums[2] == 0.0, is_precise }
    }

    /// Starts the recurrence from the true residual in z.
    pub(crate) fn begin(&self, state: &mut CgState, norm: f64) {
        // A residual near 1 keeps single-precision preconditioners in range.
        state.recurrence = Recurrence { scale: norm, r_mr: 0.0, ..state.recurrence };
        state.r.owned_mut().iter_mut().zip(self.z.owned()).for_each(|(r, truth)| *r = truth / norm);
        state.p.owned_mut().fill(0.0);
    }
}

/// x + low as a rounded sum in `x` and what rounding lost in `low`.
fn add_exactly(x: &mut Vector, low: &mut Vector) {
    loops::update_pair(x.owned_mut(), low.owned_mut(), |_, x, low| {
        for (x, low) in x.iter_mut().zip(low) {
            Pair { high: *x, low: *low } = Pair::sum(*x, *low);
        }
    });
}
