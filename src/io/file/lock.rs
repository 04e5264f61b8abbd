//! Locks of outputs: two runs at once would write into each other's file, or remove each other's
//! checkpoints.

use std::fs::{File, TryLockError, remove_file};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::io::file::write_error;
use crate::parallel::host_name;

/// File name extension of locks.
const EXTENSION: &str = "lock";
/// First bytes of every lock of this program.
const SIGNATURE: &str = "quad8-mpi: ";
/// Longest wait for a run that is about to end.
const GRACE: Duration = Duration::from_secs(2);
/// Interval between two attempts.
const RETRY: Duration = Duration::from_millis(50);
/// Most bytes that are read from a lock.
const LONGEST: usize = 1024;

/// Exclusive lock of an output and of the files beside it with the same stem, released on drop. The
/// operating system releases it when the process ends, even after a crash; the lock file that then
/// remains blocks no other run.
pub struct Lock {
    path: PathBuf,
    /// Locked where the file system has locks.
    file: File,
}

impl Lock {
    /// Locks an output for this process.
    ///
    /// # Errors
    /// Another run holds the lock, or the lock file cannot be written.
    pub fn new(output: &Path) -> Result<Self> {
        let path = output.with_extension(EXTENSION);
        let no_lock = |e| write_error(if path.exists() { &path } else { output }, e);
        let deadline = Instant::now() + GRACE;
        loop {
            let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            let writer = opened.map_err(no_lock)?;
            let owner = owner(&writer);
            if !owner.is_empty() && !owner.starts_with(SIGNATURE) {
                return Err(write_error(&path, "it is not a lock of quad8-mpi"));
            }
            // A file open for writing keeps a disk from being remounted read-only; NFS needs one
            // for a lock.
            let mut file = File::open(&path).or_else(|_| writer.try_clone()).map_err(no_lock)?;
            let mut lock = file.try_lock();
            if matches!(lock, Err(TryLockError::Error(_))) {
                file = writer.try_clone().map_err(no_lock)?;
                lock = file.try_lock();
            }
            match lock {
                Ok(()) if is_at(&file, &path) => {
                    sign(&writer);
                    return Ok(Self { path, file });
                }
                Err(TryLockError::Error(_)) => return Ok(Self { path, file }),
                // The holder has just removed the file, or may be about to.
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(RETRY),
                Ok(()) | Err(TryLockError::WouldBlock) => {
                    return Err(locked(output, owner.trim_start_matches(SIGNATURE).trim_end(), &path));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if is_at(&self.file, &self.path) {
            // A file that remains blocks no other run.
            let _ = remove_file(&self.path);
        }
    }
}

fn locked(output: &Path, owner: &str, lock: &Path) -> Error {
    Error::io(format!(
        "another run is at work on {} ({owner}): wait until it has ended, or choose another name for it; if its host \
         is lost, remove {}",
        output.display(),
        lock.display()
    ))
}

/// Reads the owner from a lock file; an unreadable lock has an empty one.
fn owner(file: &File) -> String {
    let mut text = [0; LONGEST];
    let length = file.read_at(&mut text, 0).unwrap_or(0);
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// Returns whether `path` still names the open file.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |found: std::io::Result<std::fs::Metadata>| found.map(|data| (data.dev(), data.ino())).ok();
    id(file.metadata()).is_some_and(|here| id(path.metadata()) == Some(here))
}

/// Writes the owner into the lock file. An empty file, as on a full disk, locks as well.
fn sign(file: &File) {
    let owner = format!("{SIGNATURE}process {} on {}\n", std::process::id(), host_name());
    let _ = file.set_len(0).and_then(|()| file.write_all_at(owner.as_bytes(), 0));
}
