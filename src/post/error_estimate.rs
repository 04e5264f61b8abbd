//! A posteriori error estimate by gradient recovery.

use rayon::prelude::*;

use crate::fem::{conductivities, constant_conductivity};
use crate::mesh::LocalMesh;
use crate::parallel::Comm;
use crate::parallel::loops::CHUNK;
use crate::post::Recovered;
use crate::post::gauss_velocities::{Lanes, coordinates, in_batches, nodal};
use crate::problem::Problem;
use crate::quad8;
use crate::quad8::{LANES, Lane};

/// Estimate of the error in the energy norm, (integral of grad e . k grad e over the domain)^1/2.
#[derive(Debug, Clone)]
pub struct ErrorEstimate {
    /// Estimate of each own element.
    pub elements: Vec<f64>,
    /// Estimate of the whole solution.
    pub total: f64,
    /// `total` relative to the estimated energy norm of the exact solution.
    pub relative: f64,
}

/// Estimates the error as the distance between the velocity of the elements and the recovered
/// velocity, on each side of an interface separately (O. C. Zienkiewicz, J. Z. Zhu, *A simple error
/// estimator and adaptive procedure for practical engineering analysis*, Int. J. Numer. Methods
/// Eng. 24 (1987)). **Collective.**
pub fn estimate_error(
    comm: &Comm,
    mesh: &LocalMesh,
    u: &[f64],
    recovered: &Recovered,
    problem: &Problem,
) -> ErrorEstimate {
    let squares = if problem.is_isotropic() {
        squares::<1>(mesh, u, recovered, problem)
    } else {
        squares::<3>(mesh, u, recovered, problem)
    };
    let sum = squares.iter().fold([0.0; 2], |sum, s| [sum[0] + s[0], sum[1] + s[1]]);
    let [distance, energy] = [comm.sum(sum[0]), comm.sum(sum[1])];
    ErrorEstimate {
        elements: squares.par_iter().with_min_len(CHUNK).map(|s| s[0].sqrt()).collect(),
        total: distance.sqrt(),
        relative: if distance > 0.0 { (distance / (distance + energy)).sqrt() } else { 0.0 },
    }
}

/// Computes the squares of the error and of the energy norm of each own element.
fn squares<const N: usize>(mesh: &LocalMesh, u: &[f64], recovered: &Recovered, problem: &Problem) -> Vec<[f64; 2]> {
    in_batches(mesh.own_elements, |lanes, out| {
        let batch = coordinates(mesh, lanes);
        let g = [0, 1].map(|axis| nodal(recovered.sides(), lanes, |side| -recovered.values()[side][axis]));
        // Assembly has checked these values.
        let k = constants(mesh, problem, lanes)
            .filter(|_| problem.geometry.is_plane())
            .or_else(|| conductivities::<N>(problem, mesh, lanes.range(), &batch).ok())
            .unwrap_or([[[f64::NAN; LANES]; N]; 9]);
        let (distance, energy) =
            quad8::gradient_distance(&batch, &nodal(&mesh.elements, lanes, |node| u[node]), &g, &k);
        out.iter_mut().zip(distance.into_iter().zip(energy)).for_each(|(out, (d, e))| *out = [d, e]);
    })
}

/// Returns k at the nine Gauss points of each element of a batch where it is constant in each.
fn constants<const N: usize>(mesh: &LocalMesh, problem: &Problem, lanes: Lanes) -> Option<[[Lane; N]; 9]> {
    let mut values = [[1.0; LANES]; N];
    for (lane, element) in lanes.range().enumerate() {
        let k: [f64; N] = constant_conductivity(problem, mesh, element)?;
        values.iter_mut().zip(k).for_each(|(value, k)| value[lane] = k);
    }
    Some([values; 9])
}
