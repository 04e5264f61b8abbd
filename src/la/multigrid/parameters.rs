//! Parameters of the hierarchy: smoothing, cycles, and the end of coarsening.

use crate::la::multigrid::chebyshev::Smoothing;

/// Smoothing on levels above the corners and above aggregates.
const SMOOTHING: Smoothing = Smoothing { degree: 2, part: 1.0 / 8.0 };
/// Smoothing between nested meshes, where more smoothing with a V-cycle is faster than a W-cycle.
const NESTED_SMOOTHING: Smoothing = Smoothing { degree: 3, part: 1.0 / 12.0 };
/// Cycles of the corners in one of the only mesh, of the first aggregates in one of the corners,
/// and so on; one on coarser levels. With one (a V-cycle) on all levels the iterations grow. With
/// two (a W-cycle) on all, the visits of the coarsest levels, which few ranks have, double from
/// level to level.
const CYCLES: [usize; 3] = [2, 2, 2];
/// The same below nested meshes, where the corners have few of the unknowns.
const CYCLES_BELOW_NESTED: [usize; 3] = [3, 2, 1];
/// Cycles on the next coarser mesh for the initial guess, on the second one, where they cost a
/// sixteenth of a cycle of the finest mesh each, and so on; one on coarser ones.
const START_CYCLES: [usize; 2] = [1, 2];
/// Largest number of unknowns of a level that is solved directly.
pub(crate) const DIRECT: u64 = 400;
/// Largest ratio of coarse to fine unknowns; beyond it coarsening has stalled and ends.
pub(crate) const STALLED: f64 = 0.7;
/// Largest number of unknowns of a level that is solved directly where coarsening has stalled: the
/// factorisation takes about a second. A larger level is smoothed only.
pub(crate) const STALLED_DIRECT: u64 = 2000;

/// Returns the smoothing of a level, where the finest `meshes` levels are meshes.
pub(crate) fn smoothing(at: usize, meshes: usize) -> Smoothing {
    if at + 1 < meshes { NESTED_SMOOTHING } else { SMOOTHING }
}

/// Returns the cycles of the next coarser level in one of a level, where the finest `meshes` levels
/// are meshes and that next level is not the coarsest, which is solved exactly.
pub(crate) fn cycles(at: usize, meshes: usize) -> usize {
    let all = if meshes > 1 { CYCLES_BELOW_NESTED } else { CYCLES };
    (at + 1).checked_sub(meshes).and_then(|below| all.get(below)).copied().unwrap_or(1)
}

/// Returns the cycles on a coarser nested mesh for the initial guess.
pub(super) fn start_cycles(at: usize) -> usize {
    START_CYCLES.get(at - 1).copied().unwrap_or(1)
}
