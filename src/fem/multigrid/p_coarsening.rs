//! P-coarsening: bilinear functions on the corners of the same elements, as the first coarser level
//! of multigrid.

use std::rc::Rc;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::error::Result;
use crate::fem::fixed_point::least_energies;
use crate::fem::multigrid::p_transfer::PTransfer;
use crate::fem::multigrid::pair_weights::{PairWeights, add_pairs, pair_weights};
use crate::fem::{ElementMatrices, assemble_csr};
use crate::la::matrix::DistributedCsr;
use crate::mesh::LocalMesh;
use crate::parallel::loops::CHUNK;
use crate::parallel::{Halo, LocalIndex, loops};
use crate::quad8::{BatchStiffness, EDGES, LANES, Lane};

/// Transfer to the space of bilinear functions and its operator.
pub struct PCoarsening {
    /// Transfer from the nodes to the corners.
    pub transfer: PTransfer,
    /// Galerkin operator E'KE, where E is the prolongation.
    pub matrix: DistributedCsr,
    /// Whether the matrix needs more than eight significant bits for the smoother: an element on
    /// any rank is slender.
    pub is_slender: bool,
}

const NONE: LocalIndex = LocalIndex::MAX;

impl PCoarsening {
    /// Builds both from the element matrices; `fixed` marks the fixed local nodes, whose corners
    /// are excluded. **Collective.**
    ///
    /// # Errors
    /// If the ranks disagree about the owners of corners.
    pub fn new(nodes: &Halo, mesh: &LocalMesh, elements: &ElementMatrices, fixed: &[bool]) -> Result<Self> {
        let mut corner = vec![NONE; mesh.coordinates.len()];
        for &node in mesh.elements.iter().flat_map(|nodes| &nodes[..4]) {
            corner[node as usize] = 0;
        }
        let (mut owned, mut ghosts, mut corner_fixed) = (Vec::new(), Vec::new(), Vec::new());
        for (node, number) in corner.iter_mut().enumerate().filter(|(_, c)| **c != NONE) {
            *number = corner_fixed.len() as LocalIndex;
            corner_fixed.push(fixed[node]);
            let id = mesh.node_ids[node];
            if node < mesh.owned_nodes { owned.push(id) } else { ghosts.push((id, mesh.node_owners[node] as usize)) }
        }
        let halo = Rc::new(Halo::new(nodes.comm(), &owned, &ghosts)?);
        let (mut matrix, is_slender) = assemble(&halo, elements, &corner);
        let is_slender = halo.comm().max(usize::from(is_slender)) > 0;
        let zeros = vec![0.0; corner_fixed.len()];
        matrix.eliminate(&corner_fixed, &zeros, &mut vec![0.0; owned.len()]);

        let mut ends = loops::collect(mesh.owned_nodes, CHUNK, |node| [corner[node]; 2]);
        for nodes in &mesh.elements {
            for [a, m, b] in EDGES {
                if let Some(ends) = ends.get_mut(nodes[m] as usize) {
                    *ends = [a, b].map(|end| corner[nodes[end] as usize]);
                }
            }
        }
        Ok(Self { transfer: PTransfer::new(&halo, ends, &corner_fixed), matrix, is_slender })
    }
}

/// Number of pairs of corners of an element.
const CORNER_PAIRS: usize = 6;

/// Returns the position of the pair of corners (a, b), a != b, among the pairs with a < b.
const fn corner_pair(a: usize, b: usize) -> usize {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    a * (5 - a) / 2 + b - 1
}

/// Assembles E'KE from the element matrices; `corner` holds the corner of each node. Returns also
/// whether an element is slender.
fn assemble(halo: &Rc<Halo>, elements: &ElementMatrices, corner: &[LocalIndex]) -> (DistributedCsr, bool) {
    let (batches, order) = (elements.batches(), &elements.batches().order);
    let (mut bilinear, mut slender) = (Vec::new(), Vec::new());
    batches.par_iter().map(|batch| bilinear_pairs(batch.stiffness)).unzip_into_vecs(&mut bilinear, &mut slender);
    let quads = batches.par_iter().map(|batch| -> [[LocalIndex; 4]; LANES] {
        std::array::from_fn(|l| std::array::from_fn(|a| corner[batch.nodes[a][l] as usize]))
    });
    let quads: Vec<[[LocalIndex; 4]; LANES]> = quads.collect();
    let mut row_sums: Vec<(usize, [f64; 4])> = Vec::new();
    for &(element, sums) in elements.row_sums() {
        let at = order.slot(element as usize);
        for [a, m, b] in EDGES {
            bilinear[at / LANES][corner_pair(a, b)][at % LANES] += 0.25 * sums[m];
        }
        let sum = |a| support(a).into_iter().map(|(i, weight)| weight * sums[i]).sum();
        row_sums.push((at, std::array::from_fn(sum)));
    }
    row_sums.sort_unstable_by_key(|&(at, _)| at);
    let mut has_sums = vec![false; bilinear.len()];
    row_sums.iter().for_each(|(at, _)| has_sums[at / LANES] = true);
    let matrix = assemble_csr(halo, quads.as_flattened(), |at, a| {
        let batch = &bilinear[at / LANES];
        let mut row = std::array::from_fn(|b| if a == b { 0.0 } else { batch[corner_pair(a, b)][at % LANES] });
        row[a] = -row.iter().sum::<f64>();
        if has_sums[at / LANES]
            && let Ok(found) = row_sums.binary_search_by_key(&at, |&(at, _)| at)
        {
            row[a] += row_sums[found].1[a];
        }
        row
    });
    (matrix, slender.contains(&true))
}

/// Returns the nodes where the bilinear function of a corner is not zero, with its values.
const fn support(corner: usize) -> [(usize, f64); 3] {
    [(corner, 1.0), (4 + corner, 0.5), (4 + (corner + 3) % 4, 0.5)]
}

/// Weights of E'KE.
const WEIGHTS: PairWeights<CORNER_PAIRS> = {
    let mut values = [[0.0; 4]; 8];
    let mut a = 0;
    while a < 4 {
        let mut k = 0;
        while k < 3 {
            let (i, value) = support(a)[k];
            values[i][a] = value;
            k += 1;
        }
        a += 1;
    }
    pair_weights(&values)
};

/// Computes (E'KE)_ab of each pair of corners of a batch whose row sums are zero. Also returns
/// whether rounding to eight significant bits may change the energy of a linear function in an
/// element by more than about 3 %, as it may in rectangles with an aspect ratio above 5.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn bilinear_pairs(stiffness: &BatchStiffness<f64>) -> ([Lane; CORNER_PAIRS], bool) {
    let mut sums = [[0.0; LANES]; CORNER_PAIRS];
    add_pairs(stiffness, &WEIGHTS, &mut sums);
    let energies = least_energies(stiffness);
    let is_slender = (0..LANES).any(|l| sums.iter().any(|pair| energies[l] < 0.5 * pair[l].abs()));
    (sums, is_slender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::pair;

    /// Compares with E'KE by products of matrices.
    #[test]
    fn pairs_of_corners_are_those_of_the_galerkin_product() {
        let stiffness: BatchStiffness<f64> = std::array::from_fn(|p| std::array::from_fn(|l| (p * p + 3 * l) as f64));
        let (pairs, _) = bilinear_pairs(&stiffness);
        for lane in 0..LANES {
            let mut k = [[0.0; 8]; 8];
            for (i, j) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))).filter(|(i, j)| i != j) {
                k[i][j] = stiffness[pair(i, j)][lane];
                k[i][i] -= k[i][j];
            }
            for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| a != b) {
                let products = support(a).into_iter().flat_map(|(i, v)| support(b).map(|(j, w)| v * w * k[i][j]));
                assert_eq!(pairs[corner_pair(a, b)][lane], products.sum::<f64>());
            }
        }
    }
}
