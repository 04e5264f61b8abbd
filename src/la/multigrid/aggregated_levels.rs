//! Levels of the corners and of aggregates, below the meshes.

use crate::la::matrix::DistributedCsr;
use crate::la::multigrid::galerkin::galerkin;
use crate::la::multigrid::level::{Level, LevelOperator};
use crate::la::multigrid::parameters::{DIRECT, STALLED, STALLED_DIRECT, smoothing};
use crate::la::multigrid::process_agglomeration::Agglomeration;
use crate::la::multigrid::smoothed_aggregation::smoothed_aggregation;
use crate::la::multigrid::transfer::{MatrixTransfer, Prolongation};
use crate::la::{LinearOperator, Scalar};
use crate::parallel::Comm;

/// Threshold of the strength of connection on the finest aggregated level; halved on each coarser
/// level.
const THETA: f64 = 0.04;

/// Returns whether the level of a matrix is too large to be solved directly.
pub fn is_large(matrix: &DistributedCsr) -> bool {
    matrix.halo().map().total() > DIRECT
}

/// Builds the levels of `matrix` and of its aggregates, from the operator of `matrix` with the
/// bound of its eigenvalues, if it is not the coarsest one. Returns them with the matrix of the
/// coarsest level. **Collective.**
pub fn aggregated_levels<T: Scalar>(
    comm: &Comm,
    mut matrix: DistributedCsr,
    mut next: Option<(LevelOperator<T>, f64)>,
) -> (Vec<Level<T>>, DistributedCsr) {
    let mut levels: Vec<Level<T>> = Vec::new();
    let mut theta = THETA;
    while let Some((operator, bound)) = next {
        let mut prolongation = smoothed_aggregation(&matrix, bound, theta);
        let (now, coarse) = (matrix.halo().map().total(), prolongation.columns.map().total());
        // Where all unknowns are fixed, no aggregates exist: the next level is empty.
        if coarse as f64 > STALLED * now as f64 {
            if now <= STALLED_DIRECT {
                break;
            }
            prolongation = Prolongation::empty(&matrix);
        }
        matrix = galerkin(&matrix, &prolongation);
        let transfer = Box::new(MatrixTransfer::new(&prolongation));
        levels.push(Level::new(operator.smoothed(smoothing(levels.len(), 0), bound), transfer));
        theta *= 0.5;
        next = is_large(&matrix).then(|| bounded(comm, LevelOperator::of_matrix::<T>(&matrix)));
    }
    (levels, matrix)
}

/// Returns the operator of an assembled level with the bound of the eigenvalues for its smoother.
/// Where rank 0 owns the whole level, that needs no sums. **Collective.**
pub fn bounded<T: Scalar>(comm: &Comm, operator: LevelOperator<T>) -> (LevelOperator<T>, f64) {
    let bound =
        |sum: &dyn Fn(&[f64]) -> Vec<f64>| LevelOperator::eigenvalue_bounds(std::slice::from_ref(&operator), 0, sum)[0];
    let total = operator.operator.halo().map().total();
    let bound = if Agglomeration::new(total, comm.size()).is_on_one_rank() {
        comm.broadcast(0, bound(&|own| own.to_vec()))
    } else {
        bound(&|parts| comm.sum_all(parts))
    };
    (operator, bound)
}
