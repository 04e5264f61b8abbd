//! Whether a file is still the one that it was.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::parallel::Comm;

/// What a file was when reading began, as rank 0 saw it: MPI-IO reads zeros
/// where a file has become shorter, and says nothing.
pub struct Version(Option<[i64; 5]>);

impl Version {
    /// Of the file that is there now, if there is one.
    pub fn of(comm: &Comm, path: &Path) -> Self {
        let found = if comm.is_root() { fs::metadata(path).ok() } else { None };
        Self(found.map(|m| [m.dev() as i64, m.ino() as i64, m.size() as i64, m.mtime(), m.mtime_nsec()]))
    }

    /// On rank 0, that the file is the same now.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] on rank 0.
    pub fn check(&self, comm: &Comm, path: &Path) -> Result<()> {
        if self.0 == Self::of(comm, path).0 { Ok(()) } else { Err(Error::ChangedMeanwhile { path: path.into() }) }
    }
}
