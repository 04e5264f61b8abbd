//! Bounding box of a mesh.

use crate::parallel::Comm;

/// Returns the smallest and the largest x and y (m) of the points of all ranks; NaN is ignored.
/// **Collective.**
pub fn extent(comm: &Comm, points: &[[f64; 2]]) -> [[f64; 2]; 2] {
    [0, 1].map(|axis| {
        let values = || points.iter().map(|point| point[axis]);
        [comm.min(values().fold(f64::INFINITY, f64::min)), comm.max(values().fold(f64::NEG_INFINITY, f64::max))]
    })
}
