//! Batches of eight elements, one in each lane of the vector registers.

use std::sync::Arc;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::fem::batch_order::{BatchPosition, ElementOrder, NodeList, WideNodes};
use crate::fem::element_batch::use_of_products::{DOT, SUBTRACT};
use crate::fem::fixed_point::StiffnessNumber;
use crate::la::{Pair, Scalar, Triplet, UNGROUPED};
use crate::parallel::LocalIndex;
use crate::quad8::{BatchStiffness, LANES, pair};
use crate::system::prefetch;

/// Batches of all local elements.
pub struct Batches<T> {
    /// Assignment of the elements to the batches, and their nodes.
    pub order: Arc<ElementOrder>,
    /// Interior batches.
    pub interior: Vec<BatchStiffness<T>>,
    /// Boundary batches.
    pub boundary: Vec<BatchStiffness<T>>,
}

/// One batch with its nodes.
pub struct Batch<'a, T> {
    /// Nodes; lanes without an element repeat the last one.
    pub nodes: WideNodes,
    /// Stiffness.
    pub stiffness: &'a BatchStiffness<T>,
}

impl<T> Batches<T> {
    /// Returns the batch and the lane of an element.
    pub fn find(&self, element: usize) -> (&BatchStiffness<T>, usize) {
        match self.order.position(element) {
            BatchPosition::Interior(i) => (&self.interior[i / LANES], i % LANES),
            BatchPosition::Boundary(i) => (&self.boundary[i / LANES], i % LANES),
        }
    }

    /// Returns the batch and the lane of an element for writing.
    pub fn find_mut(&mut self, element: usize) -> (&mut BatchStiffness<T>, usize) {
        match self.order.position(element) {
            BatchPosition::Interior(i) => (&mut self.interior[i / LANES], i % LANES),
            BatchPosition::Boundary(i) => (&mut self.boundary[i / LANES], i % LANES),
        }
    }
}

impl<T: Scalar> Batches<T> {
    /// Iterates over all batches in parallel, interior ones first.
    pub fn par_iter(&self) -> impl IndexedParallelIterator<Item = Batch<'_, T>> {
        fn list<'a, T: Scalar>(
            nodes: &'a [impl NodeList],
            stiffness: &'a [BatchStiffness<T>],
        ) -> impl IndexedParallelIterator<Item = Batch<'a, T>> {
            nodes.par_iter().zip(stiffness).map(|(nodes, stiffness)| Batch { nodes: nodes.nodes(), stiffness })
        }
        list(self.order.interior_nodes(), &self.interior).chain(list(self.order.boundary_nodes(), &self.boundary))
    }

    /// Converts the batches to another precision.
    pub fn to<U: Scalar>(&self) -> Batches<U> {
        let convert = |batches: &[BatchStiffness<T>]| {
            batches.par_iter().map(|batch| batch.map(|lane| lane.map(|k| U::of(k.double())))).collect()
        };
        Batches { order: Arc::clone(&self.order), interior: convert(&self.interior), boundary: convert(&self.boundary) }
    }
}

/// Iterates over the pairs of nodes of an element in the order of storage.
pub fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)))
}

impl<T: Scalar> Batch<'_, T> {
    /// Returns K_ab of the pairs of nodes in the same group, with the lower node first.
    pub fn triplets(&self, group: &[LocalIndex]) -> Vec<Triplet> {
        let group = |node: LocalIndex| group.get(node as usize).copied().filter(|&group| group != UNGROUPED);
        let value = |[i, j]: [LocalIndex; 2], stiffness: T| {
            group(i).is_some_and(|of_i| group(j) == Some(of_i)).then(|| stiffness.double())
        };
        let has_groups = self.nodes.as_flattened().iter().any(|&node| group(node).is_some());
        if has_groups { self.select(value) } else { Vec::new() }
    }

    /// Maps K_ab of each pair of nodes by `value` and returns the results, with the lower node
    /// first.
    fn select(&self, value: impl Fn([LocalIndex; 2], T) -> Option<f64>) -> Vec<Triplet> {
        let mut found = Vec::new();
        for ((a, b), stiffness) in pairs().zip(self.stiffness) {
            // Lanes without an element hold zeros.
            for l in (0..LANES).filter(|&l| stiffness[l] != T::default()) {
                let (i, j) = (self.nodes[a][l], self.nodes[b][l]);
                found.extend(value([i, j], stiffness[l]).map(|value| (i.min(j), i.max(j), value)));
            }
        }
        found
    }
}

/// Use of the products of batches.
pub mod use_of_products {
    /// They are added to the result.
    pub const ADD: u8 = 0;
    /// They are added to the result, and their sum with x is returned.
    pub const DOT: u8 = 1;
    /// They are subtracted from the result.
    pub const SUBTRACT: u8 = 2;
}

/// Adds the products of the batches with `x` to `y`, whose entry 0 belongs to node `first`, or
/// subtracts them. `units` holds the units of the elements where the numbers have any. Returns x.Ax
/// over the first `owned` nodes for the use DOT, else 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_products<T: Scalar, K: StiffnessNumber<T>, N: NodeList, const USE: u8>(
    nodes: &[N],
    stiffness: &[BatchStiffness<K>],
    units: &[[T; LANES]],
    (x, owned): (&[T], usize),
    first: usize,
    y: &mut [T],
) -> f64 {
    let mut sums = [0.0; LANES];
    for (batch, (nodes, now)) in nodes.iter().zip(stiffness).enumerate() {
        let u = nodes.gather(x);
        let mut f = [[T::default(); LANES]; 8];
        add_row::<T, K, 0>(now, &u, &mut f);
        add_row::<T, K, 1>(now, &u, &mut f);
        add_row::<T, K, 2>(now, &u, &mut f);
        add_row::<T, K, 3>(now, &u, &mut f);
        add_row::<T, K, 4>(now, &u, &mut f);
        add_row::<T, K, 5>(now, &u, &mut f);
        add_row::<T, K, 6>(now, &u, &mut f);
        if K::HAS_UNIT {
            f = f.map(|f| std::array::from_fn(|l| units[batch][l] * f[l]));
        }
        let soon = stiffness.get(batch + AHEAD).unwrap_or(now);
        let (y, offsets) = (&mut y[nodes.base() - first..], nodes.offsets());
        for a in 0..8 {
            for l in 0..LANES {
                let y = &mut y[offsets[a][l].into() as usize];
                if USE == SUBTRACT { *y -= f[a][l] } else { *y += f[a][l] }
            }
            if USE == DOT {
                for l in 0..LANES {
                    let is_owned = !N::HAS_GHOSTS || (offsets[a][l].into() as usize) < owned;
                    sums[l] += if is_owned { u[a][l].double() * f[a][l].double() } else { 0.0 };
                }
            }
            prefetch_part(soon, a);
        }
    }
    sums.iter().sum()
}

/// Distance of the prefetch, in batches.
pub(super) const AHEAD: usize = 3;

/// Size of a cache line (bytes).
const LINE: usize = 64;

/// Prefetches the part of a batch with this number, below 8. A few cache lines at a time keep the
/// memory busy during the scatter of another batch: products then take a third less time
/// (docs/design/element-operator.md).
#[inline(always)]
pub(super) fn prefetch_part<K>(batch: &BatchStiffness<K>, part: usize) {
    for lanes in batch.iter().skip(4 * part).take(4).step_by((LINE / size_of::<[K; LANES]>()).max(1)) {
        prefetch(lanes);
    }
}

/// Adds the flows K_ab (u_b - u_a) between node `A` and the nodes after it.
#[inline(always)]
fn add_row<T: Scalar, K: StiffnessNumber<T>, const A: usize>(
    stiffness: &BatchStiffness<K>,
    u: &[[T; LANES]; 8],
    f: &mut [[T; LANES]; 8],
) {
    // A local sum stays in a register; in memory each addition waits for the previous one (a fifth
    // of the time if all data are in the caches).
    let mut sum = f[A];
    for b in A + 1..8 {
        for l in 0..LANES {
            let flow = stiffness[pair(A, b)][l].number() * (u[b][l] - u[A][l]);
            sum[l] += flow;
            f[b][l] -= flow;
        }
    }
    f[A] = sum;
}

/// Adds the products of the batches with `x`, in twice the working precision, to `y`, whose entry 0
/// belongs to node `first`.
pub fn add_precise_products<T: Scalar, K: StiffnessNumber<T>>(
    nodes: &[impl NodeList],
    stiffness: &[BatchStiffness<K>],
    x: &[Pair],
    first: usize,
    y: &mut [Pair],
) {
    for (nodes, stiffness) in nodes.iter().zip(stiffness) {
        let nodes = nodes.nodes().map(|lanes| lanes.map(|node| node as usize));
        for (a, b) in pairs() {
            for l in 0..LANES {
                let (i, j) = (nodes[a][l], nodes[b][l]);
                let flow = stiffness[pair(a, b)][l].number().double() * (x[j] - x[i]);
                y[i - first] += flow;
                y[j - first] += -flow;
            }
        }
    }
}

/// Adds the diagonal entries K_aa of zero row sums to `y`, whose entry 0 belongs to node `first`.
/// `units` holds the units of the elements where the numbers have any.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_diagonals<T: Scalar, K: StiffnessNumber<T>>(
    nodes: &[impl NodeList],
    stiffness: &[BatchStiffness<K>],
    units: &[[T; LANES]],
    first: usize,
    y: &mut [f64],
) {
    for (batch, (nodes, now)) in nodes.iter().zip(stiffness).enumerate() {
        let soon = stiffness.get(batch + AHEAD).unwrap_or(now);
        let y = &mut y[nodes.base() - first..];
        let offsets = nodes.offsets();
        let mut diagonal = [[0.0; LANES]; 8];
        let mut pair = 0;
        for a in 0..8 {
            for b in a + 1..8 {
                for l in 0..LANES {
                    let entry = now[pair][l].number().double();
                    diagonal[a][l] -= entry;
                    diagonal[b][l] -= entry;
                }
                pair += 1;
            }
        }
        if K::HAS_UNIT {
            diagonal = diagonal.map(|lanes| std::array::from_fn(|l| units[batch][l].double() * lanes[l]));
        }
        for a in 0..8 {
            for l in 0..LANES {
                y[offsets[a][l].into() as usize] += diagonal[a][l];
            }
            prefetch_part(soon, a);
        }
    }
}
