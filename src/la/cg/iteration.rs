//! Iteration of conjugate gradients, from its start to a reason to end.

use crate::la::DirectionUpdate;
use crate::la::cg::solver::{Solver, finite};
use crate::la::cg::{CgScalar, CgState, ConvergedReason, IterationControl};
use crate::la::vector::{dot, inner};
use crate::parallel::{Comm, SpanKind, loops, measure};

/// Iterations between two checks of the true residual. A check takes two products with the
/// operator, at most 2 % of the time.
const CHECK_INTERVAL: usize = 100;

impl Solver<'_> {
    /// Iterates to the end. Returns the reason and ||b - A x||. **Collective.**
    pub(crate) fn solve(&mut self, state: &mut CgState) -> (ConvergedReason, f64) {
        let ended = self.start(state).and_then(|()| self.iterate(state));
        ended.unwrap_or_else(|outcome| {
            let residual = self.true_residual(state);
            let is_replaceable = matches!(outcome, ConvergedReason::Slow | ConvergedReason::Stalled);
            let ended = self.convergence_test(&residual).filter(|_| !is_replaceable || self.is_accurate(state));
            (ended.unwrap_or(outcome), residual.norm)
        })
    }

    /// Starts the recurrence if the state has none. **Collective.**
    fn start(&mut self, state: &mut CgState) -> Result<(), ConvergedReason> {
        if state.history.is_empty() {
            self.residual(&mut state.x);
            let norm = self.comm.sum(dot(self.z.owned(), self.z.owned())).sqrt();
            state.history.push(norm);
            finite(self.rhs_norm, CgScalar::Rhs)?;
            finite(norm, CgScalar::TrueResidual)?;
            self.restart(state, norm);
            self.improve_guess(state, norm);
        } else if state.recurrence.scale == 0.0 {
            let norm = self.true_residual(state).norm;
            finite(norm, CgScalar::TrueResidual)?;
            self.restart(state, norm);
        }
        Ok(())
    }

    /// Replaces an initial guess of zeros by that of the preconditioner where its residual is
    /// smaller than `norm`. **Collective.**
    fn improve_guess(&mut self, state: &mut CgState, norm: f64) {
        let x = state.x.owned();
        if norm == 0.0 || self.comm.sum(dot(x, x)) > 0.0 || !self.preconditioner.initial_guess(&state.r, &mut self.z) {
            return;
        }
        state.x.add(norm, &self.z);
        self.residual(&mut state.x);
        let improved = self.comm.sum(dot(self.z.owned(), self.z.owned())).sqrt();
        if improved < norm {
            state.history[0] = improved;
            self.restart(state, improved);
        } else {
            state.x.owned_mut().fill(0.0);
        }
    }

    /// Iterates until a reason to end. Returns it with ||b - A x||, or as an error where the true
    /// residual is still to be computed. **Collective.**
    fn iterate(&mut self, state: &mut CgState) -> Result<(ConvergedReason, f64), ConvergedReason> {
        if state.history[0] <= self.target()
            && let Some(ended) = self.check_true_residual(state, true)
        {
            return Ok(ended);
        }
        loop {
            if state.iterations() >= self.options.max_iterations {
                return Err(ConvergedReason::MaxIterations);
            }
            let (control, norm) = self.step(state)?;
            let is_small = norm <= self.tightening * self.target();
            let is_check_due = state.iterations().is_multiple_of(CHECK_INTERVAL);
            if (is_small || is_check_due)
                && let Some(ended) = self.check_true_residual(state, is_small)
            {
                return Ok(ended);
            }
            if let Some(reason) = self.options.patience.and_then(|patience| state.falls_short(patience)) {
                return Err(reason);
            }
            if control > IterationControl::Continue {
                self.complete(state);
                self.monitor.save(state);
            }
            if control == IterationControl::Stop {
                return Ok((ConvergedReason::Interrupted, norm));
            }
        }
    }

    /// Performs one iteration. Returns the control that the ranks agreed on, and ||r||.
    /// **Collective.**
    fn step(&mut self, state: &mut CgState) -> Result<(IterationControl, f64), ConvergedReason> {
        let Self { operator, preconditioner, monitor, comm, z, pending, cost, .. } = self;
        let CgState { low, r, p, recurrence, history, .. } = state;
        let scale = recurrence.scale;

        let apply = || preconditioner.apply_and_dot(r, z);
        let r_mr = comm.sum(timed(comm, SpanKind::Preconditioner, &mut cost.preconditioner, apply));
        positive(r_mr, CgScalar::RMr, ConvergedReason::IndefinitePreconditioner { r_mr })?;
        let beta = if recurrence.r_mr > 0.0 { r_mr / recurrence.r_mr } else { 0.0 };
        preconditioner.next_direction(z, p, low, DirectionUpdate { alpha: std::mem::take(pending), beta });

        let p_ap = comm.sum(timed(comm, SpanKind::Operator, &mut cost.operator, || operator.apply_and_dot(p, z)));
        positive(p_ap, CgScalar::PAp, ConvergedReason::IndefiniteOperator { p_ap })?;
        let alpha = r_mr / p_ap;
        let a_p = z.owned();
        let [r_r] = loops::update(r.owned_mut(), |range, r| {
            for (r, a_p) in r.iter_mut().zip(&a_p[range]) {
                *r -= alpha * a_p;
            }
            [inner(r, r)]
        });
        let (control, r_r) = agree(comm, monitor.control(history.len()), r_r);
        let norm = scale * r_r.sqrt();
        finite(norm, CgScalar::Residual)?;
        // The next direction is computed in the same loop.
        *pending = scale * alpha;

        recurrence.r_mr = r_mr;
        monitor.observe(history.len(), if self.rhs_norm > 0.0 { norm / self.rhs_norm } else { norm });
        history.push(norm);
        Ok((control, norm))
    }
}

/// Returns the highest control of all ranks and the sum of a value, in one reduction.
/// **Collective.**
fn agree(comm: &Comm, control: IterationControl, value: f64) -> (IterationControl, f64) {
    let is = |wanted: IterationControl| f64::from(u8::from(control == wanted));
    let sums = comm.sum_all(&[value, is(IterationControl::Save), is(IterationControl::Stop)]);
    let highest = match sums[1..] {
        [_, stops] if stops > 0.0 => IterationControl::Stop,
        [saves, _] if saves > 0.0 => IterationControl::Save,
        _ => IterationControl::Continue,
    };
    (highest, sums[0])
}

/// Runs `work` as a span and adds its seconds.
fn timed<R>(comm: &Comm, kind: SpanKind, seconds: &mut f64, work: impl FnOnce() -> R) -> R {
    let (result, spent) = measure(comm, kind, work);
    *seconds += spent.seconds;
    result
}

/// Returns an error if a value is not finite or not positive.
fn positive(value: f64, quantity: CgScalar, indefinite: ConvergedReason) -> Result<(), ConvergedReason> {
    finite(value, quantity)?;
    if value > 0.0 { Ok(()) } else { Err(indefinite) }
}
