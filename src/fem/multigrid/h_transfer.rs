//! Transfer between a mesh and its refinement (h-multigrid). A Quad8 function on a parent is a
//! Quad8 function on each of its four children, so that the spaces are nested and the prolongation
//! is exact.
//!
//! The nodes of the children lie on a lattice of 5 x 5 points of the parent, without the four
//! centres of the children. Each owned fine node belongs to one parent, which reads and writes it.

use std::ops::Range;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::fem::batch_coloring::Chunks;
use crate::fem::multigrid::compact::{Compact, NONE};
use crate::la::multigrid::Transfer;
use crate::la::{Scalar, Vector};
use crate::mesh::{LocalMesh, MeshHierarchy};
use crate::parallel::{GlobalIndex, Halo, IndexMap, LocalIndex};
use crate::quad8;

/// Number of nodes of the four children of a parent.
const POINTS: usize = 21;

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

    /// Interpolates the coarse values at the fine nodes of the parents in `range`; entry 0 of `fine`
    /// belongs to node `first`.
    fn prolong<T: Scalar>(
        &self,
        range: Range<usize>,
        weights: &Weights<T>,
        coarse: &[T],
        first: usize,
        fine: &mut [T],
    ) {
        for (nodes, points) in self.nodes[range.clone()].iter().zip(&self.points[range]) {
            let values: [T; 8] = std::array::from_fn(|i| nodes.node(i).map_or(T::default(), |node| coarse[node]));
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
    /// partition and these [`children`]. `fixed` marks the fixed local coarse nodes.
    pub fn new(
        halo: &Rc<Halo>,
        coarse: &LocalMesh,
        fixed: &[bool],
        fine: &LocalMesh,
        children: &[[LocalIndex; 4]],
    ) -> Self {
        let mut is_taken = vec![false; fine.owned_nodes];
        let (mut interior, mut boundary) = (Parents::new(), Parents::new());
        for (nodes, children) in coarse.elements.iter().zip(children) {
            let mut points = [NONE; POINTS];
            for (number, &child) in children.iter().enumerate() {
                for (&node, at) in fine.elements[child as usize].iter().zip(points_of_child(number)) {
                    if let Some(is_taken) = is_taken.get_mut(node as usize).filter(|is_taken| !**is_taken) {
                        *is_taken = true;
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
        let coarse_ranges: Vec<[usize; 2]> = interior.nodes.iter().map(|nodes| range(nodes, 8)).collect();
        let fine_ranges: Vec<[usize; 2]> = interior.points.iter().map(|points| range(points, POINTS)).collect();
        Self {
            halo: Rc::clone(halo),
            coarse_chunks: Chunks::of_ranges(&coarse_ranges, SMALLEST, coarse.owned_nodes),
            fine_chunks: Chunks::of_ranges(&fine_ranges, SMALLEST, fine.owned_nodes),
            interior,
            boundary,
            fixed: fixed.iter().zip(0..).filter(|(fixed, _)| **fixed).map(|(_, node)| node).collect(),
            weights: lattice().map(|[xi, eta]| quad8::shape(xi, eta).map(T::of)),
        }
    }
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
        let Self { interior, boundary, weights, .. } = self;
        let coarse = coarse.local();
        self.fine_chunks.run::<_, true>(fine.owned_mut(), |range, first, fine| {
            interior.prolong(range, weights, coarse, first, fine);
            0.0
        });
        boundary.prolong(0..boundary.nodes.len(), weights, coarse, 0, fine.owned_mut());
    }
}

/// Interpolates values at the nodes of a mesh at the nodes of its next refinement. **Collective.**
pub fn interpolate(coarse: &MeshHierarchy, fine: &MeshHierarchy, values: &mut Vector) -> Vector {
    let children = children(&coarse.mesh, &fine.mesh);
    let transfer = HTransfer::new(&coarse.halo, &coarse.mesh, &[], &fine.mesh, &children);
    let mut finer = Vector::zeros(fine.halo.map());
    transfer.prolong(values, &mut finer);
    finer
}

/// Finds the children of each own element of `coarse` among the elements of its refinement `fine`,
/// child (p, q) at p + 2 q.
pub fn children(coarse: &LocalMesh, fine: &LocalMesh) -> Vec<[LocalIndex; 4]> {
    let own = &coarse.element_ids[..coarse.own_elements];
    let index: FxHashMap<GlobalIndex, usize> = own.iter().copied().zip(0..).collect();
    let mut children = vec![[NONE; 4]; own.len()];
    for (id, child) in fine.element_ids[..fine.own_elements].iter().zip(0..) {
        children[index[&(id / 4)]][(id % 4) as usize] = child;
    }
    children
}

/// Evaluates the parent's shape functions at the nodes of each child.
pub(crate) fn shape_at_children() -> [[[f64; 8]; 8]; 4] {
    let points = lattice();
    std::array::from_fn(|child| {
        points_of_child(child).map(|at| {
            let [xi, eta] = points[at];
            quad8::shape(xi, eta)
        })
    })
}

/// Returns the reference coordinates of the lattice points, row by row.
fn lattice() -> [[f64; 2]; POINTS] {
    let mut points = [[0.0; 2]; POINTS];
    for (i, j) in (0..5).flat_map(|j| (0..5).map(move |i| (i, j))) {
        if i % 2 == 0 || j % 2 == 0 {
            points[number(i, j)] = [i, j].map(|c| 0.5 * c as f64 - 1.0);
        }
    }
    points
}

/// Returns the number of the lattice point (i, j); odd rows have three points of five.
fn number(i: usize, j: usize) -> usize {
    let before = 8 * (j / 2) + 5 * (j % 2);
    before + if j.is_multiple_of(2) { i } else { i / 2 }
}

/// Returns the lattice points of the eight nodes of child p + 2 q, which is child (p, q).
fn points_of_child(child: usize) -> [usize; 8] {
    let (p, q) = (child % 2, child / 2);
    quad8::NODES.map(|[x, y]| number(2 * p + (x + 1.0) as usize, 2 * q + (y + 1.0) as usize))
}
