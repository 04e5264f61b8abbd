//! Breakdown of the time of a run: stages, iterations and levels of multigrid, each split into
//! computing, halo exchanges, reductions and other communication.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::parallel::comm_stats::Timer;
use crate::parallel::timing::Stages;
use crate::parallel::{Comm, Profile, RankTimes, SpanKind, TimeSplit};

/// Breakdown of the time of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Breakdown {
    /// Stages of the run, and the whole run.
    pub stages: Stages,
    /// Iterations of CG.
    pub iterations: Iterations,
    /// Levels of the preconditioner, finest first, over the whole solve; empty without any.
    pub levels: Vec<TimeSplit>,
    /// Stages on single ranks; empty in a record of an older version.
    #[serde(default)]
    pub by_rank: RankTimes,
}

impl Breakdown {
    /// Collects the breakdown of a solve from the iterations and the levels of the preconditioner
    /// on this rank; `bytes` are those that an iteration moves here. The stages stay empty until
    /// the end of the run ([`Breakdown::with_stages`]). **Collective.**
    pub fn of_solve(comm: &Comm, iterations: &IterationTimer, bytes: usize, levels: &[Profile]) -> Self {
        let bytes = comm.sum(bytes as u64);
        let iterations = iterations.collect(comm);
        let seconds = iterations.mean.seconds.max;
        let bandwidth = if seconds > 0.0 { bytes as f64 / seconds / 1e9 } else { 0.0 };
        Self {
            iterations: Iterations { bytes, bandwidth, ..iterations },
            levels: TimeSplit::over_ranks(comm, levels),
            ..Self::default()
        }
    }

    /// Adds the stages, as [`Stopwatch::collect`](crate::parallel::Stopwatch::collect) returns
    /// them.
    #[must_use]
    pub fn with_stages(self, (stages, by_rank): (Stages, RankTimes)) -> Self {
        Self { stages, by_rank, ..self }
    }
}

/// Breakdown of the iterations of CG.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Iterations {
    /// Mean of all iterations but the first, which contains the start.
    pub mean: TimeSplit,
    /// Bytes that all ranks read and write in an iteration, by a count of the arrays in each loop.
    #[serde(default)]
    pub bytes: u64,
    /// These bytes in the mean time of an iteration (GB/s), to compare with STREAM.
    #[serde(default)]
    pub bandwidth: f64,
    /// Computing in each iteration, mean over the ranks (s).
    pub compute: Vec<f64>,
    /// Halo exchange in each iteration, mean over the ranks (s).
    pub halo: Vec<f64>,
    /// Reductions in each iteration, mean over the ranks (s).
    pub reductions: Vec<f64>,
}

/// Timer of the iterations on one rank.
#[derive(Debug)]
pub struct IterationTimer {
    timer: RefCell<Timer>,
    laps: RefCell<Vec<Profile>>,
}

impl IterationTimer {
    /// Starts the first iteration.
    pub fn start(comm: &Comm) -> Self {
        Self { timer: RefCell::new(Timer::start(comm)), laps: RefCell::default() }
    }

    /// Ends an iteration, of this number, and starts the next one.
    pub fn lap(&self, iteration: usize) {
        let spent = self.timer.borrow_mut().lap(SpanKind::Iteration(iteration));
        self.laps.borrow_mut().push(spent);
    }

    /// Collects the iterations of all ranks, as many on each. **Collective.**
    pub fn collect(&self, comm: &Comm) -> Iterations {
        let laps = self.laps.borrow();
        let mean_of = |value: fn(&Profile) -> f64| -> Vec<f64> {
            let own: Vec<f64> = laps.iter().map(value).collect();
            comm.sum_all(&own).into_iter().map(|sum| sum / comm.size() as f64).collect()
        };
        let full = if laps.len() > 1 { &laps[1..] } else { &laps[..] };
        let mut all = Profile::default();
        full.iter().for_each(|lap| all += *lap);
        let sum = TimeSplit::over_ranks(comm, &[all]);
        Iterations {
            mean: sum[0].over(full.len().max(1) as f64),
            bytes: 0,
            bandwidth: 0.0,
            compute: mean_of(Profile::compute),
            halo: mean_of(|lap| lap.traffic.halo.seconds),
            reductions: mean_of(|lap| lap.traffic.reductions.seconds),
        }
    }
}
