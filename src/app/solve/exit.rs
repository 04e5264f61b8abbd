//! How a solve ended, in words and as an exit code.

use crate::app::case::Case;
use crate::error::ExitCode;
use crate::la::cg::{CgReport, Outcome};
use crate::parallel::Comm;
use crate::system::complain;

/// The exit code, after rank 0 has said why it is not 0.
pub fn verdict(comm: &Comm, report: &CgReport, case: &Case) -> ExitCode {
    let next = report.iterations + 1;
    let why = match report.outcome {
        Outcome::Converged => return ExitCode::Success,
        Outcome::Interrupted => return ExitCode::Checkpointed,
        Outcome::MaxIterations => "raise --max-iterations or --rtol".to_owned(),
        Outcome::Stagnated => "--rtol is beyond what rounding allows here: raise it".to_owned(),
        Outcome::IndefiniteOperator { p_ap } => format!(
            "in iteration {next} the matrix is not positive definite (p.Kp = {p_ap:e}): \
             check the conditions of the problem"
        ),
        Outcome::IndefinitePreconditioner { r_mr } => format!(
            "in iteration {next} the preconditioner is not positive definite (r.Mr = {r_mr:e}); please report this"
        ),
        Outcome::NotFinite { quantity } => format!(
            "in iteration {next} a NaN or an infinity appeared in {}: check the size of the input values",
            quantity.name()
        ),
        Outcome::Stalled => "the residual no longer shrinks: raise --rtol".to_owned(),
        Outcome::Unreliable => "the true residual went away from that of the recurrence again and again, by more than \
                                rounding explains: have the memory of the hosts checked"
            .to_owned(),
        Outcome::ChangedRightSide => "a value of the right side is another one than at the start of the iteration: \
                                      have the memory of the hosts checked"
            .to_owned(),
    };
    if comm.is_root() {
        complain(&format!(
            "error: not converged after {} iterations, relative residual {} instead of {:.3e}: \
             {why}. {} holds the last iterate, marked as not converged.",
            report.iterations,
            report.shown_residual(3),
            case.solver.rtol,
            case.output.results.display()
        ));
    }
    ExitCode::NotConverged
}
