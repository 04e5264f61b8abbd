//! The terminal of the user, on this process or on mpirun.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use console::Term;
use indicatif::TermLike;

/// Terminal of the standard output: that of this process or that of mpirun, which forwards the
/// output of the ranks and gives them terminals even where its own output is a file.
#[derive(Debug)]
pub struct Terminal {
    width: u16,
    /// Text of the next flush, which is one write, so that no other output can come between.
    pending: Mutex<String>,
}

impl Terminal {
    /// Finds the terminal, if there is one.
    pub fn find() -> Option<Self> {
        let under_mpirun = std::env::var_os("OMPI_COMM_WORLD_RANK").is_some() || std::env::var_os("PMI_RANK").is_some();
        let path = match under_mpirun {
            false if io::stdout().is_terminal() => "/proc/self/fd/1".to_owned(),
            false => return None,
            true => format!("/proc/{}/fd/1", std::os::unix::process::parent_id()),
        };
        let target = std::fs::read_link(&path).ok()?;
        if !target.starts_with("/dev/pts") && !target.starts_with("/dev/tty") {
            return None;
        }
        let size = || {
            Term::read_write_pair(File::open(&path).ok()?, File::options().write(true).open(&path).ok()?).size_checked()
        };
        const USUAL: u16 = 80;
        Some(Self { width: size().map_or(USUAL, |(_, columns)| columns), pending: Mutex::default() })
    }

    /// Moves the cursor. A terminal reads a step of 0 as a step of 1.
    fn step(&self, n: usize, direction: char) -> io::Result<()> {
        if n > 0 { self.add(&format!("\x1b[{n}{direction}")) } else { Ok(()) }
    }

    fn add(&self, text: &str) -> io::Result<()> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }
}

/// Control sequences of ECMA-48.
impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.width
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let mut stdout = io::stdout();
        // Move the cursor back: the next output overwrites the line.
        stdout.write_all((text + "\r").as_bytes())?;
        stdout.flush()
    }
}
