//! The failures of a build with the feature `fault-injection`.

use std::fmt::Display;
use std::hash::Hasher;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, raise};
use rustc_hash::FxHasher;

use crate::error::ExitCode;
use crate::parallel::Comm;

const SLEEP: Duration = Duration::from_secs(3);
/// Longest pause (ms).
const LONGEST_PAUSE: u64 = 100;

/// Fails if `QUAD8_MPI_FAULT` names this stage and this rank.
pub fn point(comm: &Comm, stage: impl Display) {
    static FAULT: OnceLock<Option<String>> = OnceLock::new();
    let Some(fault) = FAULT.get_or_init(|| std::env::var("QUAD8_MPI_FAULT").ok()) else { return };
    if let Some(seed) = fault.strip_prefix("delay@") {
        return pause(&format!("{seed} {stage} {}", comm.rank()));
    }
    match fault.strip_suffix(&format!("@{stage}:{}", comm.rank())) {
        Some("panic") => panic!("asked for by QUAD8_MPI_FAULT"),
        Some("exit") => std::process::exit(ExitCode::Internal as i32),
        Some("kill") => send_to_itself(Signal::SIGKILL),
        Some("stop") => send_to_itself(Signal::SIGSTOP),
        Some("usr1") => send_to_itself(Signal::SIGUSR1),
        Some("term") => send_to_itself(Signal::SIGTERM),
        Some("int") => send_to_itself(Signal::SIGINT),
        Some("memory") => exhaust_memory(),
        Some("sleep") => std::thread::sleep(SLEEP),
        Some("hang") => loop {
            std::thread::park();
        },
        _ => {}
    }
}

/// Returns the number in `QUAD8_MPI_MESSAGE_BYTES`.
pub fn message_bytes() -> Option<usize> {
    std::env::var("QUAD8_MPI_MESSAGE_BYTES").ok()?.parse().ok()
}

fn send_to_itself(signal: Signal) {
    raise(signal).expect("a process may send itself a signal");
}

fn exhaust_memory() {
    const LIMIT: u64 = 1 << 32;
    setrlimit(Resource::RLIMIT_AS, LIMIT, LIMIT).expect("a process may lower its limits");
    black_box(Vec::<u8>::with_capacity(2 * LIMIT as usize));
}

fn pause(seed: &str) {
    let mut hasher = FxHasher::default();
    hasher.write(seed.as_bytes());
    // The low bits of this hash are the weak ones.
    let milliseconds = (hasher.finish() >> 32) % LONGEST_PAUSE;
    std::thread::sleep(Duration::from_millis(milliseconds));
}
