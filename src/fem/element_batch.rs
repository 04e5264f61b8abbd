//! Eight elements at a time, one in each lane of the vector registers.

use std::sync::Arc;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::fem::batch_order::{ElementOrder, NodeList, Nodes, Place};
use crate::la::multigrid::{ALONE, Coupling};
use crate::la::{Pair, Scalar};
use crate::parallel::LocalIndex;
use crate::quad8::{LANES, PAIRS, pair};
use crate::system::prefetch;

/// The K_ab of each [`pair`] of nodes of eight elements,
/// element index innermost. Lanes without an element have zeros there.
pub type BatchStiffness<T> = [[T; LANES]; PAIRS];

/// The batches of all local elements.
pub struct Batches<T> {
    /// Which elements they are, and their nodes.
    pub order: Arc<ElementOrder>,
    /// Those of the interior.
    pub interior: Vec<BatchStiffness<T>>,
    /// Those of the border.
    pub border: Vec<BatchStiffness<T>>,
}

/// One of them.
pub struct Batch<'a, T> {
    nodes: Nodes,
    stiffness: &'a BatchStiffness<T>,
}

impl<T> Batches<T> {
    /// The batch and the lane of an element.
    pub fn find(&self, element: usize) -> (&BatchStiffness<T>, usize) {
        match self.order.place(element) {
            Place::Interior(i) => (&self.interior[i / LANES], i % LANES),
            Place::Border(i) => (&self.border[i / LANES], i % LANES),
        }
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, element: usize) -> (&mut BatchStiffness<T>, usize) {
        match self.order.place(element) {
            Place::Interior(i) => (&mut self.interior[i / LANES], i % LANES),
            Place::Border(i) => (&mut self.border[i / LANES], i % LANES),
        }
    }
}

impl<T: Scalar> Batches<T> {
    /// All of them.
    pub fn par_iter(&self) -> impl ParallelIterator<Item = Batch<'_, T>> {
        fn list<'a, T: Scalar>(
            nodes: &'a [impl NodeList],
            stiffness: &'a [BatchStiffness<T>],
        ) -> impl ParallelIterator<Item = Batch<'a, T>> {
            nodes.par_iter().zip(stiffness).map(|(nodes, stiffness)| Batch { nodes: nodes.nodes(), stiffness })
        }
        list(self.order.near(), &self.interior).chain(list(self.order.far(), &self.border))
    }

    /// The same batches in another precision.
    pub fn to<U: Scalar>(&self) -> Batches<U> {
        let convert = |batches: &[BatchStiffness<T>]| {
            batches.par_iter().map(|batch| batch.map(|lane| lane.map(|k| U::of(k.double())))).collect()
        };
        Batches { order: Arc::clone(&self.order), interior: convert(&self.interior), border: convert(&self.border) }
    }
}

/// Strengths below this are left out.
const NEGLIGIBLE: f32 = 0.02;

/// The pairs of nodes of an element, as the stiffness is stored.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)))
}

impl<T: Scalar> Batch<'_, T> {
    /// The pairs of nodes with a strength above `least`, where `scale` holds 1
    /// over the square root of the diagonal.
    pub fn strong_pairs(&self, scale: &[f32], least: f32) -> Vec<[LocalIndex; 2]> {
        let scale = self.nodes.map(|nodes| nodes.map(|n| scale[n as usize]));
        let mut found = Vec::new();
        for ((a, b), stiffness) in pairs().zip(self.stiffness) {
            let strengths: [f32; LANES] =
                std::array::from_fn(|l| (stiffness[l].double() as f32 * scale[a][l] * scale[b][l]).abs());
            if strengths.iter().any(|&s| s > least) {
                let strong = (0..LANES).filter(|&l| strengths[l] > least);
                found.extend(strong.map(|l| [self.nodes[a][l], self.nodes[b][l]]));
            }
        }
        found
    }

    /// The strengths that are not negligible of pairs of nodes that are both
    /// marked, the lower node first.
    pub fn strengths(&self, scale: &[f32], is_marked: &[bool]) -> Vec<Coupling> {
        let value = |[i, j]: [LocalIndex; 2], stiffness: T| {
            let strength = stiffness.double() as f32 * scale[i as usize] * scale[j as usize];
            (is_marked[i as usize] && is_marked[j as usize] && strength.abs() > NEGLIGIBLE).then(|| f64::from(strength))
        };
        let has_marks = self.nodes.as_flattened().iter().any(|&node| is_marked[node as usize]);
        if has_marks { self.select(value) } else { Vec::new() }
    }

    /// K_ab of pairs of nodes in the same group, the lower node first.
    pub fn couplings(&self, group: &[LocalIndex]) -> Vec<Coupling> {
        let group = |node: LocalIndex| group.get(node as usize).copied().filter(|&group| group != ALONE);
        let value = |[i, j]: [LocalIndex; 2], stiffness: T| {
            group(i).is_some_and(|of_i| group(j) == Some(of_i)).then(|| stiffness.double())
        };
        let has_groups = self.nodes.as_flattened().iter().any(|&node| group(node).is_some());
        if has_groups { self.select(value) } else { Vec::new() }
    }

    /// What `value` makes of K_ab of each pair of nodes, the lower node first.
    fn select(&self, value: impl Fn([LocalIndex; 2], T) -> Option<f64>) -> Vec<Coupling> {
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

/// Adds the products of the batches with `x` to `y`, whose entry 0 is that of
/// node `first`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_products<T: Scalar, N: NodeList>(
    nodes: &[N],
    stiffness: &[BatchStiffness<T>],
    x: &[T],
    first: usize,
    y: &mut [T],
) {
    for (batch, (nodes, now)) in nodes.iter().zip(stiffness).enumerate() {
        let u = nodes.gather(x);
        let mut f = [[T::default(); LANES]; 8];
        add_row::<T, 0>(now, &u, &mut f);
        add_row::<T, 1>(now, &u, &mut f);
        add_row::<T, 2>(now, &u, &mut f);
        add_row::<T, 3>(now, &u, &mut f);
        add_row::<T, 4>(now, &u, &mut f);
        add_row::<T, 5>(now, &u, &mut f);
        add_row::<T, 6>(now, &u, &mut f);
        let soon = stiffness.get(batch + AHEAD).unwrap_or(now);
        let (y, steps) = (&mut y[nodes.first() - first..], nodes.steps());
        for a in 0..8 {
            for l in 0..LANES {
                y[steps[a][l].into() as usize] += f[a][l];
            }
            // A few lines at a time, while this waits for the caches: memory is busy then, too, and
            // the product takes a third less. All at once gained nothing.
            for lanes in soon.iter().skip(4 * a).take(4).step_by(LINE / size_of::<[T; LANES]>()) {
                prefetch(lanes);
            }
        }
    }
}

/// So many batches before it is used, the stiffness is fetched from memory.
const AHEAD: usize = 3;

/// Bytes that come from memory at once.
const LINE: usize = 64;

/// Adds what flows between node `A` and those after it.
#[inline(always)]
fn add_row<T: Scalar, const A: usize>(stiffness: &BatchStiffness<T>, u: &[[T; LANES]; 8], f: &mut [[T; LANES]; 8]) {
    // Not in memory, where each sum would wait for the one before it: a fifth of the time, where all is in
    // the caches.
    let mut sum = f[A];
    for b in A + 1..8 {
        for l in 0..LANES {
            let flow = stiffness[pair(A, b)][l] * (u[b][l] - u[A][l]);
            sum[l] += flow;
            f[b][l] -= flow;
        }
    }
    f[A] = sum;
}

/// Adds the products of the batches with `x` in twice the precision to `y`, whose
/// entry 0 is that of node `first`.
pub fn add_precise_products<T: Scalar>(
    nodes: &[impl NodeList],
    stiffness: &[BatchStiffness<T>],
    x: &[Pair],
    first: usize,
    y: &mut [Pair],
) {
    for (nodes, stiffness) in nodes.iter().zip(stiffness) {
        let nodes = nodes.nodes().map(|lanes| lanes.map(|node| node as usize));
        for (a, b) in pairs() {
            for l in 0..LANES {
                let (i, j) = (nodes[a][l], nodes[b][l]);
                let flow = stiffness[pair(a, b)][l].double() * (x[j] - x[i]);
                y[i - first] += flow;
                y[j - first] += -flow;
            }
        }
    }
}

/// Adds K_aa of the batches, as far as rows sum to zero, to `y`, whose entry 0 is
/// that of node `first`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_diagonals<N: NodeList>(nodes: &[N], stiffness: &[BatchStiffness<f64>], first: usize, y: &mut [f64]) {
    for (nodes, stiffness) in nodes.iter().zip(stiffness) {
        let y = &mut y[nodes.first() - first..];
        let steps = nodes.steps();
        let mut diagonal = [[0.0; LANES]; 8];
        let mut pair = 0;
        for a in 0..8 {
            for b in a + 1..8 {
                for l in 0..LANES {
                    diagonal[a][l] -= stiffness[pair][l];
                    diagonal[b][l] -= stiffness[pair][l];
                }
                pair += 1;
            }
        }
        for a in 0..8 {
            for l in 0..LANES {
                y[steps[a][l].into() as usize] += diagonal[a][l];
            }
        }
    }
}
