//! Calls of METIS, which uses state of the whole process.

use std::sync::{Mutex, PoisonError};

use crate::system::allocator::keep_signal_handlers;

static TURN: Mutex<()> = Mutex::new(());

/// Runs `work`, which calls METIS, on one thread of the process at a time.
///
/// METIS seeds the random numbers of the process (rand(3)) and draws from them. Where virtual ranks
/// are threads, their draws would mix otherwise, and results change from run to run. It also
/// replaces the handlers of SIGTERM and SIGABRT, and puts them back in a form that serves only
/// once. A SIGTERM meanwhile makes METIS fail. It must not be called again then: its handler may
/// jump out of rand(3) and leave the lock of the random numbers taken.
pub fn run_metis<R>(work: impl FnOnce() -> R) -> R {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    keep_signal_handlers(work)
}
