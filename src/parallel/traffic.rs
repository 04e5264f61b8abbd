//! What this rank sends and how long it waits for others. [`Comm`](crate::parallel::Comm)
//! counts, for all communicators together; whoever wants to know what a piece of
//! work took measures it with [`measure`] or a [`Timer`].
//!
//! Waiting belongs to the communication that waits: on a rank that has less to
//! do than its neighbours the time until they are ready counts as halo or as
//! reductions. What HDF5 sends while files are read and written is not seen here.
//! Logical ranks count the messages between each other, and as waiting what their
//! process spends with the others: what its threads wait for each other, they compute.

use std::cell::Cell;
use std::ops::{AddAssign, Sub};
use std::time::Instant;

thread_local! {
    /// Of the rank that this thread is.
    static TRAFFIC: Cell<CommStats> = const { Cell::new(CommStats::NONE) };
}

/// Communication of one rank.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommStats {
    /// With neighbours: `count` messages sent. What overlaps with work is not in the seconds.
    pub halo: CommCounter,
    /// Sums, minima and maxima over all ranks, which all of them get.
    pub reductions: CommCounter,
    /// All other collective operations.
    pub others: CommCounter,
}

/// Communication of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommCounter {
    /// Messages or operations.
    pub count: u64,
    /// What this rank gave away (bytes).
    pub bytes: u64,
    /// Seconds until all was sent and received.
    pub seconds: f64,
}

/// What a piece of work took on one rank.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Profile {
    /// Seconds in all.
    pub seconds: f64,
    /// The communication in it.
    pub traffic: CommStats,
}

/// A moment to measure from.
#[derive(Debug, Clone, Copy)]
pub struct Timer {
    time: Instant,
    traffic: CommStats,
}

impl CommStats {
    const NONE: Self = {
        let none = CommCounter { count: 0, bytes: 0, seconds: 0.0 };
        Self { halo: none, reductions: none, others: none }
    };

    /// The three kinds.
    pub fn kinds(&self) -> [CommCounter; 3] {
        [self.halo, self.reductions, self.others]
    }
}

impl Profile {
    /// Seconds without communication.
    pub fn compute(&self) -> f64 {
        self.seconds - self.traffic.kinds().iter().map(|wait| wait.seconds).sum::<f64>()
    }
}

impl Timer {
    /// This moment.
    pub fn now() -> Self {
        Self { time: Instant::now(), traffic: TRAFFIC.get() }
    }

    /// What was spent since.
    pub fn spent(&self) -> Profile {
        Profile { seconds: self.time.elapsed().as_secs_f64(), traffic: TRAFFIC.get() - self.traffic }
    }
}

/// Runs `work` and says what it took.
pub fn measure<R>(work: impl FnOnce() -> R) -> (R, Profile) {
    let mark = Timer::now();
    let result = work();
    (result, mark.spent())
}

/// Notes communication of one kind.
pub(crate) fn note(kind: impl FnOnce(&mut CommStats) -> &mut CommCounter, wait: CommCounter) {
    let mut traffic = TRAFFIC.get();
    *kind(&mut traffic) += wait;
    TRAFFIC.set(traffic);
}

impl AddAssign for CommCounter {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.seconds += other.seconds;
    }
}

impl Sub for CommCounter {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { count: self.count - other.count, bytes: self.bytes - other.bytes, seconds: self.seconds - other.seconds }
    }
}

impl Sub for CommStats {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            halo: self.halo - other.halo,
            reductions: self.reductions - other.reductions,
            others: self.others - other.others,
        }
    }
}

impl AddAssign for Profile {
    fn add_assign(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.traffic.halo += other.traffic.halo;
        self.traffic.reductions += other.traffic.reductions;
        self.traffic.others += other.traffic.others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_meanwhile_is_spent_and_computing_is_the_rest() {
        note(|t| &mut t.others, CommCounter { count: 5, bytes: 50, seconds: 3.0 });
        let ((), spent) = measure(|| {
            note(|t| &mut t.halo, CommCounter { count: 2, bytes: 48, seconds: 0.25 });
            note(|t| &mut t.halo, CommCounter { count: 1, bytes: 8, seconds: 0.5 });
            note(|t| &mut t.reductions, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
        });
        assert_eq!(spent.traffic.halo, CommCounter { count: 3, bytes: 56, seconds: 0.75 });
        assert_eq!(spent.traffic.reductions, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
        assert_eq!(spent.traffic.others, CommCounter::default());
        assert!((spent.compute() + 0.875 - spent.seconds).abs() < 1e-12);
        let mut twice = spent;
        twice += spent;
        assert_eq!((twice.traffic.halo.bytes, twice.traffic - spent.traffic), (112, spent.traffic));
    }
}
