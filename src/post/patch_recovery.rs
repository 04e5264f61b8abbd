//! Superconvergent patch recovery of nodal velocities.
//!
//! A quadratic polynomial is fitted to the velocities at the Gauss points of the elements around
//! each corner node. It gives the velocity at the corner; a midside node takes the mean of the
//! polynomials of the two ends of its edge. Where a patch at the boundary is too small, the
//! polynomials of the complete patches in the surrounding elements are used instead (O. C.
//! Zienkiewicz, J. Z. Zhu, *The superconvergent patch recovery and a posteriori error estimates*,
//! Int. J. Numer. Methods Eng. 33 (1992)).
//!
//! The velocity jumps at an interface between regions of different k. As the authors recommend,
//! each region has its own patches, which end at the interface as at a boundary.

use rayon::prelude::*;

use crate::parallel::{Halo, LocalIndex, loops, work};
use crate::post::GaussVelocities;
use crate::post::interface_nodes::InterfaceNodes;
use crate::post::patch::{Patch, Samples};
use crate::quad8::{EDGES, LANES};

/// Smallest number of elements of a complete patch.
const COMPLETE: usize = 3;

/// Recovered v = -grad u (m/s) at all local nodes, on each side of an interface.
pub struct Recovered<'a> {
    sides: &'a InterfaceNodes<'a>,
    values: Vec<[f64; 2]>,
    /// Nodes with several sides, with their mean velocity.
    means: Vec<(LocalIndex, [f64; 2])>,
}

impl Recovered<'_> {
    /// Returns the sides of the nodes of each local element, as indices into
    /// [`values`](Self::values).
    pub fn sides(&self) -> &[[LocalIndex; 8]] {
        &self.sides.elements
    }

    /// Returns the velocity (m/s) on each side.
    pub fn values(&self) -> &[[f64; 2]] {
        &self.values
    }

    /// Returns one velocity (m/s) for each local node: at an interface the mean of the sides,
    /// weighted by their numbers of elements around the node.
    pub fn into_nodes(self) -> Vec<[f64; 2]> {
        let mut nodes = self.values;
        nodes.truncate(nodes.len() - self.sides.further());
        for (node, mean) in self.means {
            nodes[node as usize] = mean;
        }
        nodes
    }
}

/// Recovers nodal velocities from those at the Gauss points of all local elements. **Collective.**
pub fn recover<'a>(halo: &Halo, sides: &'a InterfaceNodes<'a>, gauss: &[GaussVelocities]) -> Recovered<'a> {
    let mesh = sides.mesh;
    let patches = Patches::new(halo, sides, gauss);
    let owned = |side: usize| sides.node(side) < mesh.owned_nodes;
    let value = |side: usize| if owned(side) { patches.value(side) } else { [f64::NAN; 2] };
    let mut values: Vec<[f64; 2]> = loops::collect(sides.count(), 512, value);

    // Each side is sent as the number of its conductivity, its number of elements, and its
    // velocity.
    let packed = |node: usize| -> Vec<[f64; 4]> {
        let pack = |side: usize| {
            let [x, y] = values[side];
            [f64::from(sides.conductivity(side)), sides.around(side).len() as f64, x, y]
        };
        sides.of(node).map(pack).collect()
    };
    let split = sides.split_nodes().filter(|&node| (node as usize) < mesh.owned_nodes);
    let mut means: Vec<(LocalIndex, [f64; 2])> = split.map(|node| (node, mean(&packed(node as usize)))).collect();
    let ghosts = halo.scatter_fwd_lists(|node| packed(node).concat());
    for (numbers, node) in ghosts.iter().zip(mesh.owned_nodes as LocalIndex..) {
        let (of_sides, _) = numbers.as_chunks();
        for &[conductivity, _, x, y] in of_sides {
            if let Some(side) = sides.find(node, conductivity as u16) {
                values[side as usize] = [x, y];
            }
        }
        if of_sides.len() > 1 {
            means.push((node, mean(of_sides)));
        }
    }
    Recovered { sides, values, means }
}

/// Computes the mean velocity of the sides of a node, weighted by their numbers of elements.
fn mean(sides: &[[f64; 4]]) -> [f64; 2] {
    let sum = sides.iter().fold([0.0; 3], |sum, &[_, n, x, y]| [sum[0] + n, sum[1] + n * x, sum[2] + n * y]);
    [sum[1] / sum[0], sum[2] / sum[0]]
}

/// Polynomials on all sides of the corner nodes.
struct Patches<'a> {
    sides: &'a InterfaceNodes<'a>,
    /// Index in `list` of each side; [`NONE`] at midside nodes.
    index: Vec<u32>,
    list: Vec<Patch>,
}

const NONE: u32 = u32::MAX;

impl<'a> Patches<'a> {
    /// Fits the polynomials of the owned nodes and receives those of the ghosts. **Collective.**
    fn new(halo: &Halo, sides: &'a InterfaceNodes<'a>, gauss: &[GaussVelocities]) -> Self {
        let mesh = sides.mesh;
        let is_corner = |side: &usize| sides.around(*side).next().is_some_and(|(_, a)| a < 4);
        let owned = |side: &usize| sides.node(*side) < mesh.owned_nodes;
        let corners = (0..sides.count()).into_par_iter().with_min_len(loops::CHUNK).filter(is_corner);
        let all = corners.clone().count();
        let corners: Vec<usize> = corners.filter(owned).collect();
        let fit = |samples: &mut Samples, (i, corners): (usize, &[usize])| {
            work::item(i, LANES);
            let counts = || corners.iter().map(|&side| sides.around(side).len());
            samples.reset(counts().max().unwrap_or(0));
            for (lane, &side) in corners.iter().enumerate() {
                let centre = mesh.coordinates[sides.node(side)];
                for (i, (element, _)) in sides.around(side).enumerate() {
                    samples.add(lane, i, centre, &gauss[element]);
                }
            }
            let mut patches = samples.fit();
            patches.iter_mut().zip(counts()).for_each(|(patch, count)| patch.is_complete &= count >= COMPLETE);
            patches
        };
        // The list has room for the patches of other ranks: growing it would hold three copies at
        // once.
        let mut list = Vec::with_capacity(all.div_ceil(LANES));
        let batches = corners.par_chunks(LANES).enumerate().with_min_len(32);
        batches.map_init(Samples::default, fit).collect_into_vec(&mut list);
        let mut list = list.into_flattened();
        list.truncate(corners.len());
        let mut index = loops::filled(sides.count(), NONE);
        for (&side, i) in corners.iter().zip(0..) {
            index[side] = i;
        }
        let pack = |side: usize| {
            let patch = list.get(index[side] as usize);
            patch.map_or(Vec::new(), |patch| pack(sides.conductivity(side), patch).to_vec())
        };
        let ghosts = halo.scatter_fwd_lists(|node| sides.of(node).flat_map(pack).collect());
        for (numbers, node) in ghosts.iter().zip(mesh.owned_nodes as LocalIndex..) {
            for (conductivity, patch) in numbers.as_chunks().0.iter().map(unpack) {
                if let Some(side) = sides.find(node, conductivity) {
                    index[side as usize] = list.len() as u32;
                    list.push(patch);
                }
            }
        }
        Self { sides, index, list }
    }

    /// Computes the velocity on a side of an owned node.
    fn value(&self, side: usize) -> [f64; 2] {
        let elements = &self.sides.elements;
        let mut ends = [side as LocalIndex; 2];
        if let Some((element, local)) = self.sides.around(side).next()
            && local >= 4
        {
            let [a, _, b] = EDGES[local - 4];
            ends = [a, b].map(|i| elements[element][i]);
        }
        let at = self.position(side);
        let is_complete = |corner: &LocalIndex| self.patch(*corner).is_complete;
        let own = ends.into_iter().filter(is_complete);
        let corners = || self.sides.around(side).flat_map(|(element, _)| elements[element][..4].iter().copied());
        self.mean(at, own)
            .or_else(|| self.mean(at, corners().filter(is_complete)))
            .or_else(|| self.mean(at, ends.into_iter()))
            .unwrap_or([f64::NAN; 2])
    }

    /// Computes the mean of the polynomials of these corners; none without corners.
    fn mean(&self, [x, y]: [f64; 2], corners: impl Iterator<Item = LocalIndex>) -> Option<[f64; 2]> {
        let (mut sum, mut count) = ([0.0; 2], 0.0);
        for corner in corners {
            let centre = self.position(corner as usize);
            let value = self.patch(corner).at([x - centre[0], y - centre[1]]);
            sum = [sum[0] + value[0], sum[1] + value[1]];
            count += 1.0;
        }
        (count > 0.0).then(|| sum.map(|s| s / count))
    }

    /// Returns the position (m) of a side.
    fn position(&self, side: usize) -> [f64; 2] {
        self.sides.mesh.coordinates[self.sides.node(side)]
    }

    /// Returns the polynomial of a corner.
    fn patch(&self, corner: LocalIndex) -> &Patch {
        &self.list[self.index[corner as usize] as usize]
    }
}

/// Packs a polynomial and the number of its conductivity for sending.
fn pack(conductivity: u16, patch: &Patch) -> [f64; 14] {
    let mut numbers = [0.0; 14];
    numbers[..12].copy_from_slice(patch.coefficients.as_flattened());
    numbers[12] = f64::from(u8::from(patch.is_complete));
    numbers[13] = f64::from(conductivity);
    numbers
}

/// Unpacks a polynomial that was received.
fn unpack(numbers: &[f64; 14]) -> (u16, Patch) {
    let coefficients = std::array::from_fn(|i| [numbers[2 * i], numbers[2 * i + 1]]);
    (numbers[13] as u16, Patch { coefficients, is_complete: numbers[12] > 0.5 })
}
