//! Messages on the two streams of the process: output and progress on the standard output, warnings
//! and errors on the standard error.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::ioctl_fionread;

use crate::error::{Error, Result};

/// Prints the output of a command. A closed pipe is no error: its reader, such as `head`, needs no
/// more.
///
/// # Errors
/// An error of writing.
pub fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::io(format!("cannot write the standard output: {e}"))),
        _ => Ok(()),
    }
}

/// Prints progress and summary of a run. Where this fails, a warning is printed once and the run
/// continues.
pub fn print_info(text: &str) {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    if let Err(error) = print(text)
        && !HAS_WARNED.swap(true, Ordering::Relaxed)
    {
        print_stderr(&format!("warning: {error}: the run continues without it\n"));
    }
}

/// Prints a warning or an error in one write, so that the output of other ranks cannot come
/// between.
pub fn print_error(text: &str) {
    print_stderr(&format!("quad8-mpi: {text}\n"));
}

/// Writes to the standard error, in one write.
pub fn print_stderr(text: &str) {
    // A closed standard error leaves nowhere to report it.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Longest wait for the reader of the standard error, which may have stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits until the reader of the standard error, if that is a pipe, has read all that was written:
/// a launcher that is told to end the job may close the pipe before it reads the message that says
/// why.
pub fn wait_for_reader() {
    let stderr = io::stderr();
    let metadata = stderr.as_fd().try_clone_to_owned().and_then(|stderr| File::from(stderr).metadata());
    let is_pipe = metadata.is_ok_and(|metadata| metadata.file_type().is_fifo());
    let start = Instant::now();
    while is_pipe && ioctl_fionread(&stderr).is_ok_and(|unread| unread > 0) && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}
