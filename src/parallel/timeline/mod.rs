//! Timeline of a run: spans of stages, iterations, multigrid levels, communication, files and loops
//! on each thread of a rank.
//!
//! All stages are kept. Other spans are kept in buffers of fixed size. Where one is full, further
//! spans are counted and left out; iterations have a buffer of their own, so that they continue
//! when that of their details is full.

mod clock;
mod span;
mod threads;

pub use span::SpanKind;
pub(crate) use span::{Span, Spans};
pub(crate) use threads::{ParallelLoop, record_threads};

use std::time::Instant;

use crate::parallel::Comm;
use crate::parallel::timeline::clock::{ClockOffset, ClockSamples};
use crate::system::core_wait;

/// Largest number of spans that all ranks together keep of each buffer.
const MOST_SPANS: usize = 400_000;
/// Bounds of the number of spans that one rank keeps of each buffer.
const SPANS_OF_RANK: [usize; 2] = [1_000, 40_000];

/// Spans of a rank while they are recorded.
#[derive(Debug)]
pub(crate) struct Timeline {
    origin: Instant,
    clock: ClockOffset,
    /// All stages: a run has few.
    stages: Vec<Span>,
    /// Iterations.
    iterations: Spans,
    /// All other spans of the main thread.
    details: Spans,
    has_threads: bool,
}

/// Spans of a rank at the end of the recording.
pub(crate) struct RankTimeline {
    /// Spans of each thread, the main thread first, in nanoseconds since the first rank began.
    pub threads: Vec<Vec<Span>>,
    /// Number of spans of this rank that are left out.
    pub left_out: u64,
    /// Largest error of the alignment of this rank's clock with that of rank 0 (ns).
    pub clock_error: u64,
}

/// Starts to record the spans of this run, with times since `origin`. **Collective.**
///
/// The clocks are aligned at the start and at the end.
pub(crate) fn start(comm: &Comm, origin: Instant) {
    let clock = ClockOffset::measure(comm, origin);
    comm.recorder().set_timeline(Some(Timeline::new(origin, clock, most_spans(comm))));
}

/// Ends the recording and returns the spans of this rank; none without a recording.
/// **Collective.**
pub(crate) fn finish(comm: &Comm) -> Option<RankTimeline> {
    let Timeline { origin, clock, stages, iterations, details, has_threads } = comm.recorder().set_timeline(None)?;
    let clocks = ClockSamples { first: clock, last: ClockOffset::measure(comm, origin) };
    let start = comm.min(clocks.align(0));
    let others = if has_threads { threads::finish() } else { Vec::new() };
    let left_out = [&iterations, &details].into_iter().chain(&others).map(|spans| spans.left_out).sum();
    let main = Spans { kept: [stages, iterations.kept, details.kept].concat(), left_out: 0 };
    let aligned = |time: u64| clocks.align(time as i64).saturating_sub(start).max(0) as u64;
    let align = |span: Span| Span { start: aligned(span.start), end: aligned(span.end), ..span };
    Some(RankTimeline {
        threads: [main].into_iter().chain(others).map(|spans| spans.kept.into_iter().map(align).collect()).collect(),
        left_out,
        clock_error: clocks.error(),
    })
}

/// Returns the number of spans that each buffer of a rank keeps.
fn most_spans(comm: &Comm) -> usize {
    let [least, most] = SPANS_OF_RANK;
    (MOST_SPANS / comm.size()).clamp(least, most)
}

impl Comm {
    /// Runs `work`, which reads or writes so many `bytes`, as a span of the timeline.
    pub(crate) fn span<R>(&self, kind: SpanKind, bytes: usize, work: impl FnOnce() -> R) -> R {
        if !self.recorder().has_timeline() {
            return work();
        }
        // Others take too little time to ask for it.
        let waited = || if kind.is_of_files() { core_wait().unwrap_or(0) } else { 0 };
        let before = waited();
        let start = Instant::now();
        let result = work();
        let times = [start, Instant::now()];
        self.recorder().add_interrupted_span(kind, times, bytes as u64, waited().saturating_sub(before));
        result
    }
}

impl Timeline {
    /// Creates a timeline that keeps `most` spans in each of its buffers.
    fn new(origin: Instant, clock: ClockOffset, most: usize) -> Self {
        let [iterations, details] = [Spans::new(most), Spans::new(most)];
        Self { origin, clock, stages: Vec::new(), iterations, details, has_threads: false }
    }

    /// Adds a span of the main thread.
    pub fn add(&mut self, kind: SpanKind, times: [Instant; 2], bytes: u64, waited: u64) {
        let span = Span { waited, ..Span::new(kind, self.origin, times, bytes) };
        match kind {
            SpanKind::Stage(_) => self.stages.push(span),
            SpanKind::Iteration(_) => self.iterations.push(span),
            _ => self.details.push(span),
        }
    }

    /// Makes the timeline contain the spans of other threads. Returns the time from which they
    /// count.
    pub fn start_threads(&mut self) -> Instant {
        self.has_threads = true;
        self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_kept_where_the_other_buffers_are_full() {
        let origin = Instant::now();
        let mut timeline = Timeline::new(origin, ClockOffset::default(), 2);
        let most = timeline.iterations.kept.capacity();
        let mut add = |kind| timeline.add(kind, [origin; 2], 0, 0);
        add(SpanKind::Stage("solve"));
        for i in 0..most + 3 {
            add(SpanKind::Iteration(i));
            add(SpanKind::Operator);
        }
        add(SpanKind::Stage("write"));
        let stages: Vec<String> = timeline.stages.iter().map(|span| span.kind.to_string()).collect();
        assert_eq!(stages, ["solve", "write"]);
        for spans in [timeline.iterations, timeline.details] {
            assert_eq!((spans.kept.len(), spans.left_out), (most, 3));
        }
    }
}
