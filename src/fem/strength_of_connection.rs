//! Strengths of connection between the nodes of elements: K_ab over the root of the product of the
//! diagonal entries. Those along an edge are summed over its elements; the other pairs of nodes are
//! in one element only.

use multiversion::multiversion;

use crate::fem::batch_order::NodeList;
use crate::fem::element_batch::{AHEAD, Batch, pairs, prefetch_part};
use crate::la::{Scalar, Triplet};
use crate::quad8::{BatchStiffness, EDGES, LANES, PAIRS, pair};

impl<T: Scalar> Batch<'_, T> {
    /// Returns the pairs of nodes with a strength of connection above `least`, with the lower node
    /// first. `scale` holds the reciprocal square root of the diagonal, 0 at excluded nodes;
    /// `edges` the strengths along the edges.
    pub fn strong_pairs(&self, scale: &[f32], edges: &[EdgeStrengths], least: f32) -> Vec<Triplet> {
        if !has_strong_pair(self, scale, edges, least) {
            return Vec::new();
        }
        let scale = self.nodes.map(|nodes| nodes.map(|n| scale[n as usize]));
        let mut strengths = [[0.0; LANES]; PAIRS];
        for (((a, b), stiffness), strengths) in pairs().zip(self.stiffness).zip(&mut strengths) {
            for l in 0..LANES {
                strengths[l] = strength(stiffness[l], scale[a][l], scale[b][l]);
            }
        }
        for [a, m, b] in EDGES {
            for l in 0..LANES {
                let [a, b] = if self.nodes[a][l] < self.nodes[b][l] { [a, b] } else { [b, a] };
                let [lower, upper, ends] = edges[self.nodes[m][l] as usize];
                strengths[pair(a, m)][l] = lower;
                strengths[pair(m, b)][l] = upper;
                strengths[pair(a, b)][l] = ends;
            }
        }
        let mut found = Vec::new();
        for ((a, b), strengths) in pairs().zip(&strengths).filter(|(_, s)| s.iter().any(|s| s.abs() > least)) {
            for l in (0..LANES).filter(|&l| strengths[l].abs() > least) {
                let (i, j) = (self.nodes[a][l], self.nodes[b][l]);
                found.push((i.min(j), i.max(j), f64::from(strengths[l])));
            }
        }
        found
    }
}

/// Returns whether a batch has [`strong_pairs`](Batch::strong_pairs).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn has_strong_pair<T: Scalar>(batch: &Batch<T>, scale: &[f32], edges: &[EdgeStrengths], least: f32) -> bool {
    let scale = batch.nodes.gather(scale);
    let mut largest = [0.0_f32; LANES];
    for (at, (a, b)) in pairs().enumerate().filter(|&(at, _)| !ON_EDGES[at]) {
        for l in 0..LANES {
            largest[l] = largest[l].max(strength(batch.stiffness[at][l], scale[a][l], scale[b][l]).abs());
        }
    }
    for middles in &batch.nodes[4..] {
        for l in 0..LANES {
            let [lower, upper, ends] = edges[middles[l] as usize];
            largest[l] = largest[l].max(lower.abs()).max(upper.abs()).max(ends.abs());
        }
    }
    largest.iter().any(|&largest| largest > least)
}

/// Whether both nodes of a pair are on one edge.
const ON_EDGES: [bool; PAIRS] = {
    let mut on_edges = [false; PAIRS];
    let mut edge = 0;
    while edge < EDGES.len() {
        let [a, m, b] = EDGES[edge];
        (on_edges[pair(a, m)], on_edges[pair(m, b)], on_edges[pair(a, b)]) = (true, true, true);
        edge += 1;
    }
    on_edges
};

/// Strengths of connection along an edge, summed over its elements: between the middle node and the
/// end of the lower number, between the middle node and the other end, and between the ends.
pub type EdgeStrengths = [f32; 3];

/// Returns the strength of connection of two nodes.
#[inline(always)]
fn strength<T: Scalar>(stiffness: T, scale_a: f32, scale_b: f32) -> f32 {
    stiffness.double() as f32 * scale_a * scale_b
}

/// Adds the strengths along the edges of the batches to `sums`, at the middle nodes; its entry 0
/// belongs to node `first`. `scale` holds the reciprocal square root of the diagonal.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_edge_strengths<T: Scalar, N: NodeList>(
    nodes: &[N],
    stiffness: &[BatchStiffness<T>],
    scale: &[f32],
    first: usize,
    sums: &mut [EdgeStrengths],
) {
    for (batch, (nodes, now)) in nodes.iter().zip(stiffness).enumerate() {
        let soon = stiffness.get(batch + AHEAD).unwrap_or(now);
        let (scale, nodes) = (nodes.gather(scale), nodes.nodes());
        for (edge, [a, m, b]) in EDGES.into_iter().enumerate() {
            let mut strengths = [[0.0; LANES]; 3];
            for (strengths, (i, j)) in strengths.iter_mut().zip([(a, m), (m, b), (a, b)]) {
                for l in 0..LANES {
                    strengths[l] = strength(now[pair(i, j)][l], scale[i][l], scale[j][l]);
                }
            }
            let [am, mb, ab] = strengths;
            let [mut lower, mut upper] = [am, mb];
            for l in 0..LANES {
                let is_ascending = nodes[a][l] < nodes[b][l];
                lower[l] = if is_ascending { am[l] } else { mb[l] };
                upper[l] = if is_ascending { mb[l] } else { am[l] };
            }
            for l in 0..LANES {
                let sums = &mut sums[nodes[m][l] as usize - first];
                *sums = [sums[0] + lower[l], sums[1] + upper[l], sums[2] + ab[l]];
            }
            [2 * edge, 2 * edge + 1].into_iter().for_each(|part| prefetch_part(soon, part));
        }
    }
}
