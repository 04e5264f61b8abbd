//! Monitor of the iteration: shows its progress and saves checkpoints.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::app::checkpoint::{CheckpointKey, Checkpoints, Interrupts};
use crate::error::{Error, ExitCode, Result};
use crate::io::console::Console;
use crate::la::cg::{CgReport, CgState, ConvergedReason, IterationControl, Monitor};
use crate::parallel::{Comm, IterationTimer, fault_injection};

/// Context of the monitor.
pub struct MonitorContext<'a> {
    /// Communicator of the solve.
    pub comm: &'a Comm,
    /// Output of the progress.
    pub console: &'a Console,
    /// Times of the iterations.
    pub laps: &'a IterationTimer,
    /// Signals and the time limit that end the solve with a checkpoint.
    pub interrupts: &'a Interrupts,
    /// Checkpoints; none where the solve writes none.
    pub checkpoints: Option<&'a Checkpoints>,
    /// The solve to which the checkpoints belong.
    pub key: &'a CheckpointKey<'a>,
    /// Interval between two checkpoints; none without periodic checkpoints.
    pub every: Option<Duration>,
}

/// Monitor of one solve that writes checkpoints.
pub struct CheckpointMonitor<'a> {
    context: MonitorContext<'a>,
    saved: Cell<Instant>,
    last: RefCell<Result<()>>,
}

impl<'a> CheckpointMonitor<'a> {
    /// Creates the monitor of an iteration that begins now.
    pub fn new(context: MonitorContext<'a>) -> Self {
        Self { context, saved: Cell::new(Instant::now()), last: RefCell::new(Ok(())) }
    }

    /// Returns an error if the solve was interrupted. **Collective.**
    ///
    /// # Errors
    /// The interrupt, with the way to continue, or a checkpoint that could not be written; the same
    /// on every rank.
    pub fn end(self, report: &CgReport) -> Result<()> {
        if report.outcome != ConvergedReason::Interrupted {
            return Ok(());
        }
        let reason = self.context.interrupts.reason(self.context.comm).unwrap_or_default();
        self.last.into_inner()?;
        let (iteration, relative) = (report.iterations, report.relative_residual());
        let message = match self.context.checkpoints {
            Some(checkpoints) => format!(
                "stopped by {reason} after iteration {iteration}, relative residual {relative:.3e}: to continue, start the \
                 same command with --restart {}",
                checkpoints.path().display()
            ),
            None => format!(
                "stopped by {reason} after iteration {iteration}: with --reproducible there are no checkpoints; start \
                 the same command again"
            ),
        };
        Err(Error::new(ExitCode::Checkpointed, message))
    }
}

impl Monitor for CheckpointMonitor<'_> {
    fn control(&self, iteration: usize) -> IterationControl {
        let MonitorContext { comm, interrupts, every, .. } = self.context;
        fault_injection::at_iteration(comm, iteration);
        if interrupts.is_pending() {
            IterationControl::Stop
        } else if every.is_some_and(|every| self.saved.get().elapsed() >= every) {
            IterationControl::Save
        } else {
            IterationControl::Continue
        }
    }

    fn observe(&self, iteration: usize, relative: f64) {
        let MonitorContext { console, laps, key, .. } = self.context;
        laps.lap(iteration);
        console.progress.iteration(iteration, relative, key.case.solver.rtol);
    }

    fn save(&self, state: &CgState) {
        let MonitorContext { comm, console, interrupts, checkpoints, key, .. } = self.context;
        let Some(checkpoints) = checkpoints else { return };
        let written = checkpoints.write(comm, key, state);
        let goes_on = interrupts.reason(comm).is_none();
        if let (Err(error), true) = (&written, goes_on) {
            console.warn(&[format!("{error}; the solve continues without this checkpoint")]);
        }
        *self.last.borrow_mut() = written;
        self.saved.set(Instant::now());
    }
}
