//! Communication statistics of a rank: numbers of messages, bytes and seconds. A [`Comm`] counts
//! its operations; [`measure`] and [`Timer`] read the counts.
//!
//! Waiting counts as communication: on a rank with less work than its neighbours, the time until
//! they are ready counts as halo exchange or as reductions. Messages of HDF5 are not counted.
//! Virtual ranks count the messages between each other, and as seconds those that their process
//! communicates with others: waiting of its threads for each other counts as computing.

use std::cell::{Cell, RefCell};
use std::ops::{AddAssign, Sub};
use std::rc::Rc;
use std::time::Instant;

use crate::parallel::timeline::Timeline;
use crate::parallel::{Comm, SpanKind};

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

/// Counts and timeline of a communicator and of those that were derived from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommRecorder(Rc<Records>);

#[derive(Debug, Default)]
struct Records {
    stats: Cell<CommStats>,
    /// Timeline of the run, where one is recorded.
    timeline: RefCell<Option<Timeline>>,
}

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

    /// Returns the counter of an operation.
    fn counter(&mut self, operation: SpanKind) -> &mut CommCounter {
        match operation {
            SpanKind::Halo => &mut self.halo,
            SpanKind::Reduction => &mut self.reductions,
            _ => &mut self.others,
        }
    }
}

impl Profile {
    /// Returns the seconds without communication.
    pub fn compute(&self) -> f64 {
        self.seconds - self.communication()
    }

    /// Returns the seconds of communication.
    pub fn communication(&self) -> f64 {
        self.traffic.kinds().iter().map(|counter| counter.seconds).sum()
    }

    /// Returns the bytes that this rank sent.
    fn bytes(&self) -> u64 {
        self.traffic.kinds().iter().map(|counter| counter.bytes).sum()
    }
}

impl CommRecorder {
    /// Adds to the counter of an operation.
    pub(crate) fn count(&self, operation: SpanKind, counter: CommCounter) {
        let mut stats = self.0.stats.get();
        *stats.counter(operation) += counter;
        self.0.stats.set(stats);
    }

    /// Adds a span to the timeline, where one is recorded.
    pub(crate) fn add_span(&self, kind: SpanKind, times: [Instant; 2], bytes: u64) {
        self.add_interrupted_span(kind, times, bytes, 0);
    }

    /// Adds a span to the timeline, where one is recorded, in which the thread has waited for a core
    /// so many nanoseconds.
    pub(crate) fn add_interrupted_span(&self, kind: SpanKind, times: [Instant; 2], bytes: u64, waited: u64) {
        if let Some(timeline) = &mut *self.0.timeline.borrow_mut() {
            timeline.add(kind, times, bytes, waited);
        }
    }

    /// Replaces the timeline and returns the one before.
    pub(crate) fn set_timeline(&self, timeline: Option<Timeline>) -> Option<Timeline> {
        self.0.timeline.replace(timeline)
    }

    /// Makes the timeline contain the spans of other threads. Returns the time from which they
    /// count, none where no timeline is recorded.
    pub(crate) fn start_threads(&self) -> Option<Instant> {
        self.0.timeline.borrow_mut().as_mut().map(Timeline::start_threads)
    }

    /// Tests whether a timeline is recorded.
    pub(crate) fn has_timeline(&self) -> bool {
        self.0.timeline.borrow().is_some()
    }

    fn start(&self) -> Timer {
        Timer { recorder: self.clone(), time: Instant::now(), traffic: self.0.stats.get() }
    }
}

impl Timer {
    /// Starts a timer of this rank, with the communication in `comm`.
    pub fn start(comm: &Comm) -> Self {
        comm.recorder().start()
    }

    /// Returns the time of the start.
    pub fn started(&self) -> Instant {
        self.time
    }

    /// Returns the profile since the start, which becomes a span of the timeline.
    pub fn stop(&self, kind: SpanKind) -> Profile {
        let end = Instant::now();
        let traffic = self.recorder.0.stats.get() - self.traffic;
        let spent = Profile { seconds: (end - self.time).as_secs_f64(), traffic };
        self.recorder.add_span(kind, [self.time, end], spent.bytes());
        spent
    }

    /// Stops and starts again.
    pub fn lap(&mut self, kind: SpanKind) -> Profile {
        let spent = self.stop(kind);
        *self = self.again();
        spent
    }

    /// Starts another timer of the same communication.
    pub fn again(&self) -> Self {
        self.recorder.start()
    }
}

/// Runs `work` as a span and returns its result and its profile, with the communication in `comm`.
pub fn measure<R>(comm: &Comm, kind: SpanKind, work: impl FnOnce() -> R) -> (R, Profile) {
    let timer = Timer::start(comm);
    let result = work();
    (result, timer.stop(kind))
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
        recorder.count(SpanKind::Barrier, CommCounter { count: 5, bytes: 50, seconds: 3.0 });
        let mut timer = recorder.start();
        recorder.count(SpanKind::Halo, CommCounter { count: 2, bytes: 48, seconds: 0.25 });
        recorder.count(SpanKind::Halo, CommCounter { count: 1, bytes: 8, seconds: 0.5 });
        recorder.clone().count(SpanKind::Reduction, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
        let spent = timer.lap(SpanKind::Operator);
        assert_eq!(timer.stop(SpanKind::Operator).traffic, CommStats::default());
        assert_eq!(spent.traffic.halo, CommCounter { count: 3, bytes: 56, seconds: 0.75 });
        assert_eq!(spent.traffic.reductions, CommCounter { count: 1, bytes: 16, seconds: 0.125 });
        assert_eq!(spent.traffic.others, CommCounter::default());
        assert!((spent.compute() + 0.875 - spent.seconds).abs() < 1e-12);
        let mut twice = spent;
        twice += spent;
        assert_eq!((twice.traffic.halo.bytes, twice.traffic - spent.traffic), (112, spent.traffic));
    }
}
