//! Conjugate gradients with fallback preconditioners, for problems on which the fastest one breaks
//! down.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::la::cg::report::End;
use crate::la::cg::{
    CgOptions, CgReport, CgState, ConvergedReason, Cost, Monitor, Patience, Rhs, conjugate_gradient_steps,
};
use crate::la::{LinearOperator, PreconditionerStatistics, Vector};

/// Patience with a preconditioner for which there is no better one.
pub const LONG: Patience = Patience::Halving(300);

/// Name of a preconditioner in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreconditionerName {
    /// Method.
    pub name: &'static str,
    /// Precision of its arithmetic: single or double.
    pub precision: &'static str,
}

impl fmt::Display for UsedPreconditioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} precision", self.name, self.precision)
    }
}

/// Candidate preconditioners of one operator, from the fastest to the most robust.
pub trait Preconditioners {
    /// Returns the names of the candidates, at least one.
    fn names(&self) -> &[PreconditionerName];

    /// Returns the progress that candidate `at` must make where a later one remains.
    fn patience(&self, at: usize) -> Patience;

    /// Builds candidate number `at`. **Collective.**
    ///
    /// # Errors
    /// If it cannot be built; the same on every rank.
    fn build(&mut self, at: usize) -> Result<Box<dyn PreconditionerStatistics>>;
}

/// Change from one preconditioner to the next candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Number of iterations before it.
    pub iteration: usize,
    /// Failure of the previous preconditioner.
    pub reason: String,
}

impl Switch {
    /// Records that a preconditioner was given up after an iteration for this reason.
    pub(crate) fn new(iteration: usize, reason: impl fmt::Display) -> Self {
        Self { iteration, reason: reason.to_string() }
    }
}

/// A preconditioner that took part in a solve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedPreconditioner {
    /// Method.
    pub name: String,
    /// Precision of its arithmetic: single or double.
    pub precision: String,
    /// Number of iterations before its first one.
    pub from_iteration: usize,
    /// Failure of the previous one; none for the first.
    pub reason: Option<String>,
}

/// Lists the preconditioners that a solve with these switches used, in order.
pub fn used_preconditioners(names: &[PreconditionerName], switches: &[Switch]) -> Vec<UsedPreconditioner> {
    let starts = switches.iter().map(|switch| (switch.iteration, Some(switch.reason.clone())));
    let starts = std::iter::once((0, None)).chain(starts);
    let used = |(&PreconditionerName { name, precision }, (from_iteration, reason))| UsedPreconditioner {
        name: name.to_owned(),
        precision: precision.to_owned(),
        from_iteration,
        reason,
    };
    names.iter().zip(starts).map(used).collect()
}

/// Builds the candidate that a solve with these switches uses after `iteration`, or the first later
/// one that can be built. **Collective.**
///
/// # Errors
/// Those of the last candidate.
pub fn build_preconditioner(
    candidates: &mut dyn Preconditioners,
    switches: &mut Vec<Switch>,
    iteration: usize,
) -> Result<Box<dyn PreconditionerStatistics>> {
    loop {
        let (at, is_last) = current(candidates, switches);
        match candidates.build(at) {
            Err(error) if !is_last => switches.push(Switch::new(iteration, error)),
            built => return built,
        }
    }
}

/// Returns the number of the candidate after these switches, and whether it is the last one.
fn current(candidates: &dyn Preconditioners, switches: &[Switch]) -> (usize, bool) {
    let last = candidates.names().len() - 1;
    (switches.len().min(last), switches.len() >= last)
}

/// Solves A x = b as [`conjugate_gradient_monitored`](crate::la::cg::conjugate_gradient_monitored)
/// does, starting with the preconditioner that [`build_preconditioner`] returned. Where a
/// preconditioner breaks down or no longer reduces the residual, the next candidate continues from
/// the current iterate. Where one is merely slow, it does so if it can be built. Returns the
/// iterate, the report and the last preconditioner.
/// **Collective.**
///
/// # Errors
/// Those of the last candidate, if it cannot be built.
pub fn conjugate_gradient_with_fallback(
    operator: &dyn LinearOperator,
    (candidates, mut preconditioner): (&mut dyn Preconditioners, Box<dyn PreconditionerStatistics>),
    b: &Rhs,
    mut state: CgState,
    options: CgOptions,
    monitor: &dyn Monitor,
) -> Result<(Vector, CgReport, Box<dyn PreconditionerStatistics>)> {
    let mut cost = Cost::default();
    loop {
        let (at, is_last) = current(candidates, &state.switches);
        let patience = if state.refusal.is_some() { LONG } else { candidates.patience(at) };
        let options = CgOptions { patience: (!is_last).then_some(patience), ..options };
        let end = conjugate_gradient_steps(operator, &*preconditioner, b, &mut state, options, monitor);
        cost += end.cost;
        match end.outcome.preconditioner_failure() {
            Some(reason) if end.outcome == ConvergedReason::Slow => match candidates.build(at + 1) {
                Ok(next) => {
                    state.switch(reason);
                    preconditioner = next;
                }
                Err(error) => state.refusal = Some(error.to_string()),
            },
            Some(reason) if !is_last => {
                state.switch(reason);
                // Two hierarchies at once would take more memory than an ordinary solve.
                drop(preconditioner);
                let iteration = state.iterations();
                preconditioner = build_preconditioner(candidates, &mut state.switches, iteration)?;
            }
            _ => {
                let (x, report) = CgReport::new(operator.halo().comm(), state, End { cost, ..end });
                return Ok((x, report, preconditioner));
            }
        }
    }
}
