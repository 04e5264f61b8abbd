//! Spans of the other threads of a rank: when each one worked in a parallel loop.
//!
//! Loops have no communicator, so that each thread keeps its own buffer. The main thread has none:
//! it works in every loop, and its spans show when.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::parallel::Comm;
use crate::parallel::timeline::{Span, SpanKind, Spans, most_spans};

thread_local! {
    static ROW: RefCell<Option<Row>> = const { RefCell::new(None) };
}

/// Number of parallel loops that this process started.
static LOOPS: AtomicU64 = AtomicU64::new(0);

/// Parallel loop, of which each thread records one span from its first chunk to its last.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct ParallelLoop(u64);

/// Buffer of a thread.
struct Row {
    origin: Instant,
    spans: Spans,
    /// Loop in which this thread works or worked last, with the start of its first chunk and the
    /// end of its last one.
    current: Option<(ParallelLoop, [Instant; 2])>,
}

/// Starts to record the loops of the other threads of this rank, where a timeline is recorded.
pub(crate) fn record_threads(comm: &Comm) {
    let Some(origin) = comm.recorder().start_threads() else { return };
    let most = most_spans(comm) / rayon::current_num_threads();
    rayon::broadcast(|thread| {
        if thread.index() > 0 {
            ROW.set(Some(Row { origin, spans: Spans::new(most), current: None }));
        }
    });
}

/// Ends the recording and returns the spans of the other threads.
pub(super) fn finish() -> Vec<Spans> {
    let end = |mut row: Row| {
        row.end_loop();
        row.spans
    };
    rayon::broadcast(|_| ROW.take().map(end)).into_iter().flatten().collect()
}

impl ParallelLoop {
    /// Starts a loop.
    pub fn start() -> Self {
        Self(LOOPS.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs a chunk of the loop on the current thread.
    pub fn chunk<R>(self, work: impl FnOnce() -> R) -> R {
        let is_recorded = ROW.with_borrow_mut(|row| row.as_mut().map(|row| row.enter(self)).is_some());
        let result = work();
        if is_recorded {
            ROW.with_borrow_mut(|row| row.as_mut().map(|row| row.leave(self)));
        }
        result
    }
}

impl Row {
    fn enter(&mut self, here: ParallelLoop) {
        if self.current.is_none_or(|(current, _)| current != here) {
            self.end_loop();
            self.current = Some((here, [Instant::now(); 2]));
        }
    }

    fn leave(&mut self, here: ParallelLoop) {
        if let Some((current, [_, end])) = &mut self.current
            && *current == here
        {
            *end = Instant::now();
        }
    }

    fn end_loop(&mut self) {
        if let Some((_, times)) = self.current.take() {
            self.spans.push(Span::new(SpanKind::Loop, self.origin, times, 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_one_span_a_loop() {
        let origin = Instant::now();
        ROW.set(Some(Row { origin, spans: Spans::new(10), current: None }));
        let [first, second] = [(); 2].map(|()| ParallelLoop::start());
        (0..5).for_each(|_| first.chunk(|| ()));
        // A loop inside of a loop ends the span of the outer one.
        second.chunk(|| ParallelLoop::start().chunk(|| ()));
        let mut row = ROW.take().unwrap();
        row.end_loop();
        let spans = row.spans.kept;
        assert_eq!(spans.len(), 3);
        assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{spans:?}");
    }
}
