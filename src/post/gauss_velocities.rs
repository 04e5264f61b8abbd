//! Velocity at the Gauss points of the elements.

use crate::mesh::LocalMesh;
use crate::parallel::{LocalIndex, loops, work};
use crate::quad8;
use crate::quad8::{Batch, LANES, Lane};

/// Velocity v = -grad u at the 2x2 Gauss points of one element.
#[derive(Debug, Clone, Copy, Default)]
pub struct GaussVelocities {
    /// Coordinates (m) of the points.
    pub points: [[f64; 2]; 4],
    /// Velocities (m/s) at the points.
    pub velocities: [[f64; 2]; 4],
}

impl GaussVelocities {
    /// Returns the mean of the velocities (m/s).
    pub(crate) fn mean(&self) -> [f64; 2] {
        [0, 1].map(|axis| self.velocities.iter().fold(0.0, |sum, v| sum + 0.25 * v[axis]))
    }
}

/// Computes the velocities in all local elements from `u` at the local nodes.
pub fn gauss_velocities(mesh: &LocalMesh, u: &[f64]) -> Vec<GaussVelocities> {
    in_batches(mesh.elements.len(), |batch, out| {
        let found = quad8::gradients_2x2(&coordinates(mesh, batch), &nodal(&mesh.elements, batch, |node| u[node]));
        for l in 0..batch.len {
            let at = |values: &[Lane; 2], sign: f64| [sign * values[0][l], sign * values[1][l]];
            out[l] = GaussVelocities {
                points: found.map(|f| at(&f.point, 1.0)),
                velocities: found.map(|f| at(&f.gradient, -1.0)),
            };
        }
    })
}

/// Up to [`LANES`] consecutive elements.
#[derive(Clone, Copy)]
pub struct Lanes {
    first: usize,
    len: usize,
}

impl Lanes {
    /// Returns the elements.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.len
    }
}

/// Smallest number of batches of a task.
const BATCHES: usize = 64;

/// Computes a value for each of `0..elements`: `fill` fills in those of one batch at a time.
pub fn in_batches<T: Copy + Default + Send>(elements: usize, fill: impl Fn(Lanes, &mut [T]) + Sync) -> Vec<T> {
    let of_batch = |batch: usize| {
        let first = batch * LANES;
        let mut values = [T::default(); LANES];
        let len = LANES.min(elements - first);
        fill(Lanes { first, len }, &mut values[..len]);
        work::item(batch, LANES);
        values
    };
    let mut values = loops::collect(elements.div_ceil(LANES), BATCHES, of_batch).into_flattened();
    values.truncate(elements);
    values
}

/// Gathers the coordinates of a batch.
pub fn coordinates(mesh: &LocalMesh, lanes: Lanes) -> Batch {
    Batch::gather(lanes.range().map(|e| mesh.element_coordinates(e)))
}

/// Gathers the nodal values of a batch of these elements; lanes without an element repeat the first
/// one.
pub fn nodal(elements: &[[LocalIndex; 8]], lanes: Lanes, value: impl Fn(usize) -> f64) -> [Lane; 8] {
    let mut values = [[0.0; LANES]; 8];
    for l in 0..LANES {
        let element = lanes.first + if l < lanes.len { l } else { 0 };
        for (a, &node) in elements[element].iter().enumerate() {
            values[a][l] = value(node as usize);
        }
    }
    values
}
