//! Preconditioned conjugate gradient method.
//!
//! M. R. Hestenes, E. Stiefel, *Methods of Conjugate Gradients for Solving Linear Systems*, J. Res.
//! Nat. Bur. Standards 49 (1952); in the form of Y. Saad, *Iterative Methods for Sparse Linear
//! Systems*, 2nd ed., alg. 9.1.

mod fallback;
mod report;
mod rhs;
mod state;
mod true_residual;

pub use fallback::{
    LONG, PreconditionerName, Preconditioners, Switch, UsedPreconditioner, build_preconditioner,
    conjugate_gradient_with_fallback, used_preconditioners,
};
pub use report::{CgOptions, CgReport, CgScalar, ConvergedReason, Cost, Patience, ResidualReplacement};
pub use rhs::Rhs;
pub use state::{CgState, IterationControl, Monitor, Recurrence};

use crate::la::cg::report::End;
use crate::la::cg::true_residual::TrueResidual;
use crate::la::vector::{dot, inner};
use crate::la::{DirectionUpdate, LinearOperator, Preconditioner, PreconditionerStatistics, Vector};
use crate::parallel::{Comm, SpanKind, loops, measure};

/// Iterations between two checks of the true residual. A check takes two products with the
/// operator, at most 2 % of the time.
const CHECK_INTERVAL: usize = 100;

/// Solves A x = b from the initial guess in `x`, which returns the last iterate, the best one in
/// the energy norm. Every rank must pass the same options. Takes three reductions per iteration.
/// **Collective.**
///
/// On large meshes, rounding the solution to f64 alone leaves a residual far above the resolution
/// of the operator. The iterate is therefore the unevaluated sum of two f64 (T. J. Dekker, *A
/// floating-point technique for extending the available precision*, Numer. Math. 18 (1971)).
/// Residuals are those of the sum, and `x` returns the rounded sum.
///
/// The residual of the recurrence departs from the true residual gradually by rounding, or suddenly
/// by a hardware fault. The true residual is computed every hundred iterations and at the end.
/// Where the two differ, the recurrence restarts from the true residual (H. A. van der Vorst, Q.
/// Ye, *Residual replacement strategies for Krylov subspace iterative methods for the convergence
/// of true residuals*, SIAM J. Sci. Comput. 22 (2000)). Each check also compares b with its
/// checksum.
///
/// Where restarts no longer reduce the true residual, rounding in A x may dominate it. It is then
/// summed in twice the working precision, as in iterative refinement (N. J. Higham, *Accuracy and
/// Stability of Numerical Algorithms*, 2nd ed., chapter 12).
///
/// Where conductivities or Robin coefficients differ by many orders of magnitude, rows with large
/// entries dominate ||b||, and a small residual says little about the other unknowns. A Jacobi step
/// must therefore also change the iterate by at most rtol.
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

/// Solves A x = b as [`conjugate_gradient`] does, from any state and with a monitor of the
/// iterations. Returns the iterate and the report. **Collective.**
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

/// Iterates from a state, which becomes the final one. **Collective.**
pub(crate) fn conjugate_gradient_steps(
    operator: &dyn LinearOperator,
    preconditioner: &dyn Preconditioner,
    b: &Rhs,
    state: &mut CgState,
    options: CgOptions,
    monitor: &dyn Monitor,
) -> End {
    let comm = operator.halo().comm();
    let rhs_norm = comm.sum(b.square()).sqrt();
    let diagonal_range = diagonal_range(operator);
    let z = state.x.zeros_like();
    let mut solver = Solver {
        operator,
        preconditioner,
        b,
        options,
        monitor,
        comm,
        rhs_norm,
        diagonal_range,
        z,
        pending: 0.0,
        cost: Cost::default(),
        tightening: 1.0,
    };
    let (outcome, residual_norm) = solver.solve(state);
    End { outcome, rhs_norm, residual_norm, cost: solver.cost }
}

/// Returns the smallest positive and the largest entry of the diagonal on this rank.
fn diagonal_range(operator: &dyn LinearOperator) -> [f64; 2] {
    operator.diagonal().into_iter().fold([f64::INFINITY, 0.0], |[least, largest], entry| {
        [if entry > 0.0 { least.min(entry) } else { least }, largest.max(entry)]
    })
}

/// Conjugate gradient iteration with its work vectors.
pub(crate) struct Solver<'a> {
    pub(crate) operator: &'a dyn LinearOperator,
    preconditioner: &'a dyn Preconditioner,
    pub(crate) b: &'a Rhs,
    options: CgOptions,
    monitor: &'a dyn Monitor,
    pub(crate) comm: &'a Comm,
    pub(crate) rhs_norm: f64,
    /// Smallest positive and largest entry of the diagonal of A on this rank.
    pub(crate) diagonal_range: [f64; 2],
    /// M r, then A p, or the true residual.
    pub(crate) z: Vector,
    /// Factor of the last direction that is still to be added to the iterate.
    pending: f64,
    cost: Cost,
    /// Factor on the target of the residual, less than 1 where unknowns need a smaller one.
    pub(crate) tightening: f64,
}

impl Solver<'_> {
    /// Iterates to the end. Returns the reason and ||b - A x||.
    fn solve(&mut self, state: &mut CgState) -> (ConvergedReason, f64) {
        let ended = self.start(state).and_then(|()| self.iterate(state));
        ended.unwrap_or_else(|outcome| {
            let residual = self.true_residual(state);
            let is_replaceable = matches!(outcome, ConvergedReason::Slow | ConvergedReason::Stalled);
            let ended = self.convergence_test(&residual).filter(|_| !is_replaceable || self.is_accurate(state));
            (ended.unwrap_or(outcome), residual.norm)
        })
    }

    /// Returns the reason to end if the true residual is small enough or b has changed.
    pub(crate) fn convergence_test(&self, residual: &TrueResidual) -> Option<ConvergedReason> {
        if !residual.is_rhs_intact {
            return Some(ConvergedReason::ChangedRhs);
        }
        // An infinite b has an infinite target.
        (residual.norm.is_finite() && residual.norm <= self.target()).then_some(ConvergedReason::Converged)
    }

    /// Returns the largest ||b - A x|| of a converged solution.
    fn target(&self) -> f64 {
        self.options.rtol * self.rhs_norm
    }

    /// Overwrites z by b - A x. **Collective.**
    pub(crate) fn residual(&mut self, x: &mut Vector) {
        self.operator.apply(x, &mut self.z);
        self.b.subtract(self.z.owned_mut());
    }

    /// Starts the recurrence if the state has none.
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

    /// Replaces an initial guess of zeros by that of the preconditioner where its residual is smaller
    /// than `norm`. **Collective.**
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
    /// residual is still to be computed.
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

    /// Adds the last step to the iterate, if it is still pending.
    pub(crate) fn complete(&mut self, state: &mut CgState) {
        let pending = std::mem::take(&mut self.pending);
        if pending != 0.0 {
            state.low.add(pending, &state.p);
        }
    }
}

/// Returns the bytes that an iteration reads and writes on this rank, all arrays counted once in
/// each loop over them.
pub fn bytes_per_iteration(operator: &dyn LinearOperator, preconditioner: &dyn PreconditionerStatistics) -> usize {
    // p and x 4, A p with p.Ap 2, r 3; the preconditioner counts r.Mr and M r.
    const VECTORS: usize = 9;
    operator.bytes() + VECTORS * size_of::<f64>() * operator.halo().map().owned() + preconditioner.bytes()
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

/// Returns an error if a value is not finite.
pub(crate) fn finite(value: f64, quantity: CgScalar) -> Result<(), ConvergedReason> {
    if value.is_finite() { Ok(()) } else { Err(ConvergedReason::NotFinite { quantity }) }
}

/// Returns an error if a value is not finite or not positive.
fn positive(value: f64, quantity: CgScalar, indefinite: ConvergedReason) -> Result<(), ConvergedReason> {
    finite(value, quantity)?;
    if value > 0.0 { Ok(()) } else { Err(indefinite) }
}
