//! Ends the process where MPI does not start: MPI_Init waits for ever for a rank that was stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::error::ExitCode;
use crate::parallel::heartbeat::{END, SILENCE, message, spawn};
use crate::system::print_error;

/// Shortest limit, whatever QUAD8_MPI_SILENCE is: MPI starts slowly where many ranks share a core.
const SHORTEST_LIMIT: Duration = Duration::from_secs(20);

const TURN: Duration = Duration::from_secs(1);

static HAS_STARTED: AtomicBool = AtomicBool::new(false);

/// Starts a thread that ends the process where [`start`](crate::parallel::heartbeat::start) is not
/// reached within the limit of silence. To be called before MPI starts, with the rank that the
/// launcher gave.
pub fn watch_start_up(rank: u32) {
    // `start` reports a variable that is no time.
    let limit = SILENCE.read().map(Duration::from_secs_f64).unwrap_or_default();
    if !limit.is_zero() {
        spawn(move || watch(rank, limit.max(SHORTEST_LIMIT)));
    }
}

/// Ends the watch.
pub(crate) fn finish() {
    HAS_STARTED.store(true, Ordering::Relaxed);
}

/// Ends the process after the limit. The thread counts its own turns, since a suspended job must
/// not lose time. The lowest rank that runs prints the message: each rank waits longer than the one
/// before by the time of an end.
fn watch(rank: u32, limit: Duration) {
    for _ in 0..(limit + END * rank).as_secs() {
        thread::sleep(TURN);
        if HAS_STARTED.load(Ordering::Relaxed) {
            return;
        }
    }
    let seconds = limit.as_secs_f64();
    let why =
        format!("MPI has not started within {seconds} s on rank {rank}: another rank was stopped, or its host is lost");
    print_error(&message(&SILENCE, &why));
    // MPI_Abort needs MPI, and exit(3) could wait for the thread that starts it.
    signal_hook::low_level::exit(ExitCode::Internal as i32)
}
