//! The two streams of the process: what was asked for and how far it is go to
//! the standard output, what is wrong to the standard error.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Prints what a command was asked for. A reader that has left, as `head` does,
/// has seen what it wanted.
///
/// # Errors
/// [`Error::Write`].
pub fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "the standard output".into(), cause: e.to_string() })
        }
        _ => Ok(()),
    }
}

/// Prints what a run says of itself. No run is worth less without it: where it
/// cannot be printed, that is said once.
pub fn print_info(text: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if let Err(error) = print(text)
        && !SAID.swap(true, Ordering::Relaxed)
    {
        print_stderr(&format!("warning: {error}: the run goes on without it\n"));
    }
}

/// Says on the standard error what is wrong, in one write: the output of other
/// ranks can come between several.
pub fn print_error(text: &str) {
    print_stderr(&format!("quad8-mpi: {text}\n"));
}

/// One write to the standard error.
pub fn print_stderr(text: &str) {
    // Where it is closed, nobody listens.
    let _ = io::stderr().write_all(text.as_bytes());
}
