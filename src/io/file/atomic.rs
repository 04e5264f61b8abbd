//! Atomic writes of small files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
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
    let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|place| path.starts_with(place));
    let written = if is_open || (path.exists() && !path.is_file()) {
        open_stream(path).and_then(|mut stream| stream.write_all(bytes.as_ref()))
    } else {
        let target = canonical(path);
        // The process number separates processes that write the same file.
        let partial = with_suffix(&target, &format!(".{}.partial", process::id()));
        fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &target)).inspect_err(|_| {
            // The write error is reported; a failure to clean up only leaves a file behind.
            let _ = fs::remove_file(&partial);
        })
    };
    written.map_err(|e| write_error(path, e))
}

/// Opens a stream for appending; a pipe without a reader is an error instead of a wait.
fn open_stream(path: &Path) -> io::Result<File> {
    let opened = File::options().append(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let has_no_reader = |e: &io::Error| e.raw_os_error() == Some(Errno::ENXIO as i32);
    let stream = opened.map_err(|e| if has_no_reader(&e) { io::Error::other("it has no reader") } else { e })?;
    fcntl(&stream, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(stream)
}
