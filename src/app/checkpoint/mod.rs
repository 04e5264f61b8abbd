//! Checkpoints: what a long run leaves behind when it has to stop, so that
//! another one goes on from there, on any number of ranks.
//!
//! There are two generations beside the results OUT.h5: OUT.checkpoint.h5, and
//! the one before it, OUT.checkpoint.old.h5. Each appears under its name only
//! when it is complete and on the disk.

mod file;
mod header;
mod interrupts;
mod monitor;

pub use header::CheckpointKey;
pub use interrupts::Interrupts;
pub use monitor::{CheckpointMonitor, MonitorContext};

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io::file::{atomic_hdf5, path};
use crate::io::record::RestartedFrom;
use crate::la::cg::CgState;
use crate::parallel::Comm;

const NEWEST: &str = "checkpoint.h5";
const OLDER: &str = "checkpoint.old.h5";

/// The checkpoints of one run.
pub struct Checkpoints {
    newest: PathBuf,
    older: PathBuf,
    /// Whether what lies under the newest name is worth keeping when the next one comes.
    is_good: Cell<bool>,
}

/// A state to go on from, and where it comes from.
pub struct Restart {
    /// The state.
    pub state: CgState,
    /// The file that was read, and the iterations before it.
    pub from: RestartedFrom,
    /// Why it is not the file that was asked for.
    pub warning: Option<String>,
}

impl Restart {
    fn new(state: CgState, file: &Path, warning: Option<String>) -> Self {
        let from = RestartedFrom { file: file.into(), iteration: state.iterations() };
        Self { state, from, warning }
    }
}

impl Checkpoints {
    /// Those beside a results file; none of the inputs may lie there.
    /// **Collective.**
    ///
    /// # Errors
    /// [`Error::OutputIsInput`], [`Error::Write`]; the same on every rank.
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

    /// Where the newest one is.
    pub fn path(&self) -> &Path {
        &self.newest
    }

    /// Writes a state; the newest checkpoint becomes the older one.
    /// **Collective.**
    ///
    /// # Errors
    /// [`Error::Write`], the same on every rank; what was there is untouched.
    pub fn write(&self, comm: &Comm, subject: &CheckpointKey, state: &CgState) -> Result<()> {
        file::write(comm, &self.newest, subject, state)?;
        comm.agree(if comm.is_root() { self.rename() } else { Ok(()) })?;
        self.is_good.set(true);
        Ok(())
    }

    fn rename(&self) -> Result<()> {
        let failed = |e| path::failed(&self.newest, e);
        if self.is_good.get() {
            fs::rename(&self.newest, &self.older).map_err(failed)?;
        }
        atomic_hdf5::finish(&self.newest)?;
        atomic_hdf5::flush_folder(&self.newest).map_err(failed)
    }

    /// Reads the state in a file or, where that is damaged or missing, in the
    /// generation before it. **Collective.**
    ///
    /// # Errors
    /// [`Error::OtherCheckpoint`] where it is of something else than the
    /// subject; [`Error::Open`], [`Error::DamagedCheckpoint`] where no
    /// generation can be used; the same on every rank.
    pub fn read(&self, comm: &Comm, path: &Path, subject: &CheckpointKey) -> Result<Restart> {
        let name = path.to_string_lossy();
        let older = name.strip_suffix(NEWEST).map(|stem| PathBuf::from(format!("{stem}{OLDER}")));
        let has_older = comm.broadcast(0, older.as_ref().is_some_and(|older| older.exists()));
        let restart = match (file::read(comm, path, subject), older) {
            (Ok(state), _) => Restart::new(state, path, None),
            (Err(error @ Error::OtherCheckpoint { .. }), _) => return Err(error),
            (Err(error), Some(older)) if has_older => {
                let state = file::read(comm, &older, subject)?;
                let warning = format!("{error}: the older {} is used instead", older.display());
                Restart::new(state, &older, Some(warning))
            }
            (Err(error), _) => return Err(error),
        };
        let is_newest = comm.is_root() && path::identity(&restart.from.file) == path::identity(&self.newest);
        self.is_good.set(is_newest);
        Ok(restart)
    }

    /// Whether there are any, of this run or of one before it. **Collective.**
    pub fn exist(&self, comm: &Comm) -> bool {
        comm.broadcast(0, self.files().iter().any(|path| path.exists()))
    }

    /// Removes all of them, after the results are on the disk. **Collective.**
    pub fn remove(&self, comm: &Comm) {
        if comm.is_root() {
            for path in self.files() {
                // What is not there need not go; what cannot go does no harm.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn files(&self) -> [PathBuf; 3] {
        [self.newest.clone(), self.older.clone(), path::partial(&self.newest)]
    }
}
