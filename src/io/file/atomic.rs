//! Small files that are written at once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::error::Result;
use crate::io::file::path::extended;
use crate::io::file::{failed, identity};

/// Writes a small file at once. Under its name it is always complete; a stream
/// in its place takes the bytes after what it has.
///
/// # Errors
/// [`Error::Write`](crate::error::Error::Write); the file that was there is untouched.
pub fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|place| path.starts_with(place));
    let written = if is_open || (path.exists() && !path.is_file()) {
        open_stream(path).and_then(|mut stream| stream.write_all(bytes.as_ref()))
    } else {
        let target = identity(path);
        // Several processes may write it at once, each a whole file.
        let partial = extended(&target, &format!(".{}.partial", process::id()));
        fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &target)).inspect_err(|_| {
            // The write has failed already; what is left of it only takes space.
            let _ = fs::remove_file(&partial);
        })
    };
    written.map_err(|e| failed(path, e))
}

/// A pipe that nobody reads is an error, instead of a wait for a reader that may never come.
fn open_stream(path: &Path) -> io::Result<File> {
    let opened = File::options().append(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let nobody = |e: &io::Error| e.raw_os_error() == Some(Errno::ENXIO as i32);
    let stream = opened.map_err(|e| if nobody(&e) { io::Error::other("nobody reads it") } else { e })?;
    fcntl(&stream, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(stream)
}
