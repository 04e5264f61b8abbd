//! How much of its stage this rank has done, for whoever shows it. Whoever knows
//! a stage says what is to be done; the loops that do it count.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::parallel::heartbeat::pulse;

/// Items of a loop between two counts: threads that count share a cache line.
const TICK: usize = 64;

static DONE: AtomicU64 = AtomicU64::new(0);
static EXPECTED: Mutex<Expected> = Mutex::new(Expected { units: 0, amount: 0, unit: "" });

/// The unit of [`expect`] for what is read and written.
pub const BYTES: &str = "B";

thread_local! {
    /// Logical ranks of this process for which this thread says what there is to do: all, where it is the first.
    static VOICES: Cell<u64> = const { Cell::new(1) };
}

/// What a stage has to do.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Expected {
    /// What this rank will count; 0 where that is not known.
    units: u64,
    /// What all ranks together work on.
    amount: u64,
    /// What that is counted in.
    unit: &'static str,
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Done of this rank's part (0 to 1).
    pub part: f64,
    /// What all ranks together work on.
    pub amount: u64,
    /// What that is counted in.
    pub unit: &'static str,
}

/// A piece of work begins in which this rank will count so many `units`, while
/// all ranks work on an `amount` of, for instance, elements.
pub fn expect(units: u64, amount: u64, unit: &'static str) {
    let voices = VOICES.get();
    if let (1.., Ok(mut expected)) = (voices, EXPECTED.lock()) {
        *expected = Expected { units: voices.saturating_mul(units), amount, unit };
        DONE.store(0, Ordering::Relaxed);
        pulse::beat();
    }
}

/// A stage begins of which is not known what there is to do.
pub fn expect_nothing() {
    expect(0, 0, "");
}

/// From now on this thread says what so many logical ranks have to do, of about
/// equal parts; of none, where another thread does.
pub(crate) fn speak_for(ranks: usize) {
    VOICES.set(ranks as u64);
}

/// So many units are done.
pub fn done(units: u64) {
    DONE.fetch_add(units, Ordering::Relaxed);
    pulse::beat();
}

/// So many units are done in all.
pub fn reached(units: u64) {
    DONE.store(units, Ordering::Relaxed);
    pulse::beat();
}

/// Item `i` of a loop, of so many units, is done.
pub fn item(i: usize, units: usize) {
    if i % TICK == TICK - 1 {
        done((TICK * units) as u64);
    }
}

/// How far the stage is; nothing where that is not known.
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
