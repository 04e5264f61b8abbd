//! Spans of a timeline.

use std::fmt;
use std::time::Instant;

/// Kind of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Stage of a run, by its key in the run record.
    Stage(&'static str),
    /// Iteration of CG.
    Iteration(usize),
    /// Preconditioner in an iteration.
    Preconditioner,
    /// Product with the operator in an iteration.
    Operator,
    /// Work on a multigrid level, 0 for the finest.
    Level(usize),
    /// Smoother of a level.
    Smoothing,
    /// Restriction or prolongation between two levels.
    Transfer,
    /// Direct solver of the coarsest level.
    CoarseSolve,
    /// Halo exchange, with the work during it.
    Halo,
    /// Wait for the messages of a halo exchange, after the work during it.
    Wait,
    /// Sum, minimum or maximum over all ranks.
    Reduction,
    /// Barrier.
    Barrier,
    /// Sum over the lower ranks.
    Scan,
    /// Messages to few ranks, which do not know their senders.
    SparseExchange,
    /// Values of one rank on all ranks.
    Broadcast,
    /// Collective read of a dataset.
    Read,
    /// Collective write of a dataset.
    Write,
    /// Reservation of disk space.
    Reserve,
    /// Flush of a file to the disk.
    Flush,
    /// Part of a parallel loop on one thread.
    Loop,
}

/// Span of time on a thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Kind of the span.
    pub kind: SpanKind,
    /// Start (ns).
    pub start: u64,
    /// End (ns).
    pub end: u64,
    /// Bytes that this rank sent, read or wrote in it.
    pub bytes: u64,
    /// Time in which the thread waited for a core (ns), where that is known.
    pub waited: u64,
}

/// Buffer of spans.
#[derive(Debug)]
pub(crate) struct Spans {
    /// Spans in the order of their ends, as many as the buffer has room for.
    pub kept: Vec<Span>,
    /// Number of spans after them.
    pub left_out: u64,
}

impl SpanKind {
    /// Tests whether a span of this kind reads, writes or reserves a file.
    pub(super) fn is_of_files(self) -> bool {
        self.category() == "file"
    }

    /// Returns the category, by which a viewer filters.
    pub(crate) fn category(self) -> &'static str {
        match self {
            Self::Stage(_) => "stage",
            Self::Iteration(_) | Self::Preconditioner | Self::Operator => "iteration",
            Self::Level(_) | Self::Smoothing | Self::Transfer | Self::CoarseSolve => "multigrid",
            Self::Halo | Self::Wait => "halo",
            Self::Reduction => "reduction",
            Self::Barrier | Self::Scan | Self::SparseExchange | Self::Broadcast => "collective",
            Self::Read | Self::Write | Self::Reserve | Self::Flush => "file",
            Self::Loop => "thread",
        }
    }
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::Stage(key) => key,
            Self::Iteration(number) => return write!(f, "iteration {number}"),
            Self::Preconditioner => "preconditioner",
            Self::Operator => "operator",
            Self::Level(level) => return write!(f, "level {level}"),
            Self::Smoothing => "smoothing",
            Self::Transfer => "transfer",
            Self::CoarseSolve => "coarse solve",
            Self::Halo => "halo exchange",
            Self::Wait => "wait",
            Self::Reduction => "reduction",
            Self::Barrier => "barrier",
            Self::Scan => "scan",
            Self::SparseExchange => "sparse exchange",
            Self::Broadcast => "broadcast",
            Self::Read => "read",
            Self::Write => "write",
            Self::Reserve => "reserve",
            Self::Flush => "flush",
            Self::Loop => "loop",
        };
        f.write_str(name)
    }
}

impl Span {
    pub(super) fn new(kind: SpanKind, origin: Instant, times: [Instant; 2], bytes: u64) -> Self {
        let [start, end] = times.map(|time| time.saturating_duration_since(origin).as_nanos() as u64);
        Self { kind, start, end, bytes, waited: 0 }
    }
}

impl Spans {
    /// Creates a buffer with room for so many spans.
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Vec::with_capacity(most), left_out: 0 }
    }

    /// Adds a span, or counts it where the buffer is full.
    pub(super) fn push(&mut self, span: Span) {
        if self.kept.len() < self.kept.capacity() {
            self.kept.push(span);
        } else {
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_counts_what_it_leaves_out() {
        let mut spans = Spans::new(4);
        let room = spans.kept.capacity();
        let origin = Instant::now();
        (0..room + 3).for_each(|i| spans.push(Span::new(SpanKind::Level(i), origin, [origin; 2], 0)));
        assert_eq!((spans.kept.len(), spans.left_out), (room, 3));
        assert_eq!((spans.kept[1].kind.to_string(), spans.kept.capacity()), ("level 1".to_owned(), room));
    }
}
