//! The end of a solve as an exit code and a message.

use crate::app::case::Case;
use crate::error::ExitCode;
use crate::io::record::{Accuracy, RefinementLevel};
use crate::la::cg::{CgReport, ConvergedReason};
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, GlobalIndex};
use crate::quad8;
use crate::system::{plural, print_error, rounded, significant};

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

/// Returns the exit code of a run with `--until-error` that converged, where the own elements have
/// these estimated errors; rank 0 prints why the error is still larger. **Collective.**
pub fn accuracy_code(comm: &Comm, accuracy: &Accuracy, mesh: &LocalMesh, errors: &[f64], case: &Case) -> ExitCode {
    let Some(last) = accuracy.levels.last().filter(|_| !accuracy.is_reached()) else { return ExitCode::Success };
    let [x, y] = least_accurate(comm, mesh, errors).map(significant);
    let remedy = if case.source.is_empty() {
        format!("make the elements of the mesh smaller around ({x}, {y}), where the estimate is largest")
    } else {
        "at a source at a point ([[source]]) the energy has no limit, and no mesh is fine enough: give f of a region \
         instead"
            .to_owned()
    };
    if comm.is_root() {
        print_error(&format!(
            "error: the estimated error is {} % instead of {} %: {}; {remedy}. {} holds the last solution.",
            rounded(last.error_estimate_percent, 3),
            rounded(accuracy.tolerance_percent, 3),
            outlook(accuracy, last),
            case.output.results.display()
        ));
    }
    ExitCode::NotConverged
}

/// Returns in words why a run does not refine after its last level.
fn outlook(accuracy: &Accuracy, last: &RefinementLevel) -> String {
    /// Rate below which the solution is not smooth.
    const SMOOTH: f64 = 1.5;
    let left = accuracy.most_refinements.saturating_sub(last.refine);
    let Some(&rate) = accuracy.rates().last() else {
        return "memory and disk have no room for a refinement".to_owned();
    };
    let cause = if rate < SMOOTH { " (a smooth solution has 2, a corner or a jump of k less)" } else { "" };
    let needed = accuracy.refinements_to_go(rate);
    let needed = if needed.is_finite() {
        let unknowns = rounded(last.unknowns as f64 * 4_f64.powf(needed), 2);
        format!("the rest takes {} ({unknowns} unknowns)", plural(needed as u64, "more refinement"))
    } else {
        "no refinement reduces it further".to_owned()
    };
    format!("its rate of convergence is {rate:.2}{cause}, {needed}, and memory and disk have room for {left}")
}

/// Returns the centre (m) of the element with the largest estimated error, of several such elements
/// that with the lowest number. **Collective.**
fn least_accurate(comm: &Comm, mesh: &LocalMesh, errors: &[f64]) -> [f64; 2] {
    let largest = comm.max(errors.iter().copied().fold(0.0, f64::max));
    let element = errors.iter().zip(&mesh.element_ids).zip(0..).filter(|((error, _), _)| **error == largest);
    let element = element.map(|((_, &id), element)| (id, element)).min();
    let lowest = comm.min(element.map_or(GlobalIndex::MAX, |(id, _)| id));
    let own = element.filter(|(id, _)| *id == lowest);
    let centre = own.map_or([f64::INFINITY; 2], |(_, e)| quad8::map(&mesh.element_coordinates(e), 0.0, 0.0));
    centre.map(|coordinate| comm.min(coordinate))
}
