//! Times of the stages of a run, split into computing and communication, with minimum, mean and
//! maximum over the ranks.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::parallel::comm_stats::Timer;
use crate::parallel::{Comm, Profile, RankTimes, SpanKind};

/// Stopwatch of the stages on one rank.
#[derive(Debug)]
pub struct Stopwatch {
    start: Timer,
    stages: Vec<(&'static str, Profile)>,
}

/// Minimum, mean and maximum of a value over the ranks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MinMeanMax {
    /// Smallest value.
    pub min: f64,
    /// Mean over the ranks.
    pub mean: f64,
    /// Largest value.
    pub max: f64,
}

/// Seconds of every stage, by name.
pub type Timings = BTreeMap<String, MinMeanMax>;

/// Time split of every stage, by name.
pub type Stages = BTreeMap<String, TimeSplit>;

/// Name of the whole run among the stages.
pub const TOTAL: &str = "total_workflow";

/// Time split of a piece of work over the ranks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeSplit {
    /// Seconds in all.
    pub seconds: MinMeanMax,
    /// Seconds without communication.
    pub compute: MinMeanMax,
    /// Halo exchange between neighbours.
    pub halo: CommShare,
    /// Sums, minima and maxima over all ranks.
    pub reductions: CommShare,
    /// All other collective operations.
    pub others: CommShare,
}

/// Communication of one kind over the ranks, as [`CommCounter`](crate::parallel::CommCounter)
/// counts it on one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CommShare {
    /// Seconds of communication.
    pub seconds: MinMeanMax,
    /// Number of messages or operations.
    pub count: MinMeanMax,
    /// Bytes sent.
    pub bytes: MinMeanMax,
}

/// Returns the seconds since this process was started, to a hundredth (proc(5)); 0 where Linux does
/// not provide them.
pub fn age_of_process() -> f64 {
    /// Clock ticks in a second, on every architecture of Linux (USER_HZ).
    const TICKS: f64 = 100.0;
    let started = || -> Option<f64> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name before, in brackets, can contain anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
    };
    let now = || -> Option<f64> { fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok() };
    now().zip(started()).map_or(0.0, |(now, started)| (now - started / TICKS).max(0.0))
}

impl Stopwatch {
    /// Starts the stopwatch.
    pub fn start(comm: &Comm) -> Self {
        Self { start: Timer::start(comm), stages: Vec::new() }
    }

    /// Returns the time of the start.
    pub fn started(&self) -> Instant {
        self.start.started()
    }

    /// Runs a stage and adds its profile to those of the same name.
    pub fn time<R>(&mut self, stage: &'static str, work: impl FnOnce() -> R) -> R {
        let timer = self.start.again();
        let result = work();
        let spent = timer.stop(SpanKind::Stage(stage));
        match self.stages.iter_mut().find(|(name, _)| *name == stage) {
            Some((_, sum)) => *sum += spent,
            None => self.stages.push((stage, spent)),
        }
        result
    }

    /// Collects the stages so far and the whole run, the same stages on each rank: over all ranks,
    /// and on rank 0 the times of single ranks. **Collective.**
    pub fn collect(&self, comm: &Comm) -> (Stages, RankTimes) {
        let total = self.start.stop(SpanKind::Stage(TOTAL));
        let (names, spent): (Vec<&str>, Vec<Profile>) = self.stages.iter().copied().chain([(TOTAL, total)]).unzip();
        let splits = TimeSplit::over_ranks(comm, &spent);
        let stages = names.iter().map(|&name| name.to_owned()).zip(splits).collect();
        (stages, RankTimes::gather(comm, &names, &spent))
    }
}

impl TimeSplit {
    /// Collects the time splits of several pieces of work, as many on each rank. **Collective.**
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

    /// Divides by `n`.
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
    /// Collects a value of each rank. **Collective.**
    pub(crate) fn over_ranks(comm: &Comm, value: f64) -> Self {
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

/// Returns the numbers of a profile, in the order in which `TimeSplit::over_ranks` reads them.
fn values(spent: &Profile) -> Vec<f64> {
    let kinds = spent.traffic.kinds().map(|counter| [counter.seconds, counter.count as f64, counter.bytes as f64]);
    [&[spent.seconds, spent.compute()], kinds.as_flattened()].concat()
}
