//! Progress counter of this process, incremented by work and messages. The process sends it with
//! each heartbeat.
//!
//! It is a static, since the heartbeat outlives every communicator and loops of all rooms count
//! into it.

use std::sync::atomic::{AtomicU64, Ordering};

static PROGRESS: AtomicU64 = AtomicU64::new(0);

/// Counts work that is done or begins.
pub fn increment() {
    PROGRESS.fetch_add(2, Ordering::Relaxed);
}

/// Runs a call that waits for other processes, on the one thread that communicates with them. The
/// counter is odd meanwhile.
pub fn while_waiting<R>(wait: impl FnOnce() -> R) -> R {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
    let result = wait();
    PROGRESS.fetch_add(1, Ordering::Relaxed);
    result
}

/// Returns the counter, odd while the process waits for others.
pub fn now() -> u64 {
    PROGRESS.load(Ordering::Relaxed)
}
