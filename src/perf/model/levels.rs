//! Levels of multigrid on any number of ranks, and the number of visits of each.

use serde::Serialize;

use crate::la::hierarchy::{DIRECT, STALLED, cycles, smoothing};
use crate::perf::model::run::Run;

/// Unknowns for each element of a large mesh.
pub const UNKNOWNS_AN_ELEMENT: f64 = 3.0;

/// Ratios of unknowns and operator entries from level to level.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CoarseningRatios {
    /// Entries of the operator of a mesh over its unknowns.
    pub mesh_entries: f64,
    /// Corners of a mesh over its nodes.
    pub corners: f64,
    /// Entries of the operator of the corners over their number.
    pub corner_entries: f64,
    /// Aggregates over the unknowns of the finer level.
    pub aggregates: f64,
    /// Entries of an aggregated operator over its unknowns.
    pub aggregate_entries: f64,
}

/// Kind of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum LevelKind {
    /// The finest mesh, or one from which it was refined.
    Mesh,
    /// The corners of the coarsest mesh.
    Corners,
    /// Aggregates.
    Aggregates,
}

/// Level of multigrid.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Level {
    /// LevelKind of the level.
    pub kind: LevelKind,
    /// Unknowns over all ranks.
    pub unknowns: f64,
    /// Entries of its operator over all ranks.
    pub entries: f64,
    /// Ranks with unknowns of the level.
    pub ranks: f64,
    /// Cycles that start on the level, for each one of the finest level.
    pub visits: f64,
    /// Products with its operator in these cycles; none on the last level, which is solved
    /// directly.
    pub products: f64,
}

impl CoarseningRatios {
    /// Ratios of the Y-channel with `--refine 3`.
    pub const TYPICAL: Self =
        Self { mesh_entries: 9.3, corners: 0.34, corner_entries: 8.8, aggregates: 0.13, aggregate_entries: 9.0 };

    /// Computes the ratios of a run.
    pub fn of(run: &Run) -> Self {
        let levels = &run.convergence.levels;
        let entries = |at: usize| levels[at].entries as f64 / levels[at].unknowns.max(1) as f64;
        let shrink = |fine: usize, coarse: usize| levels[coarse].unknowns as f64 / levels[fine].unknowns as f64;
        let (base, corners, last) = (run.refinements(), run.refinements() + 1, levels.len() - 1);
        let Self { aggregates, aggregate_entries, .. } = Self::TYPICAL;
        let steps = (last - corners) as f64;
        Self {
            mesh_entries: entries(0),
            corners: shrink(base, corners),
            corner_entries: entries(corners),
            aggregates: if last > corners { shrink(corners, last).powf(1.0 / steps) } else { aggregates },
            aggregate_entries: if last > corners { entries(corners + 1) } else { aggregate_entries },
        }
    }

    /// Returns the levels of a run, on as many ranks as [`levels`](Self::levels) determines.
    pub fn as_solved(&self, run: &Run, fewest: f64) -> Vec<Level> {
        let ranks = run.parallel.layout.ranks as f64;
        let corners = run.refinements() + 1;
        let mut active = ranks;
        let level = |(at, size): (usize, &crate::la::LevelSize)| Level {
            kind: if at < corners {
                LevelKind::Mesh
            } else if at == corners {
                LevelKind::Corners
            } else {
                LevelKind::Aggregates
            },
            unknowns: size.unknowns as f64,
            entries: size.entries as f64,
            ranks: {
                active = if at > corners { moved(size.unknowns as f64, fewest, ranks, active) } else { ranks };
                active
            },
            visits: 0.0,
            products: 0.0,
        };
        visited(run.convergence.levels.iter().enumerate().map(level).collect())
    }

    /// Returns the levels of `unknowns` on a mesh that was refined `refine` times. Aggregated
    /// levels are agglomerated on fewer ranks where they have fewer than `fewest` unknowns a rank
    /// in the mean, as in the solver; 0 keeps all ranks. A rank with unknowns keeps one of the next
    /// level.
    pub fn levels(&self, unknowns: f64, refine: u32, ranks: f64, fewest: f64) -> Vec<Level> {
        let level = |kind, unknowns: f64, entries: f64, ranks| Level {
            kind,
            unknowns,
            entries: unknowns * entries,
            ranks,
            visits: 0.0,
            products: 0.0,
        };
        let mesh = |at: u32| level(LevelKind::Mesh, unknowns / 4_f64.powi(at as i32), self.mesh_entries, ranks);
        let mut levels: Vec<Level> = (0..=refine).map(mesh).collect();
        let mut now = self.corners * unknowns / 4_f64.powi(refine as i32);
        let mut active = ranks;
        levels.push(level(LevelKind::Corners, now, self.corner_entries, active));
        while now > DIRECT as f64 {
            let next = (now * self.aggregates).max(active);
            if next > STALLED * now {
                break;
            }
            active = moved(next, fewest, ranks, active);
            now = next;
            levels.push(level(LevelKind::Aggregates, now, self.aggregate_entries.min(now), active));
        }
        visited(levels)
    }
}

/// Returns the number of ranks of an aggregated level, of the `active` ranks of the finer one.
fn moved(unknowns: f64, fewest: f64, ranks: f64, active: f64) -> f64 {
    if fewest <= 0.0 {
        return active;
    }
    let wanted = (unknowns / fewest).floor().clamp(1.0, active);
    let group = ((ranks / wanted).ceil() as u64).next_power_of_two() as f64;
    (ranks / group).ceil().min(active)
}

/// Counts visits and products as in a cycle of [`Multigrid`](crate::la::multigrid::Multigrid).
fn visited(mut levels: Vec<Level>) -> Vec<Level> {
    let (mut visits, mut again) = (1.0, 0.0);
    let last = levels.len() - 1;
    let meshes = levels.iter().filter(|level| level.kind == LevelKind::Mesh).count();
    for at in 0..=last {
        // The last level is solved exactly.
        let cycles = if at + 1 == last { 1 } else { cycles(at, meshes) };
        // Before and after the coarser level: degree - 1 products and a residual.
        let smoothed = if at < last { 2.0 * smoothing(at, meshes).degree as f64 * visits } else { 0.0 };
        levels[at].visits = visits;
        levels[at].products = smoothed + again;
        again = (cycles - 1) as f64 * visits;
        visits *= cycles as f64;
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATIOS: CoarseningRatios = CoarseningRatios::TYPICAL;

    #[test]
    fn visits_multiply_below_the_last_mesh() {
        let levels = RATIOS.levels(1e6, 2, 4.0, 0.0);
        let of = |value: fn(&Level) -> f64| levels.iter().map(value).collect::<Vec<_>>();
        // The last level is solved exactly, and once.
        assert_eq!(of(|l| l.visits), [1.0, 1.0, 1.0, 3.0, 6.0, 6.0]);
        // Degree 3 on nested meshes; degree 2, and a residual before each further cycle, below.
        assert_eq!(of(|l| l.products)[..5], [6.0, 6.0, 4.0, 14.0, 27.0]);
        let levels = RATIOS.levels(1e6, 0, 4.0, 0.0);
        assert_eq!(levels.iter().map(|l| l.visits).collect::<Vec<_>>()[..4], [1.0, 2.0, 4.0, 8.0]);
        let last = levels.last().unwrap();
        assert_eq!((last.kind, last.products), (LevelKind::Aggregates, 0.0));
        assert!(last.unknowns <= 400.0);
    }

    #[test]
    fn levels_shrink_until_they_stall() {
        let levels = RATIOS.levels(4096.0 * 250_000.0, 5, 4096.0, 0.0);
        let last = levels.last().unwrap();
        // Each rank keeps an unknown, so that the last level is far from small.
        assert!(last.unknowns >= 4096.0 && last.ranks == 4096.0, "{last:?}");
        let moved = RATIOS.levels(4096.0 * 250_000.0, 5, 4096.0, 1000.0);
        assert!(moved.last().unwrap().unknowns <= 400.0 && moved.last().unwrap().ranks == 1.0);
        assert!(moved.windows(2).all(|pair| pair[1].ranks <= pair[0].ranks));
    }
}
