//! Range of the conductivity.

use crate::error::Result;
use crate::fem::coefficients::{constant_conductivity, for_all, unweighted_conductivities};
use crate::mesh::LocalMesh;
use crate::parallel::Comm;
use crate::problem::Problem;
use crate::quad8::{Batch, LANES};

/// Returns the smallest and the largest k at the Gauss points of all elements, of a tensor its
/// eigenvalues. **Collective.**
///
/// # Errors
/// If a value is not finite and positive (definite); the same on every rank.
pub fn conductivity_range(comm: &Comm, mesh: &LocalMesh, problem: &Problem) -> Result<[f64; 2]> {
    if problem.is_isotropic() {
        range_of(comm, mesh, problem, |[k]| [k; 2])
    } else {
        range_of(comm, mesh, problem, eigenvalues)
    }
}

/// Returns the smaller and the larger eigenvalue of a symmetric tensor.
fn eigenvalues([xx, xy, yy]: [f64; 3]) -> [f64; 2] {
    let (mean, radius) = (0.5 * (xx + yy), (0.5 * (xx - yy)).hypot(xy));
    // The product of both is the determinant: the difference would cancel.
    let largest = mean + radius;
    [(xx * yy - xy * xy) / largest, largest]
}

/// Returns the smallest and the largest of the values that `ends` takes of k. **Collective.**
fn range_of<const N: usize>(
    comm: &Comm,
    mesh: &LocalMesh,
    problem: &Problem,
    ends: fn([f64; N]) -> [f64; 2],
) -> Result<[f64; 2]> {
    let constant = |element: usize| constant_conductivity(problem, mesh, element).map(ends);
    let batch = |b: usize, range: &mut [f64; 2]| {
        let elements = b * LANES..mesh.elements.len().min((b + 1) * LANES);
        if let Some(found) = elements.clone().try_fold(NOTHING, |range, e| Some(widened(range, constant(e)?))) {
            *range = found;
            return Ok(());
        }
        let count = elements.len();
        let batch = Batch::gather(elements.clone().map(|e| mesh.element_coordinates(e)));
        let k = unweighted_conductivities::<N>(problem, mesh, elements, &batch)?;
        let values = k.iter().flat_map(|k| (0..count).map(|lane| std::array::from_fn(|i| k[i][lane])));
        *range = values.map(ends).fold(NOTHING, widened);
        Ok(())
    };
    let ranges = for_all(mesh.elements.len().div_ceil(LANES), NOTHING, batch);
    let [least, largest] = comm.agree(ranges)?.into_iter().fold(NOTHING, widened);
    Ok([comm.min(least), comm.max(largest)])
}

/// Range without values.
const NOTHING: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

fn widened(range: [f64; 2], other: [f64; 2]) -> [f64; 2] {
    [range[0].min(other[0]), range[1].max(other[1])]
}
