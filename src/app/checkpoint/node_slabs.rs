//! Exchange of nodal values between the mesh and the blocks of a checkpoint file.

use crate::io::hdf5::ToSlabs;
use crate::la::Vector;
use crate::mesh::{LocalMesh, checksum};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

/// Communication plan between the nodes of this rank and its block of each vector in the file.
pub(crate) struct NodeSlabs {
    blocks: BlockDistribution,
    to: ToSlabs,
    /// Nodes of this rank, ghosts included.
    nodes: usize,
}

impl NodeSlabs {
    /// Prepares the exchange for a mesh. **Collective.**
    pub fn new(comm: &Comm, mesh: &LocalMesh) -> Self {
        let blocks = BlockDistribution::new(mesh.total_nodes, comm.size());
        let to = ToSlabs::new(comm, blocks, mesh.node_ids[..mesh.owned_nodes].iter().copied());
        Self { blocks, to, nodes: mesh.node_ids.len() }
    }

    /// Returns the distribution of the nodes over the blocks.
    pub fn blocks(&self) -> BlockDistribution {
        self.blocks
    }

    /// Returns this rank's block of a vector, 0 at nodes of no element. **Collective.**
    pub fn send(&self, comm: &Comm, vector: &Vector) -> Vec<f64> {
        self.to.send(comm, |item| [vector.owned()[item]], [0.0]).into_flattened()
    }

    /// Returns the vector of which each rank has a block. **Collective.**
    pub fn fetch(&self, comm: &Comm, block: &[f64]) -> Vector {
        Vector::from_owned(&self.to.fetch(comm, block), self.nodes)
    }

    /// Returns this rank's part of the checksum of vector `k`.
    pub fn checksum(&self, comm: &Comm, k: GlobalIndex, values: &[f64]) -> u64 {
        let first = k * self.blocks.total() + self.blocks.range(comm.rank()).start;
        checksum(first, values.iter().map(|value| [value.to_bits()]))
    }
}
