//! What makes a run stop before its end: signals, and the time it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, signal_name};

use crate::error::{Error, Result};
use crate::parallel::Comm;

/// Launchers send a signal to their ranks, and so do those who send it to the
/// whole job: within this time it is the same one.
const ECHO: Duration = Duration::from_secs(3);
/// In place of the number of a signal.
const OUT_OF_TIME: i32 = i32::MAX;

/// The wish that a run stop, as far as this rank knows.
pub struct Interrupts {
    signal: Arc<AtomicUsize>,
    end: Option<Instant>,
}

impl Interrupts {
    /// From now on SIGINT, SIGTERM and SIGUSR1 are a wish to stop, and so is the
    /// end of this time. The same signal once more, not at once, ends the
    /// process as it always does.
    ///
    /// # Errors
    /// [`Error::Signals`].
    pub fn watch(time: Option<Duration>) -> Result<Self> {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        let failed = |e: std::io::Error| Error::Signals { cause: e.to_string() };
        const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGUSR1];
        let noted = Arc::new(AtomicUsize::new(0));
        // At once: a thread that is told may come too late for a short run.
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

    /// Whether this rank knows a reason to stop.
    pub fn is_wished(&self) -> bool {
        self.code() != 0
    }

    /// Why the ranks are to stop, if any of them knows a reason. **Collective.**
    pub fn reason(&self, comm: &Comm) -> Option<String> {
        match comm.max(self.code()) {
            0 => None,
            OUT_OF_TIME => Some("--max-time".to_owned()),
            signal => Some(signal_name(signal).unwrap_or("a signal").to_owned()),
        }
    }

    /// Ends the run before a stage, if any rank knows a reason. **Collective.**
    ///
    /// # Errors
    /// [`Error::Stopped`], the same on every rank.
    pub fn check(&self, comm: &Comm, stage: &'static str) -> Result<()> {
        self.reason(comm).map_or(Ok(()), |reason| Err(Error::Stopped { reason, stage }))
    }

    fn code(&self) -> i32 {
        match self.signal.load(Ordering::Relaxed) {
            0 if self.end.is_some_and(|end| Instant::now() >= end) => OUT_OF_TIME,
            signal => signal as i32,
        }
    }
}
