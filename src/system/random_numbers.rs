//! Random numbers that C libraries draw from the process.

use std::sync::{Mutex, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Runs `work`, which seeds the random numbers of the process (rand(3)) and draws from them, as METIS
/// does, on one thread at a time. Where virtual ranks are threads, their draws would mix otherwise,
/// and results change from run to run.
pub fn with_random_numbers<R>(work: impl FnOnce() -> R) -> R {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}
