//! The stiffness operator applied element by element, without a matrix.
//!
//! Rows of an element's stiffness sum to zero, so 28 numbers an element say it
//! all: (K u)_a is the sum of K_ab (u_b - u_a). That is a third of what
//! compressed rows store, and a product costs what it takes to read. Elements
//! are taken eight at a time, one in each lane of the vector registers.

use std::rc::Rc;

use multiversion::multiversion;
use rayon::prelude::*;

use super::ElementMatrices;
use crate::la::{Coupling, LinearOperator, Scalar, Vector};
use crate::mesh::LocalMesh;
use crate::parallel::{Halo, Local, loops};
use crate::quad8::LANES;

/// Pairs of different nodes of an element.
const PAIRS: usize = 28;

/// Eight elements: their nodes and K_ab for a < b, element index innermost.
struct Batch<T> {
    nodes: [[Local; LANES]; 8],
    stiffness: [[T; LANES]; PAIRS],
}

/// Batches that are applied together, and the range of nodes they touch.
struct Chunk {
    batches: std::ops::Range<usize>,
    nodes: std::ops::Range<usize>,
}

/// The operator of the eliminated system: on fixed nodes it is the identity.
pub struct ElementOperator<T> {
    halo: Rc<Halo>,
    /// Elements without ghosts, in chunks of which every second one shares no
    /// node: those run at once.
    interior: Vec<Batch<T>>,
    chunks: Vec<Chunk>,
    /// Elements with ghosts, which wait for the exchange.
    border: Vec<Batch<T>>,
    /// Row sums that are not zero (Robin edges with p > 0), by owned node.
    row_sums: Vec<(Local, T)>,
    /// Fixed local nodes.
    fixed: Vec<Local>,
    diagonal: Rc<Vec<f64>>,
}

impl ElementOperator<f64> {
    /// From the element matrices; `fixed` tells which local nodes are.
    pub fn new(halo: &Rc<Halo>, mesh: &LocalMesh, elements: &ElementMatrices, fixed: &[bool]) -> Self {
        let owned = halo.map().owned();
        let is_interior = |e: &usize| mesh.elements[*e].iter().all(|&n| (n as usize) < owned);
        let (interior, border): (Vec<usize>, Vec<usize>) = (0..mesh.elements.len()).partition(is_interior);
        let pack = |list: &[usize]| -> Vec<Batch<f64>> {
            list.par_chunks(LANES).map(|lanes| Batch::pack(lanes, mesh, elements)).collect()
        };
        let (interior, border) = (pack(&interior), pack(&border));

        let mut row_sums = vec![0.0; owned];
        for &element in elements.robin_elements() {
            for (a, &node) in mesh.elements[element].iter().enumerate() {
                if let Some(sum) = row_sums.get_mut(node as usize) {
                    *sum += elements.row(element, a).iter().sum::<f64>();
                }
            }
        }
        let mut diagonal = vec![0.0; owned];
        for (nodes, e) in mesh.elements.iter().zip(0..) {
            for (a, &node) in nodes.iter().enumerate() {
                if let Some(entry) = diagonal.get_mut(node as usize) {
                    *entry += elements.entry(e, a, a);
                }
            }
        }
        for (entry, _) in diagonal.iter_mut().zip(fixed).filter(|(_, fixed)| **fixed) {
            *entry = 1.0;
        }
        Self {
            halo: Rc::clone(halo),
            chunks: chunks(&interior),
            interior,
            border,
            row_sums: row_sums.into_iter().zip(0..).filter(|(s, _)| *s != 0.0).map(|(s, i)| (i, s)).collect(),
            fixed: fixed.iter().zip(0..).filter(|(fixed, _)| **fixed).map(|(_, i)| i).collect(),
            diagonal: Rc::new(diagonal),
        }
    }

    /// Takes the known values of the fixed nodes to the right side `b`, whose
    /// entries at fixed nodes become 0. `values` are those of the local nodes, 0
    /// where none is fixed. **Collective.**
    pub fn eliminate(&self, values: &[f64], b: &mut [f64]) {
        let (mut x, mut y) = (Vector::zeros(self.halo.map()), Vector::zeros(self.halo.map()));
        x.local_mut().copy_from_slice(values);
        self.sum_elements(&mut x, &mut y);
        for (b, y) in b.iter_mut().zip(y.owned()) {
            *b -= y;
        }
        for &node in &self.fixed {
            if let Some(b) = b.get_mut(node as usize) {
                *b = 0.0;
            }
        }
    }

    /// The same operator in another precision.
    pub fn to<U: Scalar>(&self) -> ElementOperator<U> {
        let convert = |batches: &[Batch<f64>]| batches.par_iter().map(Batch::to).collect();
        ElementOperator {
            halo: Rc::clone(&self.halo),
            interior: convert(&self.interior),
            chunks: self.chunks.iter().map(|c| Chunk { batches: c.batches.clone(), nodes: c.nodes.clone() }).collect(),
            border: convert(&self.border),
            row_sums: self.row_sums.iter().map(|&(node, sum)| (node, U::of(sum))).collect(),
            fixed: self.fixed.clone(),
            diagonal: Rc::clone(&self.diagonal),
        }
    }
}

impl<T: Scalar> ElementOperator<T> {
    /// y = sum of the elements applied to x, with no regard to fixed nodes.
    fn sum_elements(&self, x: &mut Vector<T>, y: &mut Vector<T>) {
        let owned = x.owned().len();
        let interior = &self.interior;
        y.local_mut().fill(T::default());
        self.halo.forward_during(x.local_mut(), |x| {
            // Chunks 0, 2, 4, ... and then 1, 3, 5, ...: always in this order, so
            // that the sums have the same bits at any number of threads.
            for parity in 0..2 {
                let mut windows = Vec::with_capacity(self.chunks.len() / 2 + 1);
                let (mut rest, mut at) = (y.owned_mut(), 0);
                for chunk in self.chunks.iter().skip(parity).step_by(2) {
                    let (_, tail) = rest.split_at_mut(chunk.nodes.start - at);
                    let (window, tail) = tail.split_at_mut(chunk.nodes.len());
                    windows.push((chunk, window));
                    (rest, at) = (tail, chunk.nodes.end);
                }
                let run = |(chunk, window): (&Chunk, &mut [T])| {
                    add_batches(&interior[chunk.batches.clone()], x, chunk.nodes.start, window);
                };
                if loops::worthwhile(owned) {
                    windows.into_par_iter().for_each(run);
                } else {
                    windows.into_iter().for_each(run);
                }
            }
        });
        add_batches(&self.border, x.local(), 0, y.local_mut());
        for &(node, sum) in &self.row_sums {
            y.local_mut()[node as usize] += sum * x.local()[node as usize];
        }
    }
}

impl<T: Scalar> LinearOperator<T> for ElementOperator<T> {
    fn halo(&self) -> &Halo {
        &self.halo
    }

    fn apply(&self, x: &mut Vector<T>, y: &mut Vector<T>) {
        // The couplings of fixed nodes are gone: they count as 0 for the others.
        let owned = x.owned().len();
        let own_fixed = &self.fixed[..self.fixed.partition_point(|&n| (n as usize) < owned)];
        let kept: Vec<T> = own_fixed.iter().map(|&n| std::mem::take(&mut x.local_mut()[n as usize])).collect();
        self.sum_elements(x, y);
        for (&node, value) in own_fixed.iter().zip(kept) {
            x.local_mut()[node as usize] = value;
            y.local_mut()[node as usize] = value;
        }
    }

    fn diagonal(&self) -> Vec<f64> {
        self.diagonal.to_vec()
    }

    fn couplings(&self, strength: f64) -> Vec<Coupling> {
        // 0 at fixed nodes and at ghosts, which are never strong then.
        let mut scale = vec![0.0_f32; self.halo.map().local()];
        for (scale, &entry) in scale.iter_mut().zip(&*self.diagonal).filter(|(_, entry)| **entry > 0.0) {
            *scale = (1.0 / entry.sqrt()) as f32;
        }
        self.fixed.iter().for_each(|&node| scale[node as usize] = 0.0);
        let batches = || self.interior.par_iter().chain(&self.border);
        let strong: Vec<[Local; 2]> =
            batches().flat_map_iter(|batch| batch.strong_pairs(&scale, strength as f32)).collect();
        let mut is_strong = vec![false; scale.len()];
        strong.iter().flatten().for_each(|&node| is_strong[node as usize] = true);
        batches().flat_map_iter(|batch| batch.pairs_within(&is_strong)).collect()
    }

    fn entries(&self) -> usize {
        (self.interior.len() + self.border.len()) * LANES * PAIRS
    }
}

/// The pairs of nodes of an element, as the stiffness is stored.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)))
}

impl<T: Scalar> Batch<T> {
    /// The pairs of nodes whose K_ab is above `strength`, where `scale` holds 1
    /// over the square root of the diagonal.
    fn strong_pairs(&self, scale: &[f32], strength: f32) -> Vec<[Local; 2]> {
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
    fn pairs_within(&self, is_marked: &[bool]) -> Vec<Coupling> {
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
}

impl Batch<f64> {
    fn pack(lanes: &[usize], mesh: &LocalMesh, elements: &ElementMatrices) -> Self {
        // Lanes without an element repeat the nodes of the first, with zeros.
        let mut batch = Self { nodes: mesh.elements[lanes[0]].map(|n| [n; LANES]), stiffness: [[0.0; LANES]; PAIRS] };
        for (lane, &e) in lanes.iter().enumerate() {
            for a in 0..8 {
                batch.nodes[a][lane] = mesh.elements[e][a];
            }
            let mut pair = 0;
            for a in 0..8 {
                for b in a + 1..8 {
                    batch.stiffness[pair][lane] = elements.entry(e, a, b);
                    pair += 1;
                }
            }
        }
        batch
    }

    fn to<U: Scalar>(&self) -> Batch<U> {
        Batch { nodes: self.nodes, stiffness: self.stiffness.map(|lane| lane.map(U::of)) }
    }
}

/// Adds the products of the batches with `x` to `y`, whose entry 0 is that of
/// node `first`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn add_batches<T: Scalar>(batches: &[Batch<T>], x: &[T], first: usize, y: &mut [T]) {
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

/// Cuts batches into chunks as small as can be while chunks of equal parity
/// share no node, or one chunk if that cannot be.
fn chunks<T>(batches: &[Batch<T>]) -> Vec<Chunk> {
    const SMALLEST: usize = 64;
    let ranges: Vec<(usize, usize)> = batches
        .iter()
        .map(|batch| {
            let nodes = || batch.nodes.iter().flatten().map(|&n| n as usize);
            (nodes().min().unwrap_or(0), nodes().max().map_or(0, |n| n + 1))
        })
        .collect();
    let mut size = SMALLEST;
    loop {
        let cut: Vec<Chunk> = ranges
            .chunks(size)
            .enumerate()
            .map(|(i, part)| Chunk {
                batches: i * size..i * size + part.len(),
                nodes: part.iter().map(|r| r.0).min().unwrap_or(0)..part.iter().map(|r| r.1).max().unwrap_or(0),
            })
            .collect();
        if cut.windows(3).all(|c| c[0].nodes.end <= c[2].nodes.start) {
            return cut;
        }
        size *= 2;
    }
}
