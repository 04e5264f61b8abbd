//! The levels of multigrid on any number of ranks, and how often each is visited.

use serde::Serialize;

use crate::la::hierarchy::{COARSE_CYCLES, DIRECT, NESTED_CYCLES, NESTED_SMOOTHING, SMOOTHING, STALLED};
use crate::perf::model::run::Run;

/// How the unknowns and the numbers of the operators shrink from level to level.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Shape {
    /// Numbers of a mesh's operator over its unknowns.
    pub mesh_entries: f64,
    /// Corners of a mesh over its nodes.
    pub corners: f64,
    /// Numbers of the corners' operator over them.
    pub corner_entries: f64,
    /// Aggregates over the unknowns that they are made of.
    pub aggregates: f64,
    /// Numbers of an aggregated operator over its unknowns.
    pub aggregate_entries: f64,
}

/// What kind of level it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// A mesh, the solved one or one that it was refined from.
    Mesh,
    /// The corners of the coarsest mesh.
    Corners,
    /// Aggregates.
    Aggregates,
}

/// One level.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Level {
    /// What it is.
    pub kind: Kind,
    /// Unknowns over all ranks.
    pub unknowns: f64,
    /// Numbers of its operator over all ranks.
    pub entries: f64,
    /// Ranks that have unknowns of it.
    pub ranks: f64,
    /// Cycles that start on it, for each one of the finest level.
    pub visits: f64,
    /// Products with its operator in them; on the last level, direct solutions too.
    pub products: f64,
}

impl Shape {
    /// Of the Y-channel with `--refine 3`.
    pub const TYPICAL: Self =
        Self { mesh_entries: 9.3, corners: 0.34, corner_entries: 8.8, aggregates: 0.13, aggregate_entries: 9.0 };

    /// That of a run.
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

    /// The levels that a run used, on as many ranks as [`levels`](Self::levels) says.
    pub fn as_solved(&self, run: &Run, fewest: f64) -> Vec<Level> {
        let ranks = run.parallel.layout.ranks as f64;
        let corners = run.refinements() + 1;
        let mut active = ranks;
        let level = |(at, size): (usize, &crate::la::LevelSize)| Level {
            kind: if at < corners {
                Kind::Mesh
            } else if at == corners {
                Kind::Corners
            } else {
                Kind::Aggregates
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

    /// The levels of `unknowns` on a mesh that was refined `refine` times.
    /// Aggregated levels move to fewer ranks where they have fewer than
    /// `fewest` unknowns a rank in the mean, as in the solver; 0 leaves them
    /// where they are. A rank that has unknowns keeps one of the next level.
    pub fn levels(&self, unknowns: f64, refine: u32, ranks: f64, fewest: f64) -> Vec<Level> {
        let level = |kind, unknowns: f64, entries: f64, ranks| Level {
            kind,
            unknowns,
            entries: unknowns * entries,
            ranks,
            visits: 0.0,
            products: 0.0,
        };
        let mesh = |at: u32| level(Kind::Mesh, unknowns / 4_f64.powi(at as i32), self.mesh_entries, ranks);
        let mut levels: Vec<Level> = (0..=refine).map(mesh).collect();
        let mut now = self.corners * unknowns / 4_f64.powi(refine as i32);
        let mut active = ranks;
        levels.push(level(Kind::Corners, now, self.corner_entries, active));
        while now > DIRECT as f64 {
            let next = (now * self.aggregates).max(active);
            if next > STALLED * now {
                break;
            }
            active = moved(next, fewest, ranks, active);
            now = next;
            levels.push(level(Kind::Aggregates, now, self.aggregate_entries.min(now), active));
        }
        visited(levels)
    }
}

/// Ranks that an aggregated level moves to, of those that are `active` on the finer one.
fn moved(unknowns: f64, fewest: f64, ranks: f64, active: f64) -> f64 {
    if fewest <= 0.0 {
        return active;
    }
    let wanted = (unknowns / fewest).floor().clamp(1.0, active);
    let group = ((ranks / wanted).ceil() as u64).next_power_of_two() as f64;
    (ranks / group).ceil().min(active)
}

/// Counts visits and products, as [`Multigrid`](crate::la::multigrid::Multigrid) makes them.
fn visited(mut levels: Vec<Level>) -> Vec<Level> {
    let (mut visits, mut again) = (1.0, 0.0);
    let last = levels.len() - 1;
    let is_nested = |at: usize, levels: &[Level]| levels.get(at + 1).is_some_and(|next| next.kind == Kind::Mesh);
    for at in 0..=last {
        let (smoothing, cycles) =
            if is_nested(at, &levels) { (NESTED_SMOOTHING, NESTED_CYCLES) } else { (SMOOTHING, COARSE_CYCLES) };
        // Before and after the coarser level: degree - 1 products and a residual.
        let smoothed = if at < last { 2.0 * smoothing.degree as f64 * visits } else { 0.0 };
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

    const SHAPE: Shape = Shape::TYPICAL;

    #[test]
    fn visits_double_below_the_last_mesh() {
        let levels = SHAPE.levels(1e6, 2, 4.0, 0.0);
        let of = |value: fn(&Level) -> f64| levels.iter().map(value).collect::<Vec<_>>();
        assert_eq!(of(|l| l.visits)[..6], [1.0, 1.0, 1.0, 2.0, 4.0, 8.0]);
        // Degree 3 on nested meshes; degree 2, and one residual for every second visit, below.
        assert_eq!(of(|l| l.products)[..5], [6.0, 6.0, 4.0, 9.0, 18.0]);
        let last = levels.last().unwrap();
        assert_eq!((last.kind, last.products), (Kind::Aggregates, last.visits / 2.0));
        assert!(last.unknowns <= 400.0);
    }

    #[test]
    fn levels_shrink_until_they_stall() {
        let levels = SHAPE.levels(4096.0 * 250_000.0, 5, 4096.0, 0.0);
        let last = levels.last().unwrap();
        // Each rank keeps an unknown, so that the last level is far from small.
        assert!(last.unknowns >= 4096.0 && last.ranks == 4096.0, "{last:?}");
        let moved = SHAPE.levels(4096.0 * 250_000.0, 5, 4096.0, 1000.0);
        assert!(moved.last().unwrap().unknowns <= 400.0 && moved.last().unwrap().ranks == 1.0);
        assert!(moved.windows(2).all(|pair| pair[1].ranks <= pair[0].ranks));
    }
}
