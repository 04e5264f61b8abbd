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

impl Fluid {
    /// Pressure (Pa) at a speed (m/s), by Bernoulli's equation.
    fn pressure(self, speed: f64) -> f64 {
        self.p0 - 0.5 * self.density * speed * speed
    }
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
            let (mut velocity, mut speed) = ([0.0; 2], 0.0);
            for v in gauss_velocities(mesh, u, e) {
                velocity[0] += 0.25 * v[0];
                velocity[1] += 0.25 * v[1];
                speed += 0.25 * v[0].hypot(v[1]);
            }
            ElementFields { velocity, speed, pressure: fluid.pressure(speed) }
        })
        .collect()
}

/// Derived values at one node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeFields {
    /// v = -grad u (m/s), recovered.
    pub velocity: [f64; 2],
    /// |v| (m/s).
    pub speed: f64,
    /// p0 - density/2 speed^2 (Pa).
    pub pressure: f64,
}

/// Derived fields of this rank's own nodes; the ghosts of `u` must be up to
/// date. The velocities at the 2x2 Gauss points of an element are extrapolated
/// to its nodes, and a node takes the mean over the elements around it
/// (E. Hinton, J. S. Campbell, *Local and global smoothing of discontinuous
/// finite element functions using a least squares method*, Int. J. Numer.
/// Methods Eng. 8 (1974)).
pub fn node_fields(mesh: &LocalMesh, u: &Vector, fluid: Fluid) -> Vec<NodeFields> {
    let weights = quad8::NODES.map(extrapolation);
    let u = u.local();
    let extrapolated: Vec<[[f64; 2]; 8]> = (0..mesh.elements.len())
        .into_par_iter()
        .with_min_len(512)
        .map(|e| {
            let at_points = gauss_velocities(mesh, u, e);
            weights.map(|w| [0, 1].map(|axis| (0..4).map(|q| w[q] * at_points[q][axis]).sum()))
        })
        .collect();
    let mut sums = vec![([0.0; 2], 0.0); mesh.owned_nodes];
    for (nodes, velocities) in mesh.elements.iter().zip(extrapolated) {
        for (&node, v) in nodes.iter().zip(velocities) {
            if let Some((sum, count)) = sums.get_mut(node as usize) {
                sum[0] += v[0];
                sum[1] += v[1];
                *count += 1.0;
            }
        }
    }
    sums.into_iter()
        .map(|(sum, count)| {
            let velocity = sum.map(|s| s / count);
            let speed = velocity[0].hypot(velocity[1]);
            NodeFields { velocity, speed, pressure: fluid.pressure(speed) }
        })
        .collect()
}

/// What each of the four Gauss points counts for at a point of the reference
/// square, bilinearly.
fn extrapolation([xi, eta]: [f64; 2]) -> [f64; 4] {
    quad8::points_2x2().map(|[s, t]| 0.25 * (1.0 + 3.0 * s * xi) * (1.0 + 3.0 * t * eta))
}

/// v = -grad u (m/s) at the four Gauss points of an element.
fn gauss_velocities(mesh: &LocalMesh, u: &[f64], element: usize) -> [[f64; 2]; 4] {
    let coordinates = mesh.element_coordinates(element);
    let values = mesh.elements[element].map(|n| u[n as usize]);
    quad8::points_2x2().map(|[xi, eta]| {
        let gradients = quad8::gradients(&coordinates, xi, eta).gradients;
        let mut v = [0.0; 2];
        for (g, value) in gradients.iter().zip(values) {
            v[0] -= g[0] * value;
            v[1] -= g[1] * value;
        }
        v
    })
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
