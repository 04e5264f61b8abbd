//! Flux density, for problems in which it differs from the velocity.

use rayon::prelude::*;

use crate::mesh::LocalMesh;
use crate::parallel::{Halo, loops};
use crate::post::{GaussVelocities, recover};
use crate::problem::Problem;

/// Flux density q = -k grad u.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flux {
    /// Mean over the 2x2 Gauss points of each own element.
    pub elements: Vec<[f64; 2]>,
    /// Recovered flux at the local nodes.
    pub nodes: Vec<[f64; 2]>,
}

impl Flux {
    /// Computes the flux from velocities at the Gauss points and recovers it at the nodes, on each
    /// side of a jump of k separately. **Collective.**
    pub(crate) fn new(halo: &Halo, mesh: &LocalMesh, problem: &Problem, mut gauss: Vec<GaussVelocities>) -> Self {
        gauss.par_iter_mut().zip(&mesh.regions).with_min_len(512).for_each(|(at, &region)| {
            let axis = |axis: usize| at.points.map(|point| point[axis]);
            let k = problem.material(region).conductivity.values(&axis(0), &axis(1));
            for (v, k) in at.velocities.iter_mut().zip(k) {
                *v = v.map(|component| k * component);
            }
        });
        Self {
            elements: loops::collect(mesh.own_elements, 512, |e| gauss[e].mean()),
            nodes: recover(halo, mesh, problem, &gauss).into_nodes(),
        }
    }
}
