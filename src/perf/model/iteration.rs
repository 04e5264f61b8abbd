//! Seconds of an iteration: balanced work, and the losses beside it.

use serde::Serialize;

use crate::perf::model::stages::largest;

/// Seconds of the slowest rank in one iteration of CG.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Iteration {
    /// Work, if it were balanced.
    pub work: f64,
    /// Waiting for the rank with most elements.
    pub imbalance: f64,
    /// Messages between neighbours on meshes and their corners.
    pub mesh_messages: f64,
    /// Messages on aggregated levels.
    pub coarse_messages: f64,
    /// Sums over all ranks.
    pub reductions: f64,
    /// Direct solution of the coarsest level.
    pub direct: f64,
}

/// Name of a loss, and its seconds in an iteration.
type Loss = (&'static str, fn(&Iteration) -> f64);

/// Losses of an iteration: its time besides balanced work.
pub const LOSSES: [Loss; 5] = [
    ("imbalance of the parts", |i| i.imbalance),
    ("messages between neighbours", |i| i.mesh_messages),
    ("messages on coarse levels", |i| i.coarse_messages),
    ("reductions", |i| i.reductions),
    ("direct solution of the coarsest level", |i| i.direct),
];

impl Iteration {
    /// Returns the time of the whole iteration.
    pub fn total(&self) -> f64 {
        self.work + LOSSES.iter().map(|(_, of)| of(self)).sum::<f64>()
    }

    /// Returns the largest loss, and its seconds.
    pub fn limiting_factor(&self) -> (&'static str, f64) {
        largest(LOSSES.map(|(name, of)| (name, of(self))))
    }
}
