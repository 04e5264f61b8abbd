//! The monitor of a solve: it shows how far it is, and saves what there is when
//! that is wished for.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::{Checkpoints, Interrupts, Subject};
use crate::breakdown::Laps;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::fault;
use crate::la::{CgReport, CgState, Monitor, Outcome, Wish};
use crate::parallel::Comm;

/// Watches over one solve.
pub struct Watch<'a> {
    comm: &'a Comm,
    console: &'a Console,
    laps: &'a Laps,
    interrupts: &'a Interrupts,
    checkpoints: Option<&'a Checkpoints>,
    subject: &'a Subject<'a>,
    every: Option<Duration>,
    rtol: f64,
    start: Instant,
    saved: Cell<Instant>,
    last: RefCell<Result<()>>,
}

impl<'a> Watch<'a> {
    /// Begins now. A checkpoint is written when the interrupts wish it, and
    /// after each time of `every`; none where there are no checkpoints.
    pub fn new(
        comm: &'a Comm,
        console: &'a Console,
        laps: &'a Laps,
        interrupts: &'a Interrupts,
        checkpoints: Option<&'a Checkpoints>,
        subject: &'a Subject<'a>,
        every: Option<Duration>,
    ) -> Self {
        let start = Instant::now();
        let rtol = subject.case.solver.rtol;
        let (saved, last) = (Cell::new(start), RefCell::new(Ok(())));
        Self { comm, console, laps, interrupts, checkpoints, subject, every, rtol, start, saved, last }
    }

    /// Ends the run if the solve was interrupted. **Collective.**
    ///
    /// # Errors
    /// Then [`Error::Checkpointed`], [`Error::Write`] where the checkpoint could
    /// not be written, or [`Error::StoppedForGood`] where there are none; the same on every rank.
    pub fn end(self, report: &CgReport) -> Result<()> {
        if report.outcome != Outcome::Interrupted {
            return Ok(());
        }
        let reason = self.interrupts.reason(self.comm).unwrap_or_default();
        self.last.into_inner()?;
        let (iteration, relative) = (report.iterations, report.relative_residual());
        Err(match self.checkpoints {
            Some(checkpoints) => Error::Checkpointed { reason, iteration, relative, path: checkpoints.path().into() },
            None => Error::StoppedForGood { reason, iteration },
        })
    }
}

impl Monitor for Watch<'_> {
    fn wish(&self, iteration: usize) -> Wish {
        fault::at_iteration(self.comm, iteration);
        if self.interrupts.is_wished() {
            Wish::Stop
        } else if self.every.is_some_and(|every| self.saved.get().elapsed() >= every) {
            Wish::Save
        } else {
            Wish::GoOn
        }
    }

    fn observe(&self, iteration: usize, relative: f64) {
        self.laps.lap();
        self.console.progress.iteration(self.start, iteration, relative, self.rtol);
    }

    fn save(&self, state: &CgState) {
        let Some(checkpoints) = self.checkpoints else { return };
        let written = checkpoints.write(self.comm, self.subject, state);
        let goes_on = self.interrupts.reason(self.comm).is_none();
        if let (Err(error), true) = (&written, goes_on) {
            self.console.warn(&[format!("{error}; the solve goes on without this checkpoint")]);
        }
        *self.last.borrow_mut() = written;
        self.saved.set(Instant::now());
    }
}
