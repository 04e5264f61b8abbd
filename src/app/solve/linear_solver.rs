//! Linear solver of a system: conjugate gradients with the preconditioners of its matrix.

use crate::app::case::Solver;
use crate::error::Result;
use crate::fem::{System, SystemPreconditioners};
use crate::la::cg::{
    CgOptions, CgReport, CgState, Monitor, Preconditioners, Rhs, Switch, UsedPreconditioner, build_preconditioner,
    conjugate_gradient_with_fallback, used_preconditioners,
};
use crate::la::{PreconditionerStatistics, Vector};

/// Conjugate gradients for the matrix of a system and any right-hand sides. Each solve starts with
/// the preconditioner with which the one before ended.
pub struct LinearSolver<'a> {
    system: &'a System<'a>,
    candidates: SystemPreconditioners<'a>,
    /// Preconditioner of the last solve.
    pub preconditioner: Box<dyn PreconditionerStatistics>,
    /// Changes of the preconditioner so far.
    pub switches: Vec<Switch>,
    options: CgOptions,
}

impl<'a> LinearSolver<'a> {
    /// Builds the preconditioner that a solve with these switches uses after `iteration`.
    /// **Collective.**
    ///
    /// # Errors
    /// A preconditioner that cannot be built; the same on every rank.
    pub fn build(system: &'a System<'a>, solver: &Solver, mut switches: Vec<Switch>, iteration: usize) -> Result<Self> {
        let mut candidates = system.preconditioners(solver.preconditioner);
        let preconditioner = build_preconditioner(&mut candidates, &mut switches, iteration)?;
        let options = CgOptions { rtol: solver.rtol, max_iterations: solver.max_iterations, patience: None };
        Ok(Self { system, candidates, preconditioner, switches, options })
    }

    /// Solves K x = b from a state. Returns the solver for further solves, x and the report.
    /// **Collective.**
    ///
    /// # Errors
    /// A preconditioner that cannot be built; the same on every rank.
    pub fn solve(mut self, b: &Rhs, start: CgState, monitor: &dyn Monitor) -> Result<(Self, Vector, CgReport)> {
        let start = start.with_switches(self.switches);
        let first = (&mut self.candidates as &mut dyn Preconditioners, self.preconditioner);
        let solved = conjugate_gradient_with_fallback(self.system.operator(), first, b, start, self.options, monitor)?;
        let (x, report, preconditioner) = solved;
        let switches = report.switches.clone();
        Ok((Self { preconditioner, switches, ..self }, x, report))
    }

    /// Returns the system.
    pub fn system(&self) -> &'a System<'a> {
        self.system
    }

    /// Lists the preconditioners so far.
    pub fn used_preconditioners(&self) -> Vec<UsedPreconditioner> {
        used_preconditioners(self.candidates.names(), &self.switches)
    }
}
