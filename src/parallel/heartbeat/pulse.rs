//! Whether this rank gets on: a number that moves with all that the rank counts,
//! sends and receives, for [`heartbeat`](crate::parallel::heartbeat), which tells rank 0.

use std::sync::atomic::{AtomicU64, Ordering};

static PULSE: AtomicU64 = AtomicU64::new(0);

/// Something was done, or begins.
pub fn beat() {
    PULSE.fetch_add(2, Ordering::Relaxed);
}

/// Does what waits for other processes, on the one thread that speaks with them.
pub fn while_waiting<R>(wait: impl FnOnce() -> R) -> R {
    PULSE.fetch_add(1, Ordering::Relaxed);
    let result = wait();
    PULSE.fetch_add(1, Ordering::Relaxed);
    result
}

/// The number now: odd while the rank waits for other processes.
pub fn now() -> u64 {
    PULSE.load(Ordering::Relaxed)
}
