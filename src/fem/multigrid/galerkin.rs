//! Galerkin coarsening of element matrices, from a mesh to the mesh that it refines.
//!
//! A Quad8 function on a parent is a Quad8 function on each of its four children, so that the sum
//! of W^T K W over the children is the Galerkin matrix of the parent (W. L. Briggs, V. E. Henson,
//! S. F. McCormick, *A Multigrid Tutorial*, 2nd ed., chapter 10). Coarse operators therefore
//! include features that only the finest mesh resolves, such as a jump of the conductivity inside a
//! parent or a Jacobian that almost vanishes in a corner.

use std::sync::Arc;

use multiversion::multiversion;

use crate::fem::ElementMatrices;
use crate::fem::batch_order::{BatchPosition, ElementOrder};
use crate::fem::element_batch::{Batches, pairs};
use crate::fem::element_matrices::{RowSums, find_row_sum, row_sum};
use crate::fem::multigrid::child_lattice::shape_at_children;
use crate::fem::multigrid::pair_weights::{PairWeights, add_pairs, pair_weights};
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, LocalIndex, Message, Outgoing, loops, work};
use crate::quad8::{BatchStiffness, LANES, PAIRS, pair};

/// Shape functions of the parent at the nodes of one child: node, function.
type Values = [[f64; 8]; 8];

impl ElementMatrices {
    /// Computes the matrices of the mesh `coarse`, whose own elements have these
    /// [`children`](crate::fem::multigrid::children) in the present mesh. **Collective.**
    pub fn coarsened(&self, comm: &Comm, coarse: &LocalMesh, children: &[[LocalIndex; 4]]) -> Self {
        let values = shape_at_children();
        let weights = values.each_ref().map(pair_weights);
        let order = ElementOrder::new(coarse);
        let all = |count: usize, position: fn(usize) -> BatchPosition| -> Vec<BatchStiffness<f64>> {
            let batch = |b: usize| {
                let parents = (b * LANES..count.min((b + 1) * LANES)).map(|i| order.element(position(i)));
                work::item(b, LANES);
                self.sum_children(parents.map(|parent| children.get(parent)), &values, &weights)
            };
            loops::collect(count.div_ceil(LANES), 64, batch)
        };
        let (interior, boundary) = (
            all(order.interior_elements(), BatchPosition::Interior),
            all(order.boundary_elements(), BatchPosition::Boundary),
        );
        let mut row_sums: Vec<RowSums> = Vec::new();
        for (parent, children) in children.iter().enumerate().filter(|_| !self.row_sums().is_empty()) {
            let mut sums = [0.0; 8];
            for (&child, values) in children.iter().zip(&values) {
                for (sum, values) in row_sum(self.row_sums(), child as usize).iter().zip(values) {
                    sums.iter_mut().zip(values).for_each(|(total, value)| *total += value * sum);
                }
            }
            if sums != [0.0; 8] {
                row_sums.push((parent as LocalIndex, sums));
            }
        }
        let mut batches = Batches { order: Arc::new(order), interior, boundary };
        fetch_ghosts(comm, coarse, &mut batches, &mut row_sums);
        Self::from_parts(batches, row_sums)
    }

    /// Computes the batch of parents with these children; zeros for a parent without children on
    /// this rank.
    fn sum_children<'a>(
        &self,
        parents: impl Iterator<Item = Option<&'a [LocalIndex; 4]>> + Clone,
        values: &[Values; 4],
        weights: &[PairWeights<PAIRS>; 4],
    ) -> BatchStiffness<f64> {
        let mut sum = [[0.0; LANES]; PAIRS];
        for (number, (values, weights)) in values.iter().zip(weights).enumerate() {
            let mut k = [[0.0; LANES]; PAIRS];
            for (lane, children) in parents.clone().enumerate() {
                if let Some(children) = children {
                    let child = children[number] as usize;
                    let (batch, from) = self.batches().find(child);
                    k.iter_mut().zip(batch).for_each(|(k, of)| k[lane] = of[from]);
                    if let Some(sums) = find_row_sum(self.row_sums(), child) {
                        add_row_sums(sums, values, lane, &mut sum);
                    }
                }
            }
            add_child(&k, weights, &mut sum);
        }
        sum
    }
}

/// Adds W^T R W of one child, where R is the diagonal matrix of its row sums, to the pairs of its
/// parent.
fn add_row_sums(sums: &[f64; 8], values: &Values, lane: usize, parent: &mut BatchStiffness<f64>) {
    for (i, j) in pairs() {
        parent[pair(i, j)][lane] +=
            sums.iter().zip(values).map(|(sum, values)| sum * values[i] * values[j]).sum::<f64>();
    }
}

/// Number of values of an element: pairs and row sums.
const NUMBERS: usize = PAIRS + 8;

/// Receives the matrices of ghost elements from their owners. **Collective** among neighbours.
fn fetch_ghosts(comm: &Comm, mesh: &LocalMesh, batches: &mut Batches<f64>, row_sums: &mut Vec<RowSums>) {
    // An element is a ghost on each rank that owns one of its nodes.
    let mut shared: Outgoing<usize> = Outgoing::new();
    for (e, nodes) in mesh.elements[..mesh.own_elements].iter().enumerate() {
        for &node in nodes.iter().filter(|&&node| node as usize >= mesh.owned_nodes) {
            let list = shared.to(mesh.node_owners[node as usize] as usize);
            if list.last() != Some(&e) {
                list.push(e);
            }
        }
    }
    let mut ghosts: Outgoing<usize> = Outgoing::new();
    (mesh.own_elements..mesh.elements.len()).for_each(|e| ghosts.to(mesh.element_owners[e] as usize).push(e));
    // Sender and receiver use the order of the global numbers.
    let [shared, ghosts] = [shared, ghosts].map(|lists| {
        let mut lists = lists.into_messages();
        lists.iter_mut().for_each(|(_, list)| list.sort_unstable_by_key(|&e| mesh.element_ids[e]));
        lists
    });
    let numbers = |&e: &usize| -> [f64; NUMBERS] {
        let ((batch, lane), sums) = (batches.find(e), row_sum(row_sums, e));
        std::array::from_fn(|i| batch.get(i).map_or_else(|| sums[i - PAIRS], |lanes| lanes[lane]))
    };
    let pack = |(rank, list): &Message<usize>| (*rank, list.iter().flat_map(numbers).collect());
    let expected: Vec<_> = ghosts.iter().map(|(rank, list)| (*rank, NUMBERS * list.len())).collect();
    let incoming = comm.neighbor_exchange(shared.iter().map(pack).collect(), &expected);
    let received = ghosts.iter().zip(&incoming);
    for (&e, numbers) in received.flat_map(|((_, list), (_, n))| list.iter().zip(n.as_chunks::<NUMBERS>().0)) {
        let (batch, lane) = batches.find_mut(e);
        batch.iter_mut().zip(numbers).for_each(|(lanes, number)| lanes[lane] = *number);
        let sums: [f64; 8] = std::array::from_fn(|a| numbers[PAIRS + a]);
        if sums != [0.0; 8] {
            row_sums.push((e as LocalIndex, sums));
        }
    }
    row_sums.sort_unstable_by_key(|&(element, _)| element);
}

/// Adds W^T K W of eight children, whose rows sum to zero, to the pairs of their parents.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn add_child(k: &BatchStiffness<f64>, weights: &PairWeights<PAIRS>, parents: &mut BatchStiffness<f64>) {
    add_pairs(k, weights, parents);
}
