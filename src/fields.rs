//! Velocity, speed and pressure from the potential.

use rayon::prelude::*;

use crate::la::Vector;
use crate::mesh::LocalMesh;
use crate::parallel::Comm;
use crate::quad8;

/// Constants of the pressure.
#[derive(Debug, Clone, Copy)]
pub struct Fluid {
    /// Stagnation pressure (Pa).
    pub p0: f64,
    /// Density (kg/m^3).
    pub density: f64,
}

/// Derived values of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ElementFields {
    /// Mean of v = -grad u over the 2x2 Gauss points (m/s).
    pub velocity: [f64; 2],
    /// Mean of |v| over the same points (m/s).
    pub speed: f64,
    /// p0 - density/2 speed^2 (Pa).
    pub pressure: f64,
}

/// Derived fields of this rank's own elements; the ghosts of `u` must be up to date.
pub fn element_fields(mesh: &LocalMesh, u: &Vector, fluid: Fluid) -> Vec<ElementFields> {
    let u = u.local();
    (0..mesh.own_elements)
        .into_par_iter()
        .with_min_len(512)
        .map(|e| {
            let coordinates = mesh.element_coordinates(e);
            let values = mesh.elements[e].map(|n| u[n as usize]);
            let (mut velocity, mut speed) = ([0.0; 2], 0.0);
            for [xi, eta] in quad8::points_2x2() {
                let gradients = quad8::gradients(&coordinates, xi, eta).gradients;
                let mut v = [0.0; 2];
                for (g, value) in gradients.iter().zip(values) {
                    v[0] -= g[0] * value;
                    v[1] -= g[1] * value;
                }
                velocity[0] += 0.25 * v[0];
                velocity[1] += 0.25 * v[1];
                speed += 0.25 * v[0].hypot(v[1]);
            }
            ElementFields { velocity, speed, pressure: fluid.p0 - 0.5 * fluid.density * speed * speed }
        })
        .collect()
}

/// Range, mean and standard deviation of the values that all ranks own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Smallest and largest value.
    pub range: [f64; 2],
    /// Mean.
    pub mean: f64,
    /// Standard deviation (of the population).
    pub std: f64,
}

/// Statistics over all ranks. **Collective.**
pub fn statistics(comm: &Comm, values: &[f64]) -> Statistics {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let count = comm.sum(values.len() as u64) as f64;
    let mean = comm.sum(values.iter().sum::<f64>()) / count;
    let variance = comm.sum(values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()) / count;
    Statistics { range: [comm.min(low), comm.max(high)], mean, std: variance.sqrt() }
}
