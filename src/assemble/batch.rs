//! Eight elements at a time, one in each lane of the vector registers.

use multiversion::multiversion;
use rayon::prelude::*;

use super::order::Place;
use crate::la::{Coupling, Scalar};
use crate::parallel::Local;
use crate::quad8::{LANES, PAIRS};

/// Eight elements: their nodes and the K_ab of each [`pair`](crate::quad8::pair),
/// element index innermost. Lanes without an element have zeros there.
#[derive(Clone, Copy)]
pub struct Batch<T> {
    /// Local node `a` of element `l` at `nodes[a][l]`.
    pub nodes: [[Local; LANES]; 8],
    /// The pairs.
    pub stiffness: [[T; LANES]; PAIRS],
}

/// The batches of all local elements.
pub struct Batches<T> {
    /// Elements without ghosts.
    pub interior: Vec<Batch<T>>,
    /// Elements with ghosts.
    pub border: Vec<Batch<T>>,
}

impl<T> Batches<T> {
    /// The batch and the lane of an element.
    pub fn find(&self, place: Place) -> (&Batch<T>, usize) {
        match place {
            Place::Interior(i) => (&self.interior[i / LANES], i % LANES),
            Place::Border(i) => (&self.border[i / LANES], i % LANES),
        }
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, place: Place) -> (&mut Batch<T>, usize) {
        match place {
            Place::Interior(i) => (&mut self.interior[i / LANES], i % LANES),
            Place::Border(i) => (&mut self.border[i / LANES], i % LANES),
        }
    }
}

impl<T: Scalar> Batches<T> {
    /// All of them.
    pub fn par_iter(&self) -> impl ParallelIterator<Item = &Batch<T>> {
        self.interior.par_iter().chain(&self.border)
    }

    /// The same batches in another precision.
    pub fn to<U: Scalar>(&self) -> Batches<U> {
        let convert = |batches: &[Batch<T>]| batches.par_iter().map(Batch::to).collect();
        Batches { interior: convert(&self.interior), border: convert(&self.border) }
    }
}

/// The pairs of nodes of an element, as the stiffness is stored.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)))
}

impl<T: Scalar> Batch<T> {
    /// The pairs of nodes whose K_ab is above `strength`, where `scale` holds 1
    /// over the square root of the diagonal.
    pub fn strong_pairs(&self, scale: &[f32], strength: f32) -> Vec<[Local; 2]> {
        let scale = self.nodes.map(|nodes| nodes.map(|n| scale[n as usize]));
        let mut found = Vec::new();
        for ((a, b), stiffness) in pairs().zip(&self.stiffness) {
            let strengths: [f32; LANES] =
                std::array::from_fn(|l| (stiffness[l].double() as f32).abs() * scale[a][l] * scale[b][l]);
            if strengths.iter().any(|&s| s > strength) {
                let strong = (0..LANES).filter(|&l| strengths[l] > strength);
                found.extend(strong.map(|l| [self.nodes[a][l], self.nodes[b][l]]));
            }
        }
        found
    }

    /// K_ab of the pairs of nodes that are both marked, the lower node first.
    pub fn pairs_within(&self, is_marked: &[bool]) -> Vec<Coupling> {
        let marked = self.nodes.map(|nodes| nodes.map(|n| is_marked[n as usize]));
        if marked.iter().flatten().filter(|m| **m).count() < 2 {
            return Vec::new();
        }
        let mut found = Vec::new();
        for ((a, b), stiffness) in pairs().zip(&self.stiffness) {
            for l in (0..LANES).filter(|&l| marked[a][l] && marked[b][l] && stiffness[l] != T::default()) {
                let (i, j) = (self.nodes[a][l], self.nodes[b][l]);
                found.push((i.min(j), i.max(j), stiffness[l].double()));
            }
        }
        found
    }

    /// The same batch in another precision.
    pub fn to<U: Scalar>(&self) -> Batch<U> {
        Batch { nodes: self.nodes, stiffness: self.stiffness.map(|lane| lane.map(|k| U::of(k.double()))) }
    }
}

/// Adds the products of the batches with `x` to `y`, whose entry 0 is that of
/// node `first`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_products<T: Scalar>(batches: &[Batch<T>], x: &[T], first: usize, y: &mut [T]) {
    for batch in batches {
        let mut u = [[T::default(); LANES]; 8];
        for a in 0..8 {
            for l in 0..LANES {
                u[a][l] = x[batch.nodes[a][l] as usize];
            }
        }
        let mut f = [[T::default(); LANES]; 8];
        let mut pair = 0;
        for a in 0..8 {
            for b in a + 1..8 {
                for l in 0..LANES {
                    let flow = batch.stiffness[pair][l] * (u[b][l] - u[a][l]);
                    f[a][l] += flow;
                    f[b][l] -= flow;
                }
                pair += 1;
            }
        }
        for a in 0..8 {
            for l in 0..LANES {
                y[batch.nodes[a][l] as usize - first] += f[a][l];
            }
        }
    }
}

/// Adds K_aa of the batches, as far as rows sum to zero, to `y`, whose entry 0 is
/// that of node `first`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn add_diagonals(batches: &[Batch<f64>], first: usize, y: &mut [f64]) {
    for batch in batches {
        let mut diagonal = [[0.0; LANES]; 8];
        let mut pair = 0;
        for a in 0..8 {
            for b in a + 1..8 {
                for l in 0..LANES {
                    diagonal[a][l] -= batch.stiffness[pair][l];
                    diagonal[b][l] -= batch.stiffness[pair][l];
                }
                pair += 1;
            }
        }
        for a in 0..8 {
            for l in 0..LANES {
                y[batch.nodes[a][l] as usize - first] += diagonal[a][l];
            }
        }
    }
}
