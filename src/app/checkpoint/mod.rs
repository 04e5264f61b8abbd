//! Checkpoints: the state of the iteration in a file, from which another run continues on any
//! number of ranks.
//!
//! Two generations lie beside the results OUT.h5: OUT.checkpoint.h5 and the one before it,
//! OUT.checkpoint.old.h5. A checkpoint gets its name only when it is complete and on the disk.

mod file;
mod header;
mod interrupts;
mod monitor;
mod node_slabs;

pub use header::CheckpointKey;
pub use interrupts::Interrupts;
pub(crate) use monitor::{CheckpointMonitor, MonitorContext};

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::io::file::{atomic_hdf5, path};
use crate::io::record::RestartedFrom;
use crate::la::cg::CgState;
use crate::parallel::Comm;

const NEWEST: &str = "checkpoint.h5";
const OLDER: &str = "checkpoint.old.h5";

/// Checkpoints of one run.
pub struct Checkpoints {
    newest: PathBuf,
    older: PathBuf,
    /// Whether the newest file is a usable checkpoint, which the next one must not replace without
    /// a copy.
    is_good: Cell<bool>,
}

/// State of the iteration from a checkpoint.
pub struct Restart {
    /// The state.
    pub state: CgState,
    /// The file and the iterations before it.
    pub from: RestartedFrom,
    /// The reason why it is another file than the one of --restart.
    pub warning: Option<String>,
}

impl Restart {
    fn new(state: CgState, file: &Path, warning: Option<String>) -> Self {
        let from = RestartedFrom { file: file.into(), iteration: state.iterations() };
        Self { state, from, warning }
    }
}

impl Checkpoints {
    /// Creates the checkpoints beside a results file. **Collective.**
    ///
    /// # Errors
    /// A checkpoint that is an input, or that cannot be written; the same on every rank.
    pub fn new(comm: &Comm, results: &Path, inputs: &[&Path]) -> Result<Self> {
        let [newest, older] = [NEWEST, OLDER].map(|extension| results.with_extension(extension));
        let check = || {
            for path in [&newest, &older] {
                path::refuse_input(path, inputs.iter().copied())?;
                path::refuse_other_than_hdf5(path)?;
            }
            Ok(())
        };
        comm.agree(if comm.is_root() { check() } else { Ok(()) })?;
        Ok(Self { newest, older, is_good: Cell::new(false) })
    }

    /// Returns the path of the newest checkpoint.
    pub fn path(&self) -> &Path {
        &self.newest
    }

    /// Writes a state; the newest checkpoint becomes the older one. **Collective.**
    ///
    /// # Errors
    /// A file that cannot be written; the earlier checkpoints stay. The same on every rank.
    pub fn write(&self, comm: &Comm, key: &CheckpointKey, state: &CgState) -> Result<()> {
        file::write(comm, &self.newest, key, state)?;
        comm.agree(if comm.is_root() { self.rename() } else { Ok(()) })?;
        self.is_good.set(true);
        Ok(())
    }

    fn rename(&self) -> Result<()> {
        let failed = |e| path::write_error(&self.newest, e);
        if self.is_good.get() {
            fs::rename(&self.newest, &self.older).map_err(failed)?;
        }
        atomic_hdf5::finish(&self.newest)?;
        atomic_hdf5::flush_folder(&self.newest).map_err(failed)
    }

    /// Reads the state from a checkpoint or, where that is damaged or missing, from the generation
    /// before it. **Collective.**
    ///
    /// # Errors
    /// A checkpoint of another solve; no usable generation; the same on every rank.
    pub fn read(&self, comm: &Comm, path: &Path, key: &CheckpointKey) -> Result<Restart> {
        let restart = match (file::read(comm, path, key), older_than(comm, path)) {
            (Ok(stored), _) => Restart::new(stored.map_err(|other| other.error(path))?, path, None),
            (Err(error), Some(older)) => {
                let state = file::read(comm, &older, key)?.map_err(|other| other.error(&older))?;
                let warning = format!("{error}: the older {} is used instead", older.display());
                Restart::new(state, &older, Some(warning))
            }
            (Err(error), None) => return Err(error),
        };
        let is_newest = comm.is_root() && path::canonical(&restart.from.file) == path::canonical(&self.newest);
        self.is_good.set(is_newest);
        Ok(restart)
    }

    /// Returns the bytes for each node that the first checkpoint takes, if none is there that it
    /// replaces. A second one does not count: it gives way to the results.
    pub(crate) fn bytes_per_node(&self) -> usize {
        if self.newest.exists() { 0 } else { file::BYTES_PER_NODE }
    }

    /// Returns whether the newest file is a usable checkpoint of this run. **Collective.**
    pub(crate) fn has_newest(&self, comm: &Comm) -> bool {
        comm.broadcast(0, self.is_good.get())
    }

    /// Removes the older checkpoint to make room, and returns whether there was one. To be called
    /// where the newest one is usable. **Collective.**
    pub(crate) fn remove_older(&self, comm: &Comm) -> bool {
        comm.broadcast(0, comm.is_root() && fs::remove_file(&self.older).is_ok())
    }

    /// Returns whether there are checkpoints, of this run or of an earlier one. **Collective.**
    pub(crate) fn exist(&self, comm: &Comm) -> bool {
        comm.broadcast(0, self.files().iter().any(|path| path.exists()))
    }

    /// Removes all checkpoints. To be called after the results are on the disk. **Collective.**
    pub fn remove(&self, comm: &Comm) {
        if comm.is_root() {
            for path in self.files() {
                // A missing file is as good as a removed one, and a file that stays does no harm.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn files(&self) -> [PathBuf; 3] {
        [self.newest.clone(), self.older.clone(), path::partial(&self.newest)]
    }
}

/// Reads the number of refinements of the solve of a checkpoint, or where that is damaged or
/// missing, of the generation before it. **Collective.**
///
/// # Errors
/// No usable generation; the same on every rank.
pub fn refinements(comm: &Comm, path: &Path) -> Result<u32> {
    match (file::refinements(comm, path), older_than(comm, path)) {
        (Err(_), Some(older)) => file::refinements(comm, &older),
        (found, _) => found,
    }
}

/// Returns the generation before the checkpoint of this name, if there is one. **Collective.**
fn older_than(comm: &Comm, path: &Path) -> Option<PathBuf> {
    let name = path.to_string_lossy();
    let older = name.strip_suffix(NEWEST).map(|stem| PathBuf::from(format!("{stem}{OLDER}")));
    let has_older = comm.broadcast(0, older.as_ref().is_some_and(|older| older.exists()));
    older.filter(|_| has_older)
}
