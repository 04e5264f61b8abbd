//! Memory of a rank.

use crate::fem::{OperatorKind, PreconditionerKind};
use crate::mesh::MeshSize;
use crate::perf::estimate::{Estimate, Plan, Stage};
use crate::perf::model::RTOL;
use crate::perf::model::cost::Solve;
use crate::perf::model::levels::UNKNOWNS_AN_ELEMENT;
use crate::perf::model::levels::{Level, LevelKind};

/// Bytes of an entry of an operator: a number and a column.
const ENTRY: f64 = 12.0;

/// Returns the memory (bytes) of the fullest rank at its peak: that of a run with a mesh from a
/// file, in the partition that of a rank which runs METIS, and later that of a rank with coarse
/// levels.
pub fn peak_bytes(solve: &Solve, ranks_of_host: f64) -> f64 {
    let finest = &solve.levels[0];
    let nodes = finest.unknowns * solve.interfaces.imbalance();
    let plan = Plan {
        base: MeshSize { nodes: nodes as u64, elements: (nodes / UNKNOWNS_AN_ELEMENT) as u64 },
        is_file: true,
        refine: 0,
        ranks: finest.ranks as usize,
        ranks_of_host: finest.ranks.min(ranks_of_host) as usize,
        operator: OperatorKind::Elements,
        preconditioner: PreconditionerKind::Multigrid,
        has_flux: false,
        floating: 0,
        rtol: RTOL,
        bandwidth: f64::INFINITY,
    };
    let estimate = Estimate::new(String::new(), &plan);
    let at_start = estimate.arrays.iter().filter(|array| array.stages.contains(&Stage::Distribute));
    let at_start = at_start.map(|array| array.bytes_per_rank as f64).sum::<f64>() + solve.metis_bytes();
    at_start.max(estimate.peak_bytes_per_rank as f64 + coarse_bytes(solve.levels))
}

/// Returns the bytes by which a rank with unknowns of all levels exceeds the mean.
fn coarse_bytes(levels: &[Level]) -> f64 {
    let more = |level: &Level| ENTRY * level.entries * (1.0 / level.ranks - 1.0 / levels[0].ranks);
    levels.iter().filter(|level| level.kind == LevelKind::Aggregates).map(more).sum()
}
