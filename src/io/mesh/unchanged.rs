//! Detection of files that change while they are read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::parallel::Comm;

/// Identity, size and time of change of a file as rank 0 reads them: MPI-IO returns zeros without
/// an error where a file has become shorter.
pub struct FileVersion(Option<[i64; 5]>);

impl FileVersion {
    /// Returns the version of the file that exists now, on rank 0.
    pub fn of(comm: &Comm, path: &Path) -> Self {
        let found = if comm.is_root() { fs::metadata(path).ok() } else { None };
        Self(found.map(|m| [m.dev() as i64, m.ino() as i64, m.size() as i64, m.mtime(), m.mtime_nsec()]))
    }

    /// Checks on rank 0 that the file is unchanged.
    ///
    /// # Errors
    /// The file was changed, replaced or deleted; on rank 0 only.
    pub fn check(&self, comm: &Comm, path: &Path) -> Result<()> {
        if self.0 == Self::of(comm, path).0 {
            return Ok(());
        }
        let path = path.display();
        Err(Error::io(format!(
            "{path} was changed, replaced or deleted while it was read: run again when it is complete"
        )))
    }
}
