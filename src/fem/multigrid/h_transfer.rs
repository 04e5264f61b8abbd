//! Transfer between a mesh and its refinement (h-multigrid). A Quad8 function on a parent is a
//! Quad8 function on each of its four children, so that the spaces are nested and the prolongation
//! is exact.
//!
//! The nodes of the children lie on a lattice of 5 x 5 points of the parent, without the four
//! centres of the children.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::la::multigrid::Transfer;
use crate::la::{Scalar, Vector};
use crate::mesh::{Adjacency, LocalMesh, MeshHierarchy};
use crate::parallel::{GlobalIndex, Halo, IndexMap, LocalIndex, loops};
use crate::quad8;

/// Number of nodes of the four children of a parent.
const POINTS: usize = 21;

/// Transfer between a mesh and its next refinement, element by element.
pub struct HTransfer<T> {
    halo: Rc<Halo>,
    /// Nodes of the own parents.
    parents: Vec<[LocalIndex; 8]>,
    around: Adjacency<8>,
    /// Parent and lattice point (parent * POINTS + point) from which each owned fine node is
    /// interpolated.
    sources: Vec<u32>,
    /// Inverse of `sources`: owned fine node of each parent and lattice point, or NONE.
    nodes: Vec<[LocalIndex; POINTS]>,
    /// Fixed coarse nodes, where the restriction is zero.
    fixed: Vec<LocalIndex>,
    /// Shape functions of the parent at the lattice points.
    weights: [[T; 8]; POINTS],
}

const NONE: LocalIndex = LocalIndex::MAX;

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
        let parents = coarse.elements[..coarse.own_elements].to_vec();
        let mut sources = vec![NONE; fine.owned_nodes];
        let mut nodes = vec![[NONE; POINTS]; parents.len()];
        for (parent, children) in children.iter().enumerate() {
            for (number, &child) in children.iter().enumerate() {
                for (&node, at) in fine.elements[child as usize].iter().zip(points_of_child(number)) {
                    if let Some(source) = sources.get_mut(node as usize).filter(|source| **source == NONE) {
                        *source = (parent * POINTS + at) as u32;
                        nodes[parent][at] = node;
                    }
                }
            }
        }
        Self {
            halo: Rc::clone(halo),
            around: Adjacency::new(&parents, coarse.coordinates.len()),
            parents,
            sources,
            nodes,
            fixed: fixed.iter().zip(0..).filter(|(fixed, _)| **fixed).map(|(_, node)| node).collect(),
            weights: lattice().map(|[xi, eta]| quad8::shape(xi, eta).map(T::of)),
        }
    }
}

impl<T: Scalar> Transfer<T> for HTransfer<T> {
    fn coarse(&self) -> &IndexMap {
        self.halo.map()
    }

    fn bytes(&self) -> usize {
        // The shares of the parents are written and read.
        let shares = 2 * self.parents.len() * size_of::<[T; 8]>();
        let vectors = 2 * self.halo.map().local() * size_of::<T>();
        let indices =
            size_of_val(&self.nodes[..]) + size_of_val(&self.sources[..]) + 2 * size_of_val(&self.parents[..]);
        indices + self.around.bytes() + shares + vectors
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        let Self { nodes, weights, around, .. } = self;
        // Each parent sums over its children, then each node over its parents.
        let mut shares = vec![[T::default(); 8]; self.parents.len()];
        loops::update(&mut shares, |range, shares| {
            for (share, nodes) in shares.iter_mut().zip(&nodes[range]) {
                for (&node, weights) in nodes.iter().zip(weights).filter(|(node, _)| **node != NONE) {
                    let value = fine.owned()[node as usize];
                    share.iter_mut().zip(weights).for_each(|(share, weight)| *share += *weight * value);
                }
            }
            []
        });
        loops::update(coarse.local_mut(), |range, coarse| {
            for (value, node) in coarse.iter_mut().zip(range) {
                *value = around.around(node).map(|(parent, a)| shares[parent][a]).sum();
            }
            []
        });
        self.halo.scatter_rev_add(coarse.local_mut());
        for &node in &self.fixed {
            coarse.local_mut()[node as usize] = T::default();
        }
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.halo.scatter_fwd(coarse.local_mut());
        let Self { sources, parents, weights, .. } = self;
        let coarse = coarse.local();
        loops::update(fine.owned_mut(), |range, fine| {
            for (value, &source) in fine.iter_mut().zip(&sources[range]) {
                let (parent, at) = (source as usize / POINTS, source as usize % POINTS);
                let nodes = &parents[parent];
                *value = nodes.iter().zip(&weights[at]).map(|(&n, weight)| *weight * coarse[n as usize]).sum();
            }
            []
        });
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
