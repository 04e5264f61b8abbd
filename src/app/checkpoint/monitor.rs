//! The monitor of a solve: it shows how far it is, and saves what there is when
//! that is wished for.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::app::checkpoint::{CheckpointKey, Checkpoints, Interrupts};
use crate::error::{Error, Result};
use crate::io::console::Console;
use crate::la::cg::{CgReport, CgState, ConvergedReason, IterationControl, Monitor};
use crate::parallel::{Comm, IterationTimer, fault_injection};

/// What a watch looks at, and whom it tells.
pub struct MonitorContext<'a> {
    /// The ranks that solve.
    pub comm: &'a Comm,
    /// Where iterations are shown.
    pub console: &'a Console,
    /// Where they are measured.
    pub laps: &'a IterationTimer,
    /// What may end the solve, with a checkpoint.
    pub interrupts: &'a Interrupts,
    /// Where the state is saved, if anywhere.
    pub checkpoints: Option<&'a Checkpoints>,
    /// What is solved.
    pub subject: &'a CheckpointKey<'a>,
    /// A checkpoint is written each time this long has passed.
    pub every: Option<Duration>,
}

/// Watches over one solve.
pub struct CheckpointMonitor<'a> {
    orders: MonitorContext<'a>,
    start: Instant,
    saved: Cell<Instant>,
    last: RefCell<Result<()>>,
}

impl<'a> CheckpointMonitor<'a> {
    /// Begins now.
    pub fn new(orders: MonitorContext<'a>) -> Self {
        let start = Instant::now();
        Self { orders, start, saved: Cell::new(start), last: RefCell::new(Ok(())) }
    }

    /// Ends the run if the solve was interrupted. **Collective.**
    ///
    /// # Errors
    /// Then [`Error::Checkpointed`], [`Error::Write`] where the checkpoint could
    /// not be written, or [`Error::StoppedForGood`] where there are none; the same on every rank.
    pub fn end(self, report: &CgReport) -> Result<()> {
        if report.outcome != ConvergedReason::Interrupted {
            return Ok(());
        }
        let reason = self.orders.interrupts.reason(self.orders.comm).unwrap_or_default();
        self.last.into_inner()?;
        let (iteration, relative) = (report.iterations, report.relative_residual());
        Err(match self.orders.checkpoints {
            Some(checkpoints) => Error::Checkpointed { reason, iteration, relative, path: checkpoints.path().into() },
            None => Error::StoppedForGood { reason, iteration },
        })
    }
}

impl Monitor for CheckpointMonitor<'_> {
    fn wish(&self, iteration: usize) -> IterationControl {
        let MonitorContext { comm, interrupts, every, .. } = self.orders;
        fault_injection::at_iteration(comm, iteration);
        if interrupts.is_wished() {
            IterationControl::Stop
        } else if every.is_some_and(|every| self.saved.get().elapsed() >= every) {
            IterationControl::Save
        } else {
            IterationControl::GoOn
        }
    }

    fn observe(&self, iteration: usize, relative: f64) {
        let MonitorContext { console, laps, subject, .. } = self.orders;
        laps.lap();
        console.progress.iteration(self.start, iteration, relative, subject.case.solver.rtol);
    }

    fn save(&self, state: &CgState) {
        let MonitorContext { comm, console, interrupts, checkpoints, subject, .. } = self.orders;
        let Some(checkpoints) = checkpoints else { return };
        let written = checkpoints.write(comm, subject, state);
        let goes_on = interrupts.reason(comm).is_none();
        if let (Err(error), true) = (&written, goes_on) {
            console.warn(&[format!("{error}; the solve goes on without this checkpoint")]);
        }
        *self.last.borrow_mut() = written;
        self.saved.set(Instant::now());
    }
}
