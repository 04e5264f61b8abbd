//! Stages of a run, and the observers of one rank: console, timers, checkpoints, interrupts.

use crate::app::checkpoint::{Checkpoints, Interrupts};
use crate::error::Result;
use crate::io::console::Console;
use crate::parallel::{Comm, Stopwatch, fault_injection, heartbeat, work};

/// Stage of a run.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Name for the heartbeat, for faults and for interrupts; none for a part of the stage before
    /// it.
    name: Option<&'static str>,
    /// Whether an interrupt ends the run before this stage.
    is_interruptible: bool,
    /// Key of its time in the run record.
    key: &'static str,
    /// Text of its progress line: the name of the stage as an activity. None where the line of the
    /// stage before it stays.
    text: Option<&'static str>,
}

/// Work of a stage in elements.
#[derive(Debug, Clone, Copy)]
pub struct Elements {
    /// Work units of this rank.
    pub units: u64,
    /// Elements of all ranks.
    pub total: u64,
}

impl Stage {
    /// Reads the mesh.
    pub const READ: Self = Self::new("read", "load_mesh", "reading the mesh");
    /// Partitions, distributes and refines the mesh.
    pub const PARTITION: Self = Self::new("partition", "partition", "partitioning the mesh");
    /// Refines the mesh of a solution.
    pub const REFINE: Self = Self::new("refine", "partition", "refining the mesh");
    /// Computes the potentials of floating boundaries.
    pub const POTENTIALS: Self = Self::new("potentials", "apply_bc", "computing the potentials of floating boundaries");
    /// Assembles the system.
    pub const ASSEMBLE: Self = Self::new("assemble", "assemble_system", "assembling the system");
    /// Imposes the boundary conditions.
    pub const APPLY_BC: Self = Self { name: None, key: "apply_bc", text: None, ..Self::ASSEMBLE };
    /// Builds the preconditioner.
    pub const SETUP: Self = Self::new("solve", "setup_preconditioner", "setting up the preconditioner");
    /// Iterates.
    pub const ITERATE: Self = Self { text: None, ..Self::new("iterate", "solve_system", "") };
    /// Derives velocities, pressures and flows.
    pub const DERIVE: Self = Self { name: None, ..Self::new("", "compute_derived", "recovering velocities") };
    /// Writes the results.
    pub const EXPORT: Self = Self { is_interruptible: false, ..Self::new("export", "export", "writing") };

    const fn new(name: &'static str, key: &'static str, text: &'static str) -> Self {
        Self { name: Some(name), is_interruptible: true, key, text: Some(text) }
    }
}

/// Observers of a run on one rank.
pub struct RunObservers<'a> {
    /// Output to the user.
    pub console: &'a Console,
    /// Times of the stages.
    pub watch: Stopwatch,
    /// Checkpoints of the iteration, if there are any.
    pub checkpoints: Option<&'a Checkpoints>,
    /// Signals and time limits that end the run.
    pub interrupts: &'a Interrupts,
}

impl RunObservers<'_> {
    /// Runs a stage: reports it to the heartbeat and to the progress line, checks for faults and
    /// interrupts, and measures its time. **Collective.**
    ///
    /// # Errors
    /// Those of the stage, and an interrupt before it; the same on every rank.
    pub fn stage<R>(
        &mut self,
        comm: &Comm,
        stage: Stage,
        elements: Option<Elements>,
        run: impl FnOnce() -> Result<R>,
    ) -> Result<R> {
        if let Some(name) = stage.name {
            heartbeat::enter(name);
            fault_injection::point(comm, name);
            if stage.is_interruptible {
                self.interrupts.check(comm, name)?;
            }
        }
        if let Some(text) = stage.text {
            self.console.progress.stage(text);
        }
        if let Some(Elements { units, total }) = elements {
            work::expect(units, total, "elements");
        }
        self.watch.time(stage.key, run)
    }
}
