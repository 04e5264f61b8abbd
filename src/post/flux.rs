//! Flux density, for problems in which it differs from the velocity.

use rayon::prelude::*;

use crate::fem::conductivity_at;
use crate::mesh::LocalMesh;
use crate::parallel::{Halo, loops};
use crate::post::{GaussVelocities, InterfaceNodes, recover};
use crate::problem::Problem;
use crate::quad8;
use crate::quad8::SHAPES_2X2;

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
    pub(crate) fn new(halo: &Halo, sides: &InterfaceNodes, problem: &Problem, mut gauss: Vec<GaussVelocities>) -> Self {
        let mesh = sides.mesh;
        if problem.is_isotropic() {
            multiply::<1>(mesh, problem, &mut gauss);
        } else {
            multiply::<3>(mesh, problem, &mut gauss);
        }
        Self {
            elements: loops::collect(mesh.own_elements, 512, |e| gauss[e].mean()),
            nodes: recover(halo, sides, &gauss).into_nodes(),
        }
    }
}

/// Multiplies the velocities by k, a number (`N` = 1) or a tensor (`N` = 3).
fn multiply<const N: usize>(mesh: &LocalMesh, problem: &Problem, gauss: &mut [GaussVelocities]) {
    gauss.par_iter_mut().enumerate().with_min_len(512).for_each(|(element, at)| {
        let axis = |of: &[[f64; 2]; 4], axis: usize| of.map(|vector| vector[axis]);
        let [x, y] = [0, 1].map(|i| axis(&at.points, i));
        let k = conductivity_at::<N, 4>(problem, mesh, element, [&x, &y], &SHAPES_2X2);
        let [x, y] = quad8::multiply(&k, &axis(&at.velocities, 0), &axis(&at.velocities, 1));
        at.velocities = std::array::from_fn(|q| [x[q], y[q]]);
    });
}
