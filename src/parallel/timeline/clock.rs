//! Alignment of the clocks of the ranks with that of rank 0.
//!
//! Rank 0 reads the clock of each rank in several round trips. The shortest one counts: its answer
//! was read at its middle, with an error of at most half of it (F. Cristian, *Probabilistic clock
//! synchronization*, Distributed Computing 3 (1989)). Clocks drift, so that the offset is measured
//! at the start and at the end and interpolated between them.

use std::time::Instant;

use crate::parallel::Comm;
use crate::parallel::backend::Backend;
use crate::parallel::mpi::MpiComm;

/// Number of round trips to a rank.
const ROUND_TRIPS: usize = 16;

/// Offset of a rank's clock at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ClockOffset {
    /// Time of the measurement on this rank (ns).
    at: i64,
    /// Time on rank 0 minus that on this rank (ns).
    offset: i64,
    /// Largest error of the offset (ns).
    error: i64,
}

/// Offsets of a rank's clock at two times.
#[derive(Debug)]
pub(super) struct ClockSamples {
    /// Offset at the start.
    pub first: ClockOffset,
    /// Offset at the end.
    pub last: ClockOffset,
}

impl ClockOffset {
    /// Measures the offset of this rank's clock, which counts from `origin`. **Collective.**
    pub fn measure(comm: &Comm, origin: Instant) -> Self {
        let now = || origin.elapsed().as_nanos() as i64;
        let mut own = Self { at: now(), offset: 0, error: 0 };
        // These messages are not counted. Virtual ranks of a process share its clock.
        let Ok(processes) = comm.processes() else { return own };
        if comm.is_root() {
            for rank in 1..comm.size() {
                let Self { offset, error, .. } = round_trips(processes, rank, now);
                send(processes, rank, [offset, error]);
            }
        } else {
            for _ in 0..ROUND_TRIPS {
                let _: [i64; 1] = receive(processes, 0);
                send(processes, 0, [now()]);
            }
            own.at = now();
            [own.offset, own.error] = receive(processes, 0);
        }
        own
    }
}

/// Returns the offset from the shortest of several round trips to a rank.
fn round_trips(processes: &MpiComm, rank: usize, now: impl Fn() -> i64) -> ClockOffset {
    let trip = |_| {
        let sent = now();
        send(processes, rank, [sent]);
        let [there] = receive(processes, rank);
        let received = now();
        ClockOffset { at: there, offset: (sent + received) / 2 - there, error: (received - sent + 1) / 2 }
    };
    (0..ROUND_TRIPS).map(trip).fold(ClockOffset { at: 0, offset: 0, error: i64::MAX }, |best, trip| {
        if trip.error < best.error { trip } else { best }
    })
}

fn send<const N: usize>(processes: &MpiComm, rank: usize, values: [i64; N]) {
    processes.neighbor_exchange_overlap(&[(rank, &values[..])], Vec::new(), || ());
}

fn receive<const N: usize>(processes: &MpiComm, rank: usize) -> [i64; N] {
    let mut values = [0; N];
    processes.neighbor_exchange_overlap(&[], vec![(rank, &mut values[..])], || ());
    values
}

impl ClockSamples {
    /// Returns the time of rank 0 at a time of this rank (ns). Later times stay later.
    pub fn align(&self, time: i64) -> i64 {
        let Self { first, last } = self;
        let span = (last.at - first.at).max(1) as f64;
        let part = (time - first.at) as f64 / span;
        time + first.offset + (part * (last.offset - first.offset) as f64).round() as i64
    }

    /// Returns the larger of the two errors (ns).
    pub fn error(&self) -> u64 {
        self.first.error.max(self.last.error) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drift_is_interpolated_and_extrapolated() {
        let first = ClockOffset { at: 1_000, offset: 500, error: 3 };
        let last = ClockOffset { at: 2_000_001_000, offset: 700, error: 7 };
        let clocks = ClockSamples { first, last };
        assert_eq!([0, 1_000, 1_000_001_000, 2_000_001_000].map(|t| clocks.align(t) - t), [500, 500, 600, 700]);
        assert_eq!(clocks.error(), 7);
        let times: Vec<i64> = (0..100_000).map(|t| clocks.align(t)).collect();
        assert!(times.is_sorted());
    }
}
