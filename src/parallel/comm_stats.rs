//! Communication statistics of a rank: numbers of messages, bytes and seconds. A [`Comm`] counts
//! its operations; [`measure`] and [`Timer`] read the counts.
//!
//! Waiting counts as communication: on a rank with less work than its neighbours, the time until
//! they are ready counts as halo exchange or as reductions. Messages of HDF5 are not counted.
//! Virtual ranks count the messages between each other, and as seconds those that their process
//! communicates with others: waiting of its threads for each other counts as computing.

use std::cell::Cell;
use std::ops::{AddAssign, Sub};
use std::rc::Rc;
use std::time::Instant;

use crate::parallel::Comm;

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

/// Counts of a communicator and of those that were derived from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommRecorder(Rc<Cell<CommStats>>);

/// Timer of time and communication.
#[derive(Debug, Clone)]
pub struct Timer {
    recorder: CommRecorder,
    time: Instant,
    traffic: CommStats,
}

impl CommStats {
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

impl CommRecorder {
    /// Adds to the counter of one kind.
    pub(crate) fn count(&self, kind: impl FnOnce(&mut CommStats) -> &mut CommCounter, counter: CommCounter) {
        let mut stats = self.0.get();
        *kind(&mut stats) += counter;
        self.0.set(stats);
    }

    fn start(&self) -> Timer {
        Timer { recorder: self.clone(), time: Instant::now(), traffic: self.0.get() }
    }
}

impl Timer {
    /// Starts a timer of this rank, with the communication in `comm`.
    pub fn start(comm: &Comm) -> Self {
        comm.recorder().start()
    }

    /// Returns the profile since the start.
    pub fn spent(&self) -> Profile {
        Profile { seconds: self.time.elapsed().as_secs_f64(), traffic: self.recorder.0.get() - self.traffic }
    }

    /// Returns the profile since the start and starts again.
    pub fn lap(&mut self) -> Profile {
        let spent = self.spent();
        *self = self.again();
        spent
    }

    /// Starts another timer of the same communication.
    pub fn again(&self) -> Self {
        self.recorder.start()
    }
}

/// Runs `work` and returns its result and its profile, with the communication in `comm`.
pub fn measure<R>(comm: &Comm, work: impl FnOnce() -> R) -> (R, Profile) {
    let timer = Timer::start(comm);
    let result = work();
    (result, timer.spent())
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
        let recorder = CommRecorder::default();
        recorder.count(|t| &mut t.others, CommCounter { count: 5, bytes: 50, seconds: 3.0 });
        let mut timer = recorder.start();
        recorder.count(|t| &mut t.halo, CommCounter { count: 2, bytes: 48, seconds: 0.25 });
        recorder.count(|t| &mut t.halo, CommCounter { count: 1, bytes: 8, seconds: 0.5 });
        recorder.clone().count(|t| &mut t.reductions, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
        let spent = timer.lap();
        assert_eq!(timer.spent().traffic, CommStats::default());
        assert_eq!(spent.traffic.halo, CommCounter { count: 3, bytes: 56, seconds: 0.75 });
        assert_eq!(spent.traffic.reductions, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
        assert_eq!(spent.traffic.others, CommCounter::default());
        assert!((spent.compute() + 0.875 - spent.seconds).abs() < 1e-12);
        let mut twice = spent;
        twice += spent;
        assert_eq!((twice.traffic.halo.bytes, twice.traffic - spent.traffic), (112, spent.traffic));
    }
}
