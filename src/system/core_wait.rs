//! Time that the scheduler of Linux has kept this thread waiting.

use std::fs;

/// Returns the time in which this thread was ready to run and waited for a core (ns), since its
/// start; none where the kernel does not tell.
pub fn core_wait() -> Option<u64> {
    // Time on a core, time of waiting for one, and number of turns
    // (Documentation/scheduler/sched-stats.rst of the kernel).
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::hint::spin_loop;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// Threads that are all busy share the cores, so that each waits for others.
    #[test]
    fn threads_that_share_a_core_wait_for_it() {
        let cores = thread::available_parallelism().unwrap().get();
        let busy = || {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(200) {
                spin_loop();
            }
            core_wait().expect("CONFIG_SCHED_INFO of the kernel")
        };
        let waited: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (0..3 * cores).map(|_| scope.spawn(busy)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(waited > 10_000_000, "{waited} ns");
    }
}
