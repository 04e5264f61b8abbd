//! Uniform refinement of a distributed mesh: each rank divides its elements into 4^K, with new
//! nodes on the isoparametric map of the parent.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::mesh::refine_children::Refinement;
use crate::mesh::{LocalMesh, MOST_ON_A_RANK};
use crate::parallel::{BlockDistribution, BlockRequests, Comm, GlobalIndex, Halo};

/// Refines `levels` times. Boundary edges pass their boundary, and elements their region and data,
/// to their children; data of nodes are interpolated by the shape functions. **Collective.**
///
/// # Errors
/// A rank cannot number its elements; the same on every rank.
pub fn refine(comm: &Rc<Comm>, mesh: &LocalMesh, levels: u32) -> Result<LocalMesh> {
    if levels == 0 {
        return Ok(mesh.clone());
    }
    Ok(EdgeNumbers::new(&mesh.halo(comm)?, mesh, levels)?.refine(mesh, levels))
}

/// Returns the error of a refinement whose elements a rank cannot number.
pub(crate) fn refined_too_far(levels: u32, elements: u128) -> Error {
    Error::input(format!(
        "--refine {levels} makes {elements} elements, and a rank can number {MOST_ON_A_RANK}: refine less, or use more \
         ranks"
    ))
}

/// Global numbers of the edges of a mesh, with which its refinements number their nodes.
pub struct EdgeNumbers {
    /// Number of the edge of each local middle node; unspecified for other nodes.
    numbers: Vec<GlobalIndex>,
    /// Number of edges over all ranks.
    total: GlobalIndex,
}

impl EdgeNumbers {
    /// Numbers the edges of a mesh with this halo by the position of their middle nodes among all
    /// middle nodes, for at most `levels` refinements. **Collective.**
    ///
    /// # Errors
    /// Those of [`refine`].
    pub fn new(halo: &Halo, mesh: &LocalMesh, levels: u32) -> Result<Self> {
        let fits = levels < 15 && (mesh.elements.len() as u64) << (2 * levels) < MOST_ON_A_RANK;
        let elements = u128::from(mesh.total_elements) << (2 * levels.min(40));
        halo.comm().agree(if fits { Ok(()) } else { Err(refined_too_far(levels, elements)) })?;
        let (numbers, total) = number_edges(halo, mesh);
        Ok(Self { numbers, total })
    }

    /// Refines the mesh `levels` times.
    pub fn refine(&self, mesh: &LocalMesh, levels: u32) -> LocalMesh {
        match levels {
            0 => mesh.clone(),
            _ => Refinement::new(mesh, levels, &self.numbers, self.total).run(),
        }
    }
}

/// Returns the global number of the edge of each local middle node (unspecified for other nodes),
/// and the number of edges. **Collective.**
fn number_edges(halo: &Halo, mesh: &LocalMesh) -> (Vec<GlobalIndex>, GlobalIndex) {
    let comm = halo.comm();
    let mut is_middle = vec![false; mesh.coordinates.len()];
    mesh.elements.iter().flat_map(|nodes| &nodes[4..]).for_each(|&node| is_middle[node as usize] = true);
    let owned_middles = || (0..mesh.owned_nodes).filter(|&node| is_middle[node]);

    let blocks = BlockDistribution::new(mesh.total_nodes, comm.size());
    let requests = BlockRequests::new(comm, blocks, owned_middles().map(|node| mesh.node_ids[node]));
    let mut sorted: Vec<usize> = requests.incoming().flat_map(|(_, positions)| positions).collect();
    sorted.sort_unstable();
    let first = comm.exclusive_sum(sorted.len() as GlobalIndex);
    let total = comm.sum(sorted.len() as GlobalIndex);
    let number = |i| first + sorted.partition_point(|&other| other < i) as GlobalIndex;
    let mut edges = vec![0; mesh.coordinates.len()];
    for (node, number) in owned_middles().zip(requests.answer(comm, number)) {
        edges[node] = number;
    }
    halo.scatter_fwd(&mut edges);
    (edges, total)
}
