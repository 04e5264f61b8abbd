//! Interrupts of a run: signals and the time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, signal_name};

use crate::error::{Error, ExitCode, Result};
use crate::parallel::Comm;

/// Interval within which a second signal counts as the first: a job and its launcher may both send
/// it to a rank.
const ECHO: Duration = Duration::from_secs(3);
/// Stands for the time limit in place of the number of a signal.
const OUT_OF_TIME: i32 = i32::MAX;

/// Interrupts that this rank received.
pub struct Interrupts {
    signal: Arc<AtomicUsize>,
    end: Option<Instant>,
}

impl Interrupts {
    /// Watches SIGINT, SIGTERM and SIGUSR1 and the time limit. The same signal again after a few
    /// seconds has its default effect: it ends the process.
    ///
    /// # Errors
    /// Signals that cannot be watched.
    pub fn watch(time: Option<Duration>) -> Result<Self> {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        let failed = |e: std::io::Error| Error::internal(format!("cannot watch signals: {e}"));
        const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGUSR1];
        let noted = Arc::new(AtomicUsize::new(0));
        // The handler sets the flag itself: a thread may be scheduled too late for a short run.
        for signal in SIGNALS {
            flag::register_usize(signal, Arc::clone(&noted), signal as usize).map_err(failed)?;
        }
        let mut signals = Signals::new(SIGNALS).map_err(failed)?;
        let work = move || {
            let mut met: Vec<(i32, Instant)> = Vec::new();
            for signal in signals.forever() {
                match met.iter().find(|(other, _)| *other == signal) {
                    None => met.push((signal, Instant::now())),
                    Some((_, at)) if at.elapsed() > ECHO => {
                        // It has a default handler.
                        let _ = emulate_default_handler(signal);
                    }
                    Some(_) => (),
                }
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(work).map_err(failed)?;
        Ok(Self { signal: noted, end })
    }

    /// Returns whether this rank received an interrupt.
    pub(crate) fn is_pending(&self) -> bool {
        self.code() != 0
    }

    /// Returns the interrupt that any of the ranks received. **Collective.**
    pub(crate) fn reason(&self, comm: &Comm) -> Option<String> {
        match comm.max(self.code()) {
            0 => None,
            OUT_OF_TIME => Some("--max-time".to_owned()),
            signal => Some(signal_name(signal).unwrap_or("a signal").to_owned()),
        }
    }

    /// Returns an error before a stage if any rank received an interrupt. **Collective.**
    ///
    /// # Errors
    /// The interrupt; the same on every rank.
    pub(crate) fn check(&self, comm: &Comm, stage: &'static str) -> Result<()> {
        let Some(reason) = self.reason(comm) else { return Ok(()) };
        let message = format!(
            "stopped by {reason} before the stage '{stage}': there is no iterate to save; start the same command again"
        );
        Err(Error::new(ExitCode::Checkpointed, message))
    }

    fn code(&self) -> i32 {
        match self.signal.load(Ordering::Relaxed) {
            0 if self.end.is_some_and(|end| Instant::now() >= end) => OUT_OF_TIME,
            signal => signal as i32,
        }
    }
}
