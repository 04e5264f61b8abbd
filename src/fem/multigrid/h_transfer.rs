//! Transfer between a mesh and its refinement (h-multigrid). A Quad8 function on a parent is a
//! Quad8 function on each of its four children, so that the spaces are nested and the prolongation
//! is exact.
//!
//! Each owned fine node belongs to one parent, which reads and writes it.

use std::ops::Range;
use std::rc::Rc;

use rayon::prelude::*;

use crate::fem::batch_coloring::Chunks;
use crate::fem::multigrid::child_lattice::{POINTS, SOURCES, lattice, points_of_child};
use crate::fem::multigrid::compact::{Compact, NONE};
use crate::la::multigrid::{NestedTransfer, Transfer};
use crate::la::{Scalar, Vector};
use crate::mesh::{LocalMesh, LocalNumbers, MeshHierarchy};
use crate::parallel::loops::CHUNK;
use crate::parallel::{Halo, IndexMap, LocalIndex, loops};
use crate::quad8;

/// Transfer between a mesh and its next refinement, parent by parent.
pub struct HTransfer<T> {
    halo: Rc<Halo>,
    /// Parents without ghosts.
    interior: Parents<Compact<8>, Compact<POINTS>>,
    /// Parents with ghosts, and those whose nodes do not fit [`Compact`].
    boundary: Parents<[LocalIndex; 8], [LocalIndex; POINTS]>,
    /// Chunks of the interior parents that add to disjoint coarse nodes, and to disjoint fine ones.
    coarse_chunks: Chunks,
    fine_chunks: Chunks,
    /// Fixed coarse nodes, where the restriction is zero.
    fixed: Vec<LocalIndex>,
    /// Shape functions of the parent at the lattice points.
    weights: Weights<T>,
}

type Weights<T> = [[T; 8]; POINTS];

/// Own parents with at least one fine node.
struct Parents<C, F> {
    /// Nodes of each parent.
    nodes: Vec<C>,
    /// Owned fine node of each lattice point of each parent, if any.
    points: Vec<F>,
}

/// List of nodes, some of which may be missing.
trait Nodes: Sync {
    /// Returns node `i`.
    fn node(&self, i: usize) -> Option<usize>;
}

impl<const N: usize> Nodes for [LocalIndex; N] {
    fn node(&self, i: usize) -> Option<usize> {
        (self[i] != NONE).then_some(self[i] as usize)
    }
}

impl<const N: usize> Nodes for Compact<N> {
    fn node(&self, i: usize) -> Option<usize> {
        self.get(i)
    }
}

impl<C: Nodes, F: Nodes> Parents<C, F> {
    fn new() -> Self {
        Self { nodes: Vec::new(), points: Vec::new() }
    }

    fn push(&mut self, nodes: C, points: F) {
        self.nodes.push(nodes);
        self.points.push(points);
    }

    fn append(&mut self, other: &mut Self) {
        self.nodes.append(&mut other.nodes);
        self.points.append(&mut other.points);
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.nodes[..]) + size_of_val(&self.points[..])
    }

    /// Adds the shares of the parents in `range` of the fine values to `coarse`, whose entry 0
    /// belongs to node `first`.
    fn restrict<T: Scalar>(
        &self,
        range: Range<usize>,
        weights: &Weights<T>,
        fine: &[T],
        first: usize,
        coarse: &mut [T],
    ) {
        for (nodes, points) in self.nodes[range.clone()].iter().zip(&self.points[range]) {
            let mut share = [T::default(); 8];
            for (point, weights) in weights.iter().enumerate() {
                if let Some(node) = points.node(point) {
                    share.iter_mut().zip(weights).for_each(|(share, weight)| *share += *weight * fine[node]);
                }
            }
            for (i, share) in share.into_iter().enumerate() {
                nodes.node(i).into_iter().for_each(|node| coarse[node - first] += share);
            }
        }
    }

    /// Interpolates the values that `coarse` returns for coarse nodes, at the fine nodes of the
    /// parents in `range`; entry 0 of `fine` belongs to node `first`.
    fn prolong<T: Scalar>(
        &self,
        range: Range<usize>,
        weights: &Weights<T>,
        coarse: impl Fn(usize) -> T,
        first: usize,
        fine: &mut [T],
    ) {
        for (nodes, points) in self.nodes[range.clone()].iter().zip(&self.points[range]) {
            let values: [T; 8] = std::array::from_fn(|i| nodes.node(i).map_or(T::default(), &coarse));
            for (point, weights) in weights.iter().enumerate() {
                if let Some(node) = points.node(point) {
                    fine[node - first] = values.iter().zip(weights).map(|(value, weight)| *weight * *value).sum();
                }
            }
        }
    }
}

impl<T: Scalar> HTransfer<T> {
    /// Creates the transfer between `coarse` and its refinement `fine`, which has the same
    /// partition and these [`children`]. `fixed` are the fixed local coarse nodes.
    pub fn new(
        halo: &Rc<Halo>,
        coarse: &LocalMesh,
        fixed: Vec<LocalIndex>,
        fine: &LocalMesh,
        children: &[[LocalIndex; 4]],
    ) -> Self {
        let own = &coarse.elements[..children.len()];
        let first = first_elements(own, coarse.coordinates.len());
        let chunks = loops::chunks(own.len()).map(|range| {
            let (mut interior, mut boundary) = (Parents::new(), Parents::new());
            for element in range {
                let nodes = &own[element];
                let is_own = |point: usize| SOURCES[point].is_none_or(|i| first[nodes[i] as usize] as usize == element);
                let mut points = [NONE; POINTS];
                for (number, &child) in children[element].iter().enumerate() {
                    for (&node, at) in fine.elements[child as usize].iter().zip(points_of_child(number)) {
                        if (node as usize) < fine.owned_nodes && is_own(at) {
                            points[at] = node;
                        }
                    }
                }
                let has_ghosts = nodes.iter().any(|&node| node as usize >= coarse.owned_nodes);
                match Compact::compress(nodes).zip(Compact::compress(&points)) {
                    _ if points == [NONE; POINTS] => (),
                    Some((nodes, points)) if !has_ghosts => interior.push(nodes, points),
                    _ => boundary.push(*nodes, points),
                }
            }
            (interior, boundary)
        });
        let (mut interior, mut boundary) = (Parents::new(), Parents::new());
        for (mut inside, mut outside) in chunks.collect::<Vec<_>>() {
            interior.append(&mut inside);
            boundary.append(&mut outside);
        }
        let count = interior.nodes.len();
        let coarse_ranges = loops::collect(count, CHUNK, |i| range(&interior.nodes[i], 8));
        let fine_ranges = loops::collect(count, CHUNK, |i| range(&interior.points[i], POINTS));
        Self {
            halo: Rc::clone(halo),
            coarse_chunks: Chunks::of_ranges(&coarse_ranges, SMALLEST, coarse.owned_nodes),
            fine_chunks: Chunks::of_ranges(&fine_ranges, SMALLEST, fine.owned_nodes),
            interior,
            boundary,
            fixed,
            weights: weights(),
        }
    }

    /// Interpolates the values that `coarse` returns for local coarse nodes.
    fn interpolate<F: Scalar>(&self, weights: &Weights<F>, coarse: impl Fn(usize) -> F + Sync, fine: &mut Vector<F>) {
        let Self { interior, boundary, .. } = self;
        self.fine_chunks.run::<_, true>(fine.owned_mut(), |range, first, fine| {
            interior.prolong(range, weights, &coarse, first, fine);
            0.0
        });
        boundary.prolong(0..boundary.nodes.len(), weights, &coarse, 0, fine.owned_mut());
    }
}

/// Returns the shape functions of the parent at the lattice points.
fn weights<T: Scalar>() -> Weights<T> {
    lattice().map(|[xi, eta]| quad8::shape(xi, eta).map(T::of))
}

/// Returns the first of the elements around each of so many nodes.
fn first_elements(elements: &[[LocalIndex; 8]], nodes: usize) -> Vec<u32> {
    let mut first = loops::filled(nodes, u32::MAX);
    for (nodes, element) in elements.iter().zip(0..) {
        for &node in nodes {
            let first = &mut first[node as usize];
            *first = element.min(*first);
        }
    }
    first
}

/// Smallest number of parents in a chunk.
const SMALLEST: usize = 128;

/// Returns the lowest of these nodes and the end of the highest.
fn range(nodes: &impl Nodes, count: usize) -> [usize; 2] {
    let nodes = (0..count).filter_map(|i| nodes.node(i));
    nodes.fold([usize::MAX, 0], |[low, high], node| [low.min(node), high.max(node + 1)])
}

impl<T: Scalar> Transfer<T> for HTransfer<T> {
    fn coarse(&self) -> &IndexMap {
        self.halo.map()
    }

    fn bytes(&self) -> usize {
        2 * (self.interior.bytes() + self.boundary.bytes() + self.halo.map().local() * size_of::<T>())
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        let Self { interior, boundary, weights, .. } = self;
        let (fine, owned) = (fine.owned(), coarse.owned().len());
        self.coarse_chunks.sum(coarse.owned_mut(), |range, first, coarse| {
            interior.restrict(range, weights, fine, first, coarse);
        });
        coarse.local_mut()[owned..].fill(T::default());
        boundary.restrict(0..boundary.nodes.len(), weights, fine, 0, coarse.local_mut());
        self.halo.scatter_rev_add(coarse.local_mut());
        for &node in &self.fixed {
            coarse.local_mut()[node as usize] = T::default();
        }
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.halo.scatter_fwd(coarse.local_mut());
        let coarse = coarse.local();
        self.interpolate(&self.weights, |node| coarse[node], fine);
    }

    fn nested(&self) -> Option<&dyn NestedTransfer<T>> {
        Some(self)
    }
}

impl<T: Scalar> NestedTransfer<T> for HTransfer<T> {
    fn prolong_sum(&self, high: &Vector<T>, low: &mut Vector<T>, fine: &mut Vector) {
        self.halo.scatter_fwd(low.local_mut());
        let (high, low) = (high.local(), low.local());
        self.interpolate(&weights(), |node| high[node].double() + low[node].double(), fine);
    }
}

/// Interpolates values at the nodes of a mesh at the nodes of its next refinement. **Collective.**
pub fn interpolate(coarse: &MeshHierarchy, fine: &MeshHierarchy, values: &mut Vector) -> Vector {
    let children = children(&coarse.mesh, &fine.mesh);
    let transfer = HTransfer::new(&coarse.halo, &coarse.mesh, Vec::new(), &fine.mesh, &children);
    let mut finer = Vector::zeros(fine.halo.map());
    transfer.prolong(values, &mut finer);
    finer
}

/// Finds the children of each own element of `coarse` among the elements of its refinement `fine`,
/// child (p, q) at p + 2 q.
pub fn children(coarse: &LocalMesh, fine: &LocalMesh) -> Vec<[LocalIndex; 4]> {
    let own = &coarse.element_ids[..coarse.own_elements];
    let mut numbers = LocalNumbers::with_capacity(own.len());
    for &id in own {
        numbers.add(id);
    }
    let ids = &fine.element_ids[..fine.own_elements];
    let parents = loops::collect(ids.len(), CHUNK, |child| numbers.find(ids[child] / 4));
    let mut children = loops::filled(own.len(), [NONE; 4]);
    for ((parent, id), child) in parents.into_iter().zip(ids).zip(0..) {
        if let Some(parent) = parent {
            children[parent as usize][(id % 4) as usize] = child;
        }
    }
    children
}
