//! Seconds of the stages of a run.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use crate::parallel::Comm;

/// Measures the stages of one rank.
#[derive(Debug)]
pub struct Stopwatch {
    start: Instant,
    stages: Vec<(&'static str, f64)>,
}

/// Seconds of one stage over the ranks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Span {
    /// Of the fastest rank.
    pub min: f64,
    /// Mean over the ranks.
    pub mean: f64,
    /// Of the slowest rank.
    pub max: f64,
}

/// Seconds of every stage, by name.
pub type Timings = BTreeMap<&'static str, Span>;

/// Name of the span from the start of the run to its end.
pub const TOTAL: &str = "total_workflow";

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { start: Instant::now(), stages: Vec::new() }
    }

    /// Runs a stage and notes how long it took.
    pub fn time<R>(&mut self, stage: &'static str, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.stages.push((stage, start.elapsed().as_secs_f64()));
        result
    }

    /// The stages so far and the total, over all ranks, which must have timed
    /// the same stages. **Collective.**
    pub fn collect(&self, comm: &Comm) -> Timings {
        let total = (TOTAL, self.start.elapsed().as_secs_f64());
        let spans = self.stages.iter().copied().chain([total]).map(|(stage, seconds)| {
            let mean = comm.sum(seconds) / comm.size() as f64;
            (stage, Span { min: comm.min(seconds), mean, max: comm.max(seconds) })
        });
        spans.collect()
    }
}
