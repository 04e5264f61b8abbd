//! What a person sees while the program runs: on a terminal one line that
//! changes, in a log a line now and then; rank 0 only.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shortest time between two states of the line on a terminal.
const BLINK: Duration = Duration::from_millis(100);
/// Shortest time between two lines of a log.
const PAUSE: Duration = Duration::from_secs(10);

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Terminal,
    Log,
}

/// Shows how far the run is.
pub struct Progress {
    place: Place,
    start: Instant,
    /// When something was last shown, and whether it is still on the terminal.
    shown: Cell<Instant>,
    is_dirty: Cell<bool>,
}

impl Progress {
    /// Shows something only if `speaks`.
    pub fn new(speaks: bool) -> Self {
        let place = match speaks {
            false => Place::Nowhere,
            true if faces_terminal() => Place::Terminal,
            true => Place::Log,
        };
        let now = Instant::now();
        Self { place, start: now, shown: Cell::new(now), is_dirty: Cell::new(false) }
    }

    /// A stage begins.
    pub fn stage(&self, what: &str) {
        self.show(Duration::ZERO, || format!("{what} ..."));
    }

    /// The state of an iteration that began at `start` and is to reach `rtol`.
    pub fn iteration(&self, start: Instant, iteration: usize, relative: f64, rtol: f64) {
        self.show(BLINK, || {
            let left = time_left(start.elapsed(), relative, rtol);
            let left = left.map_or(String::new(), |seconds| format!(", about {seconds:.0} s left"));
            format!("iteration {iteration}, relative residual {relative:.1e} (wanted {rtol:.0e}){left}")
        });
    }

    /// Takes the line off the terminal, so that something else can stand there.
    pub fn clear(&self) {
        if self.is_dirty.replace(false) {
            terminal("\r\x1b[K");
        }
    }

    fn show(&self, blink: Duration, text: impl FnOnce() -> String) {
        let waited = self.shown.get().elapsed();
        match self.place {
            Place::Terminal if waited >= blink => {
                // The cursor goes back: whatever comes next overwrites the line.
                terminal(&format!("\r\x1b[K{}\r", text()));
                self.is_dirty.set(true);
            }
            Place::Log if waited >= PAUSE => {
                println!("{:<10} {}", format!("{:.0} s", self.start.elapsed().as_secs_f64()), text());
            }
            _ => return,
        }
        self.shown.set(Instant::now());
    }
}

/// Shows what ends without a new line.
fn terminal(text: &str) {
    let mut stdout = std::io::stdout();
    // Where stdout is closed, nobody looks.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Whether stdout ends on a terminal: this process's own, or that of mpirun,
/// which passes it on and gives ranks terminals even where its own output goes
/// to a file.
fn faces_terminal() -> bool {
    let under_mpirun = std::env::var_os("OMPI_COMM_WORLD_RANK").is_some() || std::env::var_os("PMI_RANK").is_some();
    if !under_mpirun {
        return std::io::stdout().is_terminal();
    }
    let stdout = format!("/proc/{}/fd/1", std::os::unix::process::parent_id());
    std::fs::read_link(stdout).is_ok_and(|target| target.starts_with("/dev/pts") || target.starts_with("/dev/tty"))
}

/// Seconds until the residual is `rtol` if it goes on as it did from 1.
fn time_left(elapsed: Duration, relative: f64, rtol: f64) -> Option<f64> {
    let (done, wanted) = (-relative.ln(), -rtol.ln());
    let left = elapsed.as_secs_f64() * (wanted - done) / done;
    (done > 0.1 && left > 0.0 && left < 1e6).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_digits_of_the_residual() {
        let second = Duration::from_secs(10);
        assert!((time_left(second, 1e-2, 1e-8).unwrap() - 30.0).abs() < 1e-9);
        assert_eq!(time_left(second, 2.0, 1e-8), None);
        assert_eq!(time_left(second, 1e-9, 1e-8), None);
        assert_eq!(time_left(second, f64::NAN, 1e-8), None);
    }

    fn progress(place: Place, ago: Duration) -> Progress {
        let then = Instant::now().checked_sub(ago).expect("the machine runs that long");
        Progress { place, start: then, shown: Cell::new(then), is_dirty: Cell::new(false) }
    }

    fn lines(progress: &Progress) -> usize {
        let made = Cell::new(0);
        (0..5).for_each(|_| {
            progress.show(BLINK, || {
                made.set(made.get() + 1);
                "(a line of a test)".to_owned()
            });
        });
        made.get()
    }

    #[test]
    fn a_log_gets_a_line_now_and_then_and_quiet_none() {
        assert_eq!(lines(&progress(Place::Log, Duration::from_secs(9))), 0);
        assert_eq!(lines(&progress(Place::Log, Duration::from_secs(11))), 1);
        assert_eq!(lines(&progress(Place::Nowhere, Duration::from_secs(11))), 0);
        let terminal = progress(Place::Terminal, Duration::from_secs(1));
        assert_eq!((lines(&terminal), terminal.is_dirty.get()), (1, true));
    }
}
