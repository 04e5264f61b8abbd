//! Conjugate gradients with other preconditioners in reserve, for problems on
//! which the fastest one breaks down.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::la::cg::report::End;
use crate::la::cg::{CgOptions, CgReport, CgState, Cost, Monitor, Rhs, conjugate_gradient_steps};
use crate::la::{LinearOperator, Preconditioner, Vector};

/// Iterations within which a preconditioner must halve the smallest residual, where another one is in
/// reserve.
const PATIENCE: usize = 300;

/// What one preconditioner is called in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PreconditionerName {
    /// The method.
    pub name: &'static str,
    /// The precision of its arithmetic: single or double.
    pub precision: &'static str,
}

impl fmt::Display for PreconditionerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} precision", self.name, self.precision)
    }
}

/// Preconditioners for one operator, from the fastest to the most robust.
pub trait Preconditioners {
    /// Returns their names; there is at least one.
    fn names(&self) -> &[PreconditionerName];

    /// Builds the one at this place of the list. **Collective.**
    ///
    /// # Errors
    /// Any [`Error`](crate::error::Error) that prevents it, the same on every rank.
    fn build(&mut self, at: usize) -> Result<Box<dyn Preconditioner>>;
}

/// A change from one preconditioner to the next one in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Iterations before it.
    pub iteration: usize,
    /// Why the preconditioner before it was given up.
    pub reason: String,
}

impl Switch {
    /// Records that a preconditioner was given up after an iteration for this reason.
    pub(crate) fn new(iteration: usize, reason: impl fmt::Display) -> Self {
        Self { iteration, reason: reason.to_string() }
    }
}

/// A preconditioner that took part in a solve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsedPreconditioner {
    /// Which one it is.
    #[serde(flatten)]
    pub name: PreconditionerName,
    /// Iterations before its first one.
    pub from_iteration: usize,
    /// Why the one before it was given up; none for the first.
    pub reason: Option<String>,
}

/// Returns the preconditioners that a solve with these switches used, in order.
pub fn used_preconditioners(names: &[PreconditionerName], switches: &[Switch]) -> Vec<UsedPreconditioner> {
    let starts = switches.iter().map(|switch| (switch.iteration, Some(switch.reason.clone())));
    let starts = std::iter::once((0, None)).chain(starts);
    let used = |(&name, (from_iteration, reason))| UsedPreconditioner { name, from_iteration, reason };
    names.iter().zip(starts).map(used).collect()
}

/// Builds the preconditioner that a solve with these switches has come to after an iteration or, where
/// that fails, the first one after it that can be built. **Collective.**
///
/// # Errors
/// Those of the last one in the list.
pub fn build_preconditioner(
    candidates: &mut dyn Preconditioners,
    switches: &mut Vec<Switch>,
    iteration: usize,
) -> Result<Box<dyn Preconditioner>> {
    loop {
        let (at, is_last) = place(candidates, switches);
        match candidates.build(at) {
            Err(error) if !is_last => switches.push(Switch::new(iteration, error)),
            built => return built,
        }
    }
}

/// The place of the preconditioner after these switches in the list, and whether it is the last one.
fn place(candidates: &dyn Preconditioners, switches: &[Switch]) -> (usize, bool) {
    let last = candidates.names().len() - 1;
    (switches.len().min(last), switches.len() >= last)
}

/// Solves A x = b as [`conjugate_gradient_monitored`](crate::la::cg::conjugate_gradient_monitored), from
/// the preconditioner that [`build_preconditioner`] returned. Where a preconditioner breaks down
/// or no longer reduces the residual, the next candidate goes on from the iterate at hand. Returns
/// the preconditioner that was used last, too. **Collective.**
///
/// # Errors
/// Those of the last candidate, if it cannot be built.
pub fn conjugate_gradient_with_fallback(
    operator: &dyn LinearOperator,
    (candidates, mut preconditioner): (&mut dyn Preconditioners, Box<dyn Preconditioner>),
    b: &Rhs,
    mut state: CgState,
    options: CgOptions,
    monitor: &dyn Monitor,
) -> Result<(Vector, CgReport, Box<dyn Preconditioner>)> {
    let mut cost = Cost::default();
    loop {
        let (_, is_last) = place(candidates, &state.switches);
        let options = CgOptions { patience: (!is_last).then_some(PATIENCE), ..options };
        let end = conjugate_gradient_steps(operator, &*preconditioner, b, &mut state, options, monitor);
        cost += end.cost;
        match end.outcome.flaw_of_preconditioner() {
            Some(reason) if !is_last => {
                state.switch(reason);
                // Two hierarchies at a time would take more memory than an ordinary solve.
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
