//! Failures on demand, so that tests can see how the real program dies.
//!
//! `QUAD8_MPI_FAULT=panic@solve:1` makes rank 1 panic when it comes to the
//! solve. Others than `panic`: `exit` without a word, `memory`, to ask for more
//! than there is, `sleep` for a few seconds, `hang` for ever, and the signals
//! `kill`, `stop`, `usr1`, `term` and `int`.
//! `QUAD8_MPI_FAULT=delay@7` lets every rank pause in every stage, for times
//! that depend on the number.
//!
//! Stages: read, partition, assemble, solve, iterate, export; `reading`, with the
//! mesh open, `writing`, with the results half written, `iteration-40`, and
//! `saving-low`, where a checkpoint has this and the vectors before it.

use std::fmt::Display;
use std::hash::Hasher;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, raise};
use rustc_hash::FxHasher;

use crate::parallel::Comm;

const SLEEP: Duration = Duration::from_secs(3);
/// Longest pause, in milliseconds.
const PAUSE: u64 = 100;

/// Fails here if the environment asks for it.
pub fn point(comm: &Comm, stage: impl Display) {
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let Some(wanted) = WANTED.get_or_init(|| std::env::var("QUAD8_MPI_FAULT").ok()) else { return };
    if let Some(seed) = wanted.strip_prefix("delay@") {
        return pause(&format!("{seed} {stage} {}", comm.rank()));
    }
    match wanted.strip_suffix(&format!("@{stage}:{}", comm.rank())) {
        Some("panic") => panic!("asked for by QUAD8_MPI_FAULT"),
        Some("exit") => std::process::exit(crate::error::ExitCode::Internal as i32),
        Some("kill") => signal(Signal::SIGKILL),
        Some("stop") => signal(Signal::SIGSTOP),
        Some("usr1") => signal(Signal::SIGUSR1),
        Some("term") => signal(Signal::SIGTERM),
        Some("int") => signal(Signal::SIGINT),
        Some("memory") => exhaust(),
        Some("sleep") => std::thread::sleep(SLEEP),
        Some("hang") => loop {
            std::thread::park();
        },
        _ => {}
    }
}

/// Fails in this iteration of the solve if the environment asks for it.
pub fn at_iteration(comm: &Comm, iteration: usize) {
    point(comm, format_args!("iteration-{iteration}"));
}

fn signal(signal: Signal) {
    raise(signal).expect("a process may send itself a signal");
}

fn exhaust() {
    const LIMIT: u64 = 1 << 32;
    setrlimit(Resource::RLIMIT_AS, LIMIT, LIMIT).expect("a process may lower its limits");
    black_box(Vec::<u8>::with_capacity(2 * LIMIT as usize));
}

fn pause(seed: &str) {
    let mut hasher = FxHasher::default();
    hasher.write(seed.as_bytes());
    // The low bits of this hash are the weak ones.
    let milliseconds = (hasher.finish() >> 32) % PAUSE;
    std::thread::sleep(Duration::from_millis(milliseconds));
}
