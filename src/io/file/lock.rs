//! Outputs that one run at a time may write: two at once would write into each
//! other's file, or remove each other's checkpoints.

use std::fs::{File, TryLockError, remove_file};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::io::file::failed;
use crate::parallel::host_name;

/// What follows the stem of the output in the name of the lock.
const EXTENSION: &str = "lock";
/// How every lock of this program starts.
const SIGNATURE: &str = "quad8-mpi: ";
/// For a run that is about to end.
const GRACE: Duration = Duration::from_secs(2);
/// Between two looks.
const TURN: Duration = Duration::from_millis(50);
/// More than a lock says.
const LONGEST: usize = 1024;

/// The right to an output and to what lies beside it under the same stem, until
/// it is dropped. The system gives it back when the process ends, however it
/// ends; the file that stays behind then is in nobody's way.
pub struct Lock {
    path: PathBuf,
    /// Locked where the file system has locks.
    file: File,
}

impl Lock {
    /// Claims an output for this process.
    ///
    /// # Errors
    /// [`Error::Claimed`] where another run has it; [`Error::Write`].
    pub fn new(output: &Path) -> Result<Self> {
        let path = output.with_extension(EXTENSION);
        let no_lock = |e| failed(if path.exists() { &path } else { output }, e);
        let deadline = Instant::now() + GRACE;
        loop {
            let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            let writer = opened.map_err(no_lock)?;
            let owner = owner(&writer);
            if !owner.is_empty() && !owner.starts_with(SIGNATURE) {
                return Err(failed(&path, "it is not a lock of quad8-mpi"));
            }
            // What is open for writing keeps a disk from being made read-only, and NFS locks nothing else.
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
                // The run that had it has just removed it, or may be about to.
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(TURN),
                Ok(()) | Err(TryLockError::WouldBlock) => {
                    let owner = owner.trim_start_matches(SIGNATURE).trim_end().to_owned();
                    return Err(Error::Claimed { path: output.into(), owner, lock: path });
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if is_at(&self.file, &self.path) {
            // One that stays is in nobody's way.
            let _ = remove_file(&self.path);
        }
    }
}

fn owner(file: &File) -> String {
    let mut text = [0; LONGEST];
    // Who it is only helps to find the other run.
    let length = file.read_at(&mut text, 0).unwrap_or(0);
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// Whether the name is still that of the file.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |found: std::io::Result<std::fs::Metadata>| found.map(|data| (data.dev(), data.ino())).ok();
    id(file.metadata()).is_some_and(|here| id(path.metadata()) == Some(here))
}

fn sign(file: &File) {
    let owner = format!("{SIGNATURE}process {} on {}\n", std::process::id(), host_name());
    // Without it, on a full disk for instance, the lock is as good.
    let _ = file.set_len(0).and_then(|()| file.write_all_at(owner.as_bytes(), 0));
}
