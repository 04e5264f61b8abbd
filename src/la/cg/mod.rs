//! The preconditioned conjugate gradient method.
//!
//! M. R. Hestenes, E. Stiefel, *Methods of Conjugate Gradients for Solving
//! Linear Systems*, J. Res. Nat. Bur. Standards 49 (1952); in the form of
//! Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., alg. 9.1.

mod fallback;
mod report;
mod rhs;
mod state;
mod true_residual;

pub use fallback::{
    PreconditionerName, Preconditioners, Switch, UsedPreconditioner, build_preconditioner,
    conjugate_gradient_with_fallback, used_preconditioners,
};
pub use report::{CgOptions, CgReport, CgScalar, ConvergedReason, Cost, ResidualReplacement};
pub use rhs::Rhs;
pub use state::{CgState, IterationControl, Monitor, Recurrence};

use std::time::Instant;

use crate::la::cg::report::End;
use crate::la::cg::true_residual::Truth;
use crate::la::vector::{dot, inner};
use crate::la::{LinearOperator, Preconditioner, Vector};
use crate::parallel::{Comm, loops};

/// Iterations from one look at the true residual to the next. It takes two
/// products with the operator: at most 2 % of the time, since an iteration
/// takes one and more.
const LOOK_EVERY: usize = 100;
/// Solves A x = b from the start value in `x`, whose last iterate is the best
/// one in the energy norm whatever the outcome. Every rank must pass the same
/// options. Three reductions an iteration. **Collective.**
///
/// On large meshes rounding the solution to f64 alone leaves a residual far
/// above what the operator resolves. The iterate is therefore the unevaluated
/// sum of two f64 (T. J. Dekker, *A floating-point technique for extending the
/// available precision*, Numer. Math. 18 (1971)): residuals are those of the
/// sum, and `x` returns it rounded.
///
/// The residual of the recurrence goes away from the true one by rounding, and
/// by a fault of the hardware at once. Every hundred iterations and at the end
/// the true one is computed; where they differ, the recurrence is started again
/// from it (H. A. van der Vorst, Q. Ye, *Residual replacement strategies for
/// Krylov subspace iterative methods for the convergence of true residuals*,
/// SIAM J. Sci. Comput. 22 (2000)). Then b, of which there is no other copy, is
/// compared with its checksum, too. Where restarts no longer reduce the true
/// residual, rounding in A x may be all that is left of it: from then on it is
/// summed in twice the precision, as in iterative refinement (N. J. Higham,
/// *Accuracy and Stability of Numerical Algorithms*, 2nd ed., chapter 12).
pub fn conjugate_gradient(
    operator: &dyn LinearOperator,
    preconditioner: &dyn Preconditioner,
    b: &[f64],
    x: &mut Vector,
    options: CgOptions,
) -> CgReport {
    let start = CgState::new(x.clone());
    let b = Rhs::new(b.to_vec());
    let (solution, report) = conjugate_gradient_monitored(operator, preconditioner, &b, start, options, &());
    *x = solution;
    report
}

/// As [`conjugate_gradient`], from any state, with a monitor of the iterations;
/// returns the iterate, too. **Collective.**
pub fn conjugate_gradient_monitored(
    operator: &dyn LinearOperator,
    preconditioner: &dyn Preconditioner,
    b: &Rhs,
    mut state: CgState,
    options: CgOptions,
    monitor: &dyn Monitor,
) -> (Vector, CgReport) {
    let end = conjugate_gradient_steps(operator, preconditioner, b, &mut state, options, monitor);
    CgReport::new(operator.halo().comm(), state, end)
}

/// Iterates from a state, which becomes that of the end. **Collective.**
pub(crate) fn conjugate_gradient_steps(
    operator: &dyn LinearOperator,
    preconditioner: &dyn Preconditioner,
    b: &Rhs,
    state: &mut CgState,
    options: CgOptions,
    monitor: &dyn Monitor,
) -> End {
    let comm = operator.halo().comm();
    let rhs_norm = comm.sum(dot(&b.values, &b.values)).sqrt();
    let (z, q) = (state.x.zeros_like(), state.x.zeros_like());
    let mut solver =
        Solver { operator, preconditioner, b, options, monitor, comm, rhs_norm, z, q, cost: Cost::default() };
    let (outcome, residual_norm) = solver.solve(state);
    End { outcome, rhs_norm, residual_norm, cost: solver.cost }
}

pub(crate) struct Solver<'a> {
    pub(crate) operator: &'a dyn LinearOperator,
    preconditioner: &'a dyn Preconditioner,
    pub(crate) b: &'a Rhs,
    options: CgOptions,
    monitor: &'a dyn Monitor,
    pub(crate) comm: &'a Comm,
    pub(crate) rhs_norm: f64,
    /// M r, or the true residual.
    pub(crate) z: Vector,
    /// A p.
    pub(crate) q: Vector,
    cost: Cost,
}

impl Solver<'_> {
    /// Why it ended, and ||b - A x||.
    fn solve(&mut self, state: &mut CgState) -> (ConvergedReason, f64) {
        let ended = self.start(state).and_then(|()| self.iterate(state));
        ended.unwrap_or_else(|outcome| {
            let truth = self.truth(state);
            (self.verdict(&truth).unwrap_or(outcome), truth.norm)
        })
    }

    /// What the true residual decides.
    pub(crate) fn verdict(&self, truth: &Truth) -> Option<ConvergedReason> {
        if !truth.has_b {
            return Some(ConvergedReason::ChangedRightSide);
        }
        // Where b is infinite, so is its target.
        (truth.norm.is_finite() && truth.norm <= self.target()).then_some(ConvergedReason::Converged)
    }

    /// ||b - A x|| that is small enough.
    fn target(&self) -> f64 {
        self.options.rtol * self.rhs_norm
    }

    /// Starts the recurrence, unless it has been started.
    fn start(&mut self, state: &mut CgState) -> Result<(), ConvergedReason> {
        if state.history.is_empty() {
            self.operator.residual(&self.b.values, &mut state.x, &mut self.z);
            let norm = self.comm.sum(dot(self.z.owned(), self.z.owned())).sqrt();
            state.history.push(norm);
            finite(self.rhs_norm, CgScalar::Rhs)?;
            finite(norm, CgScalar::TrueResidual)?;
            self.begin(state, norm);
        } else if state.recurrence.scale == 0.0 {
            let norm = self.truth(state).norm;
            finite(norm, CgScalar::TrueResidual)?;
            self.begin(state, norm);
        }
        Ok(())
    }

    /// Why it ended, with ||b - A x|| where that is known.
    fn iterate(&mut self, state: &mut CgState) -> Result<(ConvergedReason, f64), ConvergedReason> {
        if state.history[0] <= self.target()
            && let Some(ended) = self.look(state, true)
        {
            return Ok(ended);
        }
        loop {
            if state.iterations() >= self.options.max_iterations {
                return Err(ConvergedReason::MaxIterations);
            }
            let (wish, norm) = self.step(state)?;
            let is_small = norm <= self.target();
            let is_turn = state.iterations().is_multiple_of(LOOK_EVERY);
            if (is_small || is_turn)
                && let Some(ended) = self.look(state, is_small)
            {
                return Ok(ended);
            }
            if is_turn && self.options.patience.is_some_and(|patience| state.is_stalled(patience)) {
                return Err(ConvergedReason::Stalled);
            }
            if wish > IterationControl::GoOn {
                self.monitor.save(state);
            }
            if wish == IterationControl::Stop {
                return Ok((ConvergedReason::Interrupted, norm));
            }
        }
    }

    /// One iteration: what the ranks wish after it, and ||r||.
    fn step(&mut self, state: &mut CgState) -> Result<(IterationControl, f64), ConvergedReason> {
        let Self { operator, preconditioner, monitor, comm, z, q, cost, .. } = self;
        let CgState { low, r, p, recurrence, history, .. } = state;
        let scale = recurrence.scale;

        timed(&mut cost.preconditioner, || preconditioner.apply(r, z));
        let r_mr = comm.sum(dot(r.owned(), z.owned()));
        positive(r_mr, CgScalar::RMr, ConvergedReason::IndefinitePreconditioner { r_mr })?;
        let beta = if recurrence.r_mr > 0.0 { r_mr / recurrence.r_mr } else { 0.0 };
        p.scale_and_add(beta, z);

        timed(&mut cost.operator, || operator.apply(p, q));
        let p_ap = comm.sum(dot(p.owned(), q.owned()));
        positive(p_ap, CgScalar::PAp, ConvergedReason::IndefiniteOperator { p_ap })?;
        let alpha = r_mr / p_ap;
        let q = q.owned();
        let [r_r] = loops::update(r.owned_mut(), |range, r| {
            for (r, q) in r.iter_mut().zip(&q[range]) {
                *r -= alpha * q;
            }
            [inner(r, r)]
        });
        let (wish, r_r) = agree(comm, monitor.wish(history.len()), r_r);
        let norm = scale * r_r.sqrt();
        finite(norm, CgScalar::Residual)?;
        low.add(scale * alpha, p);

        recurrence.r_mr = r_mr;
        monitor.observe(history.len(), if self.rhs_norm > 0.0 { norm / self.rhs_norm } else { norm });
        history.push(norm);
        Ok((wish, norm))
    }
}

/// The highest wish of all ranks, and the sum of a value, in one reduction.
fn agree(comm: &Comm, wish: IterationControl, value: f64) -> (IterationControl, f64) {
    let is = |wanted: IterationControl| f64::from(u8::from(wish == wanted));
    let sums = comm.sum_all(&[value, is(IterationControl::Save), is(IterationControl::Stop)]);
    let highest = match sums[1..] {
        [_, stops] if stops > 0.0 => IterationControl::Stop,
        [saves, _] if saves > 0.0 => IterationControl::Save,
        _ => IterationControl::GoOn,
    };
    (highest, sums[0])
}

/// Adds the seconds that `work` takes.
fn timed(seconds: &mut f64, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    *seconds += start.elapsed().as_secs_f64();
}

pub(crate) fn finite(value: f64, quantity: CgScalar) -> Result<(), ConvergedReason> {
    if value.is_finite() { Ok(()) } else { Err(ConvergedReason::NotFinite { quantity }) }
}

fn positive(value: f64, quantity: CgScalar, indefinite: ConvergedReason) -> Result<(), ConvergedReason> {
    finite(value, quantity)?;
    if value > 0.0 { Ok(()) } else { Err(indefinite) }
}
