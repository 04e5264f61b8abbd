//! Preconditioned conjugate gradient method.
//!
//! M. R. Hestenes, E. Stiefel, *Methods of Conjugate Gradients for Solving Linear Systems*, J. Res.
//! Nat. Bur. Standards 49 (1952); in the form of Y. Saad, *Iterative Methods for Sparse Linear
//! Systems*, 2nd ed., alg. 9.1.

mod fallback;
mod iteration;
mod report;
mod rhs;
mod solver;
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
use crate::la::cg::solver::Solver;
use crate::la::{LinearOperator, Preconditioner, PreconditionerStatistics, Vector};

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
    let mut solver = Solver::new(operator, preconditioner, b, options, monitor, &state.x);
    let (outcome, residual_norm) = solver.solve(state);
    End { outcome, rhs_norm: solver.rhs_norm, residual_norm, cost: solver.cost }
}

/// Returns the bytes that an iteration reads and writes on this rank, all arrays counted once in
/// each loop over them.
pub fn bytes_per_iteration(operator: &dyn LinearOperator, preconditioner: &dyn PreconditionerStatistics) -> usize {
    // p and x 4, A p with p.Ap 2, r 3; the preconditioner counts r.Mr and M r.
    const VECTORS: usize = 9;
    operator.bytes() + VECTORS * size_of::<f64>() * operator.halo().map().owned() + preconditioner.bytes()
}
