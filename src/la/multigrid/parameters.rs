//! Parameters of the hierarchy: smoothing, cycles, and the end of coarsening.

use crate::la::multigrid::chebyshev::Smoothing;

/// Smoothing on levels above the corners and above aggregates.
pub(crate) const SMOOTHING: Smoothing = Smoothing { degree: 2, part: 1.0 / 8.0 };
/// Number of levels, the corners and aggregates below them, with two cycles of the next coarser one
/// in a cycle (a W-cycle). With one (a V-cycle) on all levels the iterations grow; with two on all,
/// those of the coarsest levels, which few ranks have, double from level to level.
const W_CYCLES: usize = 2;
/// Smoothing between nested meshes, where more smoothing with a V-cycle is faster than a W-cycle.
pub(crate) const NESTED_SMOOTHING: Smoothing = Smoothing { degree: 3, part: 1.0 / 10.0 };
/// Cycles of the next coarser level between nested meshes (a V-cycle).
pub(crate) const NESTED_CYCLES: usize = 1;
/// Cycles of the corners in one of the coarsest mesh.
pub(crate) const CORNER_CYCLES: usize = 2;
/// Largest number of unknowns of a level that is solved directly.
pub(crate) const DIRECT: u64 = 400;
/// Largest ratio of coarse to fine unknowns; beyond it coarsening has stalled and ends.
pub(crate) const STALLED: f64 = 0.7;

/// Returns the cycles of the next coarser level in one of a level this many below the corners.
pub(crate) fn aggregate_cycles(below: usize) -> usize {
    if below < W_CYCLES { 2 } else { 1 }
}
