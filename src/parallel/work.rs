//! Work units: how much of its stage this rank has done, for the progress bar. A stage states the
//! number of units, the loops in it count them.
//!
//! The counts are statics of the process: loops of all rooms, on all threads, count into them.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::parallel::heartbeat::progress_counter;

/// Items of a loop between two counts: threads that count share a cache line.
const TICK: usize = 64;

static DONE: AtomicU64 = AtomicU64::new(0);
static EXPECTED: Mutex<Expected> = Mutex::new(Expected { units: 0, amount: 0, unit: "" });

/// Unit of [`expect`] for what is read and written.
pub const BYTES: &str = "B";

thread_local! {
    /// Number of virtual ranks of this process for which this thread sets the expected units: all
    /// on the main thread, none on others.
    static RANKS: Cell<u64> = const { Cell::new(1) };
}

/// Work of a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Expected {
    /// Units of this process; 0 where unknown.
    units: u64,
    /// Amount of all ranks together.
    amount: u64,
    /// Unit of the amount.
    unit: &'static str,
}

/// Progress of a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Part of this process that is done (0 to 1).
    pub part: f64,
    /// Amount of all ranks together.
    pub amount: u64,
    /// Unit of the amount.
    pub unit: &'static str,
}

/// Begins a piece of work in which this rank will count `units`, while all ranks together work on
/// an `amount` of, for instance, elements.
pub fn expect(units: u64, amount: u64, unit: &'static str) {
    let ranks = RANKS.get();
    if let (1.., Ok(mut expected)) = (ranks, EXPECTED.lock()) {
        *expected = Expected { units: ranks.saturating_mul(units), amount, unit };
        DONE.store(0, Ordering::Relaxed);
        progress_counter::increment();
    }
}

/// Begins a stage of unknown work.
pub fn expect_nothing() {
    expect(0, 0, "");
}

/// Sets the number of virtual ranks, of about equal parts, whose expected units this thread states;
/// 0 where another thread does.
pub(crate) fn count_for(ranks: usize) {
    RANKS.set(ranks as u64);
}

/// Counts units that are done.
pub fn done(units: u64) {
    DONE.fetch_add(units, Ordering::Relaxed);
    progress_counter::increment();
}

/// Sets the units that are done in all.
pub fn reached(units: u64) {
    DONE.store(units, Ordering::Relaxed);
    progress_counter::increment();
}

/// Counts item `i` of a loop, of so many units.
pub fn item(i: usize, units: usize) {
    if i % TICK == TICK - 1 {
        done((TICK * units) as u64);
    }
}

/// Returns the progress of the stage; none where its work is unknown.
pub fn share() -> Option<Share> {
    let Expected { units, amount, unit } = *EXPECTED.lock().ok()?;
    let part = (DONE.load(Ordering::Relaxed) as f64 / units as f64).min(1.0);
    (units > 0).then_some(Share { part, amount, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_count_what_was_expected_and_not_beyond() {
        expect(512, 2048, "elements");
        (0..TICK).for_each(|i| item(i, 4));
        assert_eq!(share(), Some(Share { part: 0.5, amount: 2048, unit: "elements" }));
        done(1000);
        assert_eq!(share().map(|share| share.part), Some(1.0));
        expect_nothing();
        assert_eq!(share(), None);
    }
}
