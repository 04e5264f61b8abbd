//! Superconvergent patch recovery: velocities at the nodes that are more
//! accurate than those of the elements.
//!
//! Around every corner node a quadratic polynomial is fitted to the velocities
//! at the Gauss points of the elements there. It gives the value at the node
//! itself; a node in the middle of an edge takes the mean of the polynomials
//! of the edge's ends. Where a patch is too small, at the boundary, the
//! polynomials of the complete patches in the elements around serve instead
//! (O. C. Zienkiewicz, J. Z. Zhu, *The superconvergent patch recovery and a
//! posteriori error estimates*, Int. J. Numer. Methods Eng. 33 (1992)).

use rayon::prelude::*;

use super::gauss::GaussVelocities;
use super::patch::Patch;
use crate::mesh::{Adjacency, LocalMesh};
use crate::parallel::{Halo, Local};
use crate::quad8::EDGES;

/// Fewest elements of a complete patch.
const COMPLETE: usize = 3;

/// Recovered v = -grad u (m/s) at all local nodes, from the velocities of all
/// local elements. **Collective.**
pub fn recover(halo: &Halo, mesh: &LocalMesh, gauss: &[GaussVelocities]) -> Vec<[f64; 2]> {
    let around = Adjacency::new(&mesh.elements, mesh.owned_nodes);
    let patches = Patches::new(halo, mesh, &around, gauss);
    let mut values: Vec<[f64; 2]> = (0..mesh.owned_nodes)
        .into_par_iter()
        .with_min_len(512)
        .map(|node| patches.value(mesh, &around, node))
        .collect();
    let ghosts = halo.forward_lists(|node| values[node].to_vec());
    values.extend(ghosts.iter().map(|v| [v[0], v[1]]));
    values
}

/// The polynomials of all corner nodes.
struct Patches {
    /// Place in `list` of each local node; [`NONE`] in the middle of an edge.
    places: Vec<u32>,
    list: Vec<Patch>,
}

const NONE: u32 = u32::MAX;

impl Patches {
    /// Fits those of the owned nodes and fetches those of the others. **Collective.**
    fn new(halo: &Halo, mesh: &LocalMesh, around: &Adjacency<8>, gauss: &[GaussVelocities]) -> Self {
        let is_corner = |node: &usize| around.around(*node).next().is_some_and(|(_, place)| place < 4);
        let corners: Vec<usize> = (0..mesh.owned_nodes).filter(is_corner).collect();
        let fit = |&node: &usize| {
            let [x, y] = mesh.coordinates[node];
            let elements = around.around(node);
            let count = elements.len();
            let mut samples = Vec::with_capacity(4 * count);
            for (element, _) in elements {
                let at = &gauss[element];
                let from_node = at.points.map(|p| [p[0] - x, p[1] - y]);
                samples.extend(from_node.into_iter().zip(at.velocities));
            }
            let patch = Patch::fit(&samples);
            Patch { is_complete: patch.is_complete && count >= COMPLETE, ..patch }
        };
        let mut list: Vec<Patch> = corners.par_iter().with_min_len(256).map(fit).collect();
        let mut places = vec![NONE; mesh.coordinates.len()];
        for (&node, place) in corners.iter().zip(0..) {
            places[node] = place;
        }
        let ghosts = halo.forward_lists(|node| list.get(places[node] as usize).map_or(Vec::new(), pack));
        for (numbers, node) in ghosts.iter().zip(mesh.owned_nodes..).filter(|(numbers, _)| !numbers.is_empty()) {
            places[node] = list.len() as u32;
            list.push(unpack(numbers));
        }
        Self { places, list }
    }

    /// The velocity at an owned node.
    fn value(&self, mesh: &LocalMesh, around: &Adjacency<8>, node: usize) -> [f64; 2] {
        let mut ends = [node as Local; 2];
        if let Some((element, place)) = around.around(node).next()
            && place >= 4
        {
            let [a, _, b] = EDGES[place - 4];
            ends = [a, b].map(|i| mesh.elements[element][i]);
        }
        let at = mesh.coordinates[node];
        let is_complete = |corner: &Local| self.patch(*corner).is_complete;
        let own = ends.into_iter().filter(is_complete);
        let corners = || around.around(node).flat_map(|(element, _)| mesh.elements[element][..4].iter().copied());
        self.mean(mesh, at, own)
            .or_else(|| self.mean(mesh, at, corners().filter(is_complete)))
            .or_else(|| self.mean(mesh, at, ends.into_iter()))
            .unwrap_or([f64::NAN; 2])
    }

    /// The mean of the polynomials of these corners.
    fn mean(&self, mesh: &LocalMesh, [x, y]: [f64; 2], corners: impl Iterator<Item = Local>) -> Option<[f64; 2]> {
        let (mut sum, mut count) = ([0.0; 2], 0.0);
        for corner in corners {
            let centre = mesh.coordinates[corner as usize];
            let value = self.patch(corner).at([x - centre[0], y - centre[1]]);
            sum = [sum[0] + value[0], sum[1] + value[1]];
            count += 1.0;
        }
        (count > 0.0).then(|| sum.map(|s| s / count))
    }

    fn patch(&self, corner: Local) -> &Patch {
        &self.list[self.places[corner as usize] as usize]
    }
}

fn pack(patch: &Patch) -> Vec<f64> {
    let mut numbers = patch.coefficients.concat();
    numbers.push(f64::from(u8::from(patch.is_complete)));
    numbers
}

fn unpack(numbers: &[f64]) -> Patch {
    let coefficients = std::array::from_fn(|i| [numbers[2 * i], numbers[2 * i + 1]]);
    Patch { coefficients, is_complete: numbers[12] > 0.5 }
}
