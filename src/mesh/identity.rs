//! What tells one mesh from another.

use xxhash_rust::xxh3::xxh3_64;

use super::MeshSlab;
use crate::parallel::{Comm, Global};

/// A mesh in three numbers, the same at any number of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshIdentity {
    /// Elements.
    pub elements: u64,
    /// Nodes, used or not.
    pub nodes: u64,
    /// Checksum of the nodes of all elements, whichever way round each is.
    pub connectivity: u64,
}

impl MeshIdentity {
    /// That of a mesh whose elements are still in its slabs. **Collective.**
    pub fn of(comm: &Comm, slab: &MeshSlab) -> Self {
        let first = slab.elements.range(comm.rank()).start;
        let rows = slab.connectivity.iter().map(|nodes| {
            let mut nodes = *nodes;
            nodes.sort_unstable();
            nodes
        });
        let connectivity = comm.sum(checksum(first, rows));
        Self { elements: slab.elements.total(), nodes: slab.nodes.total(), connectivity }
    }
}

/// This rank's part of a checksum of rows of which it holds those from `first`
/// on: the ranks' parts are to be added up, wrapping around.
pub fn checksum<const N: usize>(first: Global, rows: impl Iterator<Item = [Global; N]>) -> u64 {
    let hash = |(row, number): ([Global; N], Global)| {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        xxh3_64(&bytes)
    };
    rows.zip(first..).map(hash).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_sum_of_its_parts_and_knows_the_order() {
        let rows = [[1], [2], [3]];
        let whole = checksum(5, rows.into_iter());
        let parts = checksum(5, rows[..1].iter().copied()).wrapping_add(checksum(6, rows[1..].iter().copied()));
        assert_eq!(whole, parts);
        assert_ne!(whole, checksum(5, [[2], [1], [3]].into_iter()));
    }
}
