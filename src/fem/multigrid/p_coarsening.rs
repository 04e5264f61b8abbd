//! P-coarsening: bilinear functions on the corners of the same elements, as the first coarser level
//! of multigrid. A midside node is interpolated as the mean of the two corners of its edge.

use std::rc::Rc;

use crate::error::Result;
use crate::fem::{ElementMatrices, assemble_csr};
use crate::la::matrix::DistributedCsr;
use crate::mesh::LocalMesh;
use crate::parallel::{Halo, LocalIndex};
use crate::quad8::EDGES;

/// Prolongation and operator of the space of bilinear functions.
pub struct PCoarsening {
    /// Prolongation from the corners to the nodes.
    pub prolongation: DistributedCsr,
    /// Galerkin operator P'KP.
    pub matrix: DistributedCsr,
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

        let quads: Vec<[LocalIndex; 4]> =
            mesh.elements.iter().map(|nodes| std::array::from_fn(|i| corner[nodes[i] as usize])).collect();
        let mut matrix = assemble_csr(&halo, &quads, |e, a| bilinear_row(elements, e, a));
        let zeros = vec![0.0; corner_fixed.len()];
        matrix.eliminate(&corner_fixed, &zeros, &mut vec![0.0; owned.len()]);

        let mut ends = vec![[NONE; 2]; mesh.owned_nodes];
        for nodes in &mesh.elements {
            for [a, m, b] in EDGES {
                if let Some(ends) = ends.get_mut(nodes[m] as usize) {
                    *ends = [nodes[a], nodes[b]];
                }
            }
        }
        let prolongation = DistributedCsr::from_rows(&halo, mesh.owned_nodes, |node, entries| {
            if corner[node] != NONE {
                if !fixed[node] {
                    entries.add(corner[node], 1.0);
                }
            } else {
                for end in ends[node].into_iter().filter(|&end| !fixed[end as usize]) {
                    entries.add(corner[end as usize], 0.5);
                }
            }
        });
        Ok(Self { prolongation, matrix })
    }
}

/// Computes row `a` of E'KE, where column `c` of E is the bilinear function of corner `c`: 1 at the
/// corner and 1/2 at the two neighbouring midside nodes.
fn bilinear_row(elements: &ElementMatrices, element: usize, a: usize) -> [f64; 4] {
    let support = |c: usize| [(c, 1.0), (4 + c, 0.5), (4 + (c + 3) % 4, 0.5)];
    let mut row = [0.0; 8];
    for (i, weight) in support(a) {
        for (sum, value) in row.iter_mut().zip(elements.row(element, i)) {
            *sum += weight * value;
        }
    }
    std::array::from_fn(|c| support(c).into_iter().map(|(j, weight)| weight * row[j]).sum())
}
