//! Atomic writes of files other than HDF5.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::error::Result;
use crate::io::file::path::with_suffix;
use crate::io::file::{canonical, write_error};

/// Writes a small file atomically: the name always belongs to a complete file. Appends the bytes
/// where the path is a stream, as a pipe or `/dev/stdout`.
///
/// # Errors
/// The file cannot be written; the previous file is unchanged.
pub fn write_atomic(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let write = || {
        let mut file = AtomicFile::create(path)?;
        file.write_all(bytes.as_ref())?;
        file.finish()
    };
    write().map_err(|e| write_error(path, e))
}

/// File that gets its name when it is complete, or a stream that is appended to.
pub struct AtomicFile {
    file: File,
    /// Temporary name and name of a file; none of a stream.
    names: Option<[PathBuf; 2]>,
}

impl AtomicFile {
    /// Creates the file under a temporary name, or opens the stream.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|place| path.starts_with(place));
        if is_open || (path.exists() && !path.is_file()) {
            return Ok(Self { file: open_stream(path)?, names: None });
        }
        let target = canonical(path);
        // The process number separates processes that write the same file.
        let partial = with_suffix(&target, &format!(".{}.partial", process::id()));
        Ok(Self { file: File::create(&partial)?, names: Some([partial, target]) })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// It cannot be renamed; the previous file is unchanged.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some([partial, target]) = &self.names {
            fs::rename(partial, target)?;
            self.names = None;
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some([partial, _]) = &self.names {
            // The write error is reported; a failure to clean up only leaves a file behind.
            let _ = fs::remove_file(partial);
        }
    }
}

/// Opens a stream for appending; a pipe without a reader is an error instead of a wait.
fn open_stream(path: &Path) -> io::Result<File> {
    let opened = File::options().append(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let has_no_reader = |e: &io::Error| e.raw_os_error() == Some(Errno::ENXIO as i32);
    let stream = opened.map_err(|e| if has_no_reader(&e) { io::Error::other("it has no reader") } else { e })?;
    fcntl(&stream, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(stream)
}
