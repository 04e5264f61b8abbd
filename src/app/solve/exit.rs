//! The end of a solve as an exit code and a message.

use crate::app::case::Case;
use crate::error::ExitCode;
use crate::la::cg::{CgReport, ConvergedReason};
use crate::parallel::Comm;
use crate::system::{plural, print_error, rounded};

/// Returns the exit code; rank 0 prints the reason of another one than 0.
pub fn exit_code(comm: &Comm, report: &CgReport, case: &Case) -> ExitCode {
    let next = report.iterations + 1;
    let why = match report.outcome {
        ConvergedReason::Converged => return ExitCode::Success,
        ConvergedReason::Interrupted => return ExitCode::Checkpointed,
        ConvergedReason::MaxIterations => "raise --max-iterations or --rtol".to_owned(),
        ConvergedReason::Stagnated => "--rtol is beyond what rounding allows here: raise it".to_owned(),
        ConvergedReason::IndefiniteOperator { p_ap } => format!(
            "in iteration {next} the matrix is not positive definite (p.Kp = {}): \
             check the conditions of the problem",
            rounded(p_ap, 4)
        ),
        ConvergedReason::IndefinitePreconditioner { r_mr } => format!(
            "in iteration {next} the preconditioner is not positive definite (r.Mr = {}); please report this",
            rounded(r_mr, 4)
        ),
        ConvergedReason::NotFinite { quantity } => format!(
            "in iteration {next} a NaN or an infinity appeared in {}: check the size of the input values",
            quantity.name()
        ),
        ConvergedReason::Stalled | ConvergedReason::Slow => "the residual no longer shrinks: raise --rtol".to_owned(),
        ConvergedReason::Unreliable => "the true residual left that of the recurrence several times, by more than \
                                rounding explains: have the memory of the hosts checked"
            .to_owned(),
        ConvergedReason::ChangedRhs => "a value of the right-hand side changed during the iteration: \
                                      have the memory of the hosts checked"
            .to_owned(),
    };
    if comm.is_root() {
        print_error(&format!(
            "error: not converged after {}, relative residual {} instead of {}: \
             {why}. {} holds the last iterate, marked as not converged.",
            plural(report.iterations as u64, "iteration"),
            report.shown_residual(4),
            rounded(case.solver.rtol, 4),
            case.output.results.display()
        ));
    }
    ExitCode::NotConverged
}
