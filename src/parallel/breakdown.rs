//! Where the time of a run went: its stages, its iterations and the levels of
//! multigrid, each into computing, halo exchanges, reductions and the rest.

use std::cell::{Cell, RefCell};

use serde::{Deserialize, Serialize};

use crate::parallel::timing::Stages;
use crate::parallel::traffic::Timer;
use crate::parallel::{Comm, Profile, TimeSplit};

/// The split of all there is to split.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Breakdown {
    /// The stages of the run and the whole of it.
    pub stages: Stages,
    /// The iterations of CG.
    pub iterations: Iterations,
    /// The levels of the preconditioner, finest first, over the whole solve; empty without any.
    pub levels: Vec<TimeSplit>,
}

impl Breakdown {
    /// That of a solve, from what its iterations and the levels of its preconditioner took on this rank. The stages
    /// are known at the end of the run. **Collective.**
    pub fn of_solve(comm: &Comm, iterations: &IterationTimer, levels: &[Profile]) -> Self {
        Self {
            stages: Stages::new(),
            iterations: iterations.collect(comm),
            levels: TimeSplit::over_ranks(comm, levels),
        }
    }
}

/// The split of the iterations of CG.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Iterations {
    /// The mean of all iterations but the first, which has the start in it.
    pub mean: TimeSplit,
    /// Seconds of computing in each iteration, mean over the ranks.
    pub compute: Vec<f64>,
    /// Seconds of halo exchange in each iteration, mean over the ranks.
    pub halo: Vec<f64>,
    /// Seconds of reductions in each iteration, mean over the ranks.
    pub reductions: Vec<f64>,
}

/// Measures iterations one after the other on one rank.
#[derive(Debug)]
pub struct IterationTimer {
    last: Cell<Timer>,
    laps: RefCell<Vec<Profile>>,
}

impl IterationTimer {
    /// The first iteration starts now.
    pub fn start() -> Self {
        Self { last: Cell::new(Timer::now()), laps: RefCell::default() }
    }

    /// An iteration has ended, the next one starts.
    pub fn lap(&self) {
        let spent = self.last.replace(Timer::now()).spent();
        self.laps.borrow_mut().push(spent);
    }

    /// The split over the ranks, which must have made the same number of laps. **Collective.**
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
            compute: mean_of(Profile::compute),
            halo: mean_of(|lap| lap.traffic.halo.seconds),
            reductions: mean_of(|lap| lap.traffic.reductions.seconds),
        }
    }
}
