//! Seconds of the stages of a run, and where in a stage they went.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::parallel::traffic::Timer;
use crate::parallel::{Comm, Profile, measure};

/// Measures the stages of one rank.
#[derive(Debug)]
pub struct Stopwatch {
    start: Timer,
    stages: Vec<(&'static str, Profile)>,
}

/// Something over the ranks: seconds, or how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MinMeanMax {
    /// On the rank that has least.
    pub min: f64,
    /// Mean over the ranks.
    pub mean: f64,
    /// On the rank that has most.
    pub max: f64,
}

/// Seconds of every stage, by name.
pub type Timings = BTreeMap<String, MinMeanMax>;

/// Every stage, by name.
pub type Stages = BTreeMap<String, TimeSplit>;

/// Name of the span from the start of the run to its end.
pub const TOTAL: &str = "total_workflow";

/// Where the time of a piece of work went, over the ranks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeSplit {
    /// Seconds in all.
    pub seconds: MinMeanMax,
    /// Seconds without communication.
    pub compute: MinMeanMax,
    /// Messages between neighbours.
    pub halo: CommShare,
    /// Sums, minima and maxima over all ranks.
    pub reductions: CommShare,
    /// All other collective operations.
    pub others: CommShare,
}

/// Communication of one kind over the ranks, as
/// [`CommCounter`](crate::parallel::Wait) counts it on one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CommShare {
    /// Seconds of waiting.
    pub seconds: MinMeanMax,
    /// Messages or operations.
    pub count: MinMeanMax,
    /// Bytes given away.
    pub bytes: MinMeanMax,
}

/// Seconds since this process was started, to a hundredth, where Linux says so (proc(5)); else 0.
pub fn age_of_process() -> f64 {
    /// Of a second, on every architecture that Linux runs programs on (USER_HZ).
    const TICKS: f64 = 100.0;
    let started = || -> Option<f64> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in brackets before may hold anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
    };
    let now = || -> Option<f64> { fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok() };
    now().zip(started()).map_or(0.0, |(now, started)| (now - started / TICKS).max(0.0))
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { start: Timer::now(), stages: Vec::new() }
    }

    /// Runs a stage and notes what it took.
    pub fn time<R>(&mut self, stage: &'static str, work: impl FnOnce() -> R) -> R {
        let (result, spent) = measure(work);
        self.stages.push((stage, spent));
        result
    }

    /// The stages so far and the total, over all ranks, which must have timed
    /// the same stages. **Collective.**
    pub fn collect(&self, comm: &Comm) -> Stages {
        let names = self.stages.iter().map(|stage| stage.0).chain([TOTAL]).map(str::to_owned);
        let spent: Vec<Profile> = self.stages.iter().map(|stage| stage.1).chain([self.start.spent()]).collect();
        names.zip(TimeSplit::over_ranks(comm, &spent)).collect()
    }
}

impl TimeSplit {
    /// Of each of several pieces of work, as many on every rank. **Collective.**
    pub fn over_ranks(comm: &Comm, spent: &[Profile]) -> Vec<Self> {
        const VALUES: usize = 11;
        let values: Vec<f64> = spent.iter().flat_map(values).collect();
        let (min, sum, max) = (comm.min_all(&values), comm.sum_all(&values), comm.max_all(&values));
        let span = |i: usize| MinMeanMax { min: min[i], mean: sum[i] / comm.size() as f64, max: max[i] };
        let share = |i: usize| CommShare { seconds: span(i), count: span(i + 1), bytes: span(i + 2) };
        let split = |i: usize| Self {
            seconds: span(i),
            compute: span(i + 1),
            halo: share(i + 2),
            reductions: share(i + 5),
            others: share(i + 8),
        };
        (0..spent.len()).map(|work| split(work * VALUES)).collect()
    }

    /// One of `n` equal parts.
    pub fn over(self, n: f64) -> Self {
        Self {
            seconds: self.seconds.over(n),
            compute: self.compute.over(n),
            halo: self.halo.over(n),
            reductions: self.reductions.over(n),
            others: self.others.over(n),
        }
    }
}

impl MinMeanMax {
    /// Of a value on each rank. **Collective.**
    pub fn over_ranks(comm: &Comm, value: f64) -> Self {
        Self { min: comm.min(value), mean: comm.sum(value) / comm.size() as f64, max: comm.max(value) }
    }

    fn over(self, n: f64) -> Self {
        Self { min: self.min / n, mean: self.mean / n, max: self.max / n }
    }
}

impl CommShare {
    fn over(self, n: f64) -> Self {
        Self { seconds: self.seconds.over(n), count: self.count.over(n), bytes: self.bytes.over(n) }
    }
}

/// All numbers of a measurement, in the order in which `TimeSplit` reads them.
fn values(spent: &Profile) -> Vec<f64> {
    let kinds = spent.traffic.kinds().map(|wait| [wait.seconds, wait.count as f64, wait.bytes as f64]);
    [&[spent.seconds, spent.compute()], kinds.as_flattened()].concat()
}
