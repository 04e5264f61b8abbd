//! Communication statistics of a rank: numbers of messages, bytes and seconds. Every
//! [`Comm`](crate::parallel::Comm) counts into them; [`measure`] and [`Timer`] read them.
//!
//! Waiting counts as communication: on a rank with less work than its neighbours, the time until
//! they are ready counts as halo exchange or as reductions. Messages of HDF5 are not counted.
//! Virtual ranks count the messages between each other, and as seconds those that their process
//! communicates with others: waiting of its threads for each other counts as computing.
//!
//! The statistics belong to the thread, which is the rank, and not to a communicator: a measurement
//! covers all communicators of the rank, that of the processes and that of the virtual ranks alike.

use std::cell::Cell;
use std::ops::{AddAssign, Sub};
use std::time::Instant;

thread_local! {
    /// Statistics of the rank that runs on this thread.
    static STATS: Cell<CommStats> = const { Cell::new(CommStats::NONE) };
}

/// Communication statistics of a rank.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommStats {
    /// Halo exchange, with the number of messages sent. The seconds exclude what overlaps with
    /// work.
    pub halo: CommCounter,
    /// Sums, minima and maxima over all ranks.
    pub reductions: CommCounter,
    /// All other collective operations.
    pub others: CommCounter,
}

/// Counter of one kind of communication.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommCounter {
    /// Number of messages or operations.
    pub count: u64,
    /// Bytes that this rank sent.
    pub bytes: u64,
    /// Seconds until all messages were sent and received.
    pub seconds: f64,
}

/// Profile of a piece of work on one rank.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Profile {
    /// Seconds in all.
    pub seconds: f64,
    /// Communication in it.
    pub traffic: CommStats,
}

/// Timer of time and communication.
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

    /// Returns the counters of the three kinds.
    pub fn kinds(&self) -> [CommCounter; 3] {
        [self.halo, self.reductions, self.others]
    }
}

impl Profile {
    /// Returns the seconds without communication.
    pub fn compute(&self) -> f64 {
        self.seconds - self.traffic.kinds().iter().map(|counter| counter.seconds).sum::<f64>()
    }
}

impl Timer {
    /// Starts the timer.
    pub fn now() -> Self {
        Self { time: Instant::now(), traffic: STATS.get() }
    }

    /// Returns the profile since the start.
    pub fn spent(&self) -> Profile {
        Profile { seconds: self.time.elapsed().as_secs_f64(), traffic: STATS.get() - self.traffic }
    }
}

/// Runs `work` and returns its result and its profile.
pub fn measure<R>(work: impl FnOnce() -> R) -> (R, Profile) {
    let timer = Timer::now();
    let result = work();
    (result, timer.spent())
}

/// Adds to the counter of one kind.
pub(crate) fn count(kind: impl FnOnce(&mut CommStats) -> &mut CommCounter, counter: CommCounter) {
    let mut stats = STATS.get();
    *kind(&mut stats) += counter;
    STATS.set(stats);
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
    fn communication_meanwhile_is_measured_and_computing_is_the_rest() {
        count(|t| &mut t.others, CommCounter { count: 5, bytes: 50, seconds: 3.0 });
        let ((), spent) = measure(|| {
            count(|t| &mut t.halo, CommCounter { count: 2, bytes: 48, seconds: 0.25 });
            count(|t| &mut t.halo, CommCounter { count: 1, bytes: 8, seconds: 0.5 });
            count(|t| &mut t.reductions, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
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
