//! Checksums that identify a mesh.

use std::iter;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::mesh::{LocalMesh, Location, MeshSlab, NO_REGION};
use crate::parallel::{Comm, GlobalIndex};

/// Largest number of values in a row of a checksum, with the number of the row.
const WIDEST: usize = 9;

/// Identity of a mesh in three numbers, the same at any number of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshIdentity {
    /// Elements.
    pub elements: u64,
    /// Nodes, used or not.
    pub nodes: u64,
    /// Checksum of the nodes of all elements, whatever their orientation.
    pub connectivity: u64,
}

impl MeshIdentity {
    /// Computes the identity of a mesh in slabs. **Collective.**
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

/// Identity of a mesh with its geometry and its names, the same at any number of ranks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshFingerprint {
    elements: u64,
    nodes: u64,
    connectivity: Checksum,
    coordinates: Checksum,
    names: Checksum,
    #[serde(default)]
    data: Checksum,
}

/// Checksum as text: TOML has no unsigned integers of 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Checksum(String);

/// Returns the checksum of nothing.
impl Default for Checksum {
    fn default() -> Self {
        Self("0".repeat(16))
    }
}

impl Checksum {
    /// Adds up the checksums of all ranks. **Collective.**
    fn of<const N: usize>(comm: &Comm, rows: impl Iterator<Item = (GlobalIndex, [GlobalIndex; N])>) -> Self {
        Self(format!("{:016x}", comm.sum(sum(rows))))
    }
}

impl MeshFingerprint {
    /// Computes the fingerprint of a mesh that is distributed and not refined, with its named
    /// edges. **Collective.**
    pub fn of(comm: &Comm, mesh: &LocalMesh) -> Self {
        let own = 0..mesh.own_elements;
        let connectivity = own.clone().map(|e| {
            let mut nodes = mesh.global_nodes(e);
            nodes.sort_unstable();
            (mesh.element_ids[e], nodes)
        });
        let used = mesh.node_ids.iter().copied().zip(mesh.coordinates.iter().copied()).take(mesh.owned_nodes);
        let coordinates = used.chain(mesh.orphans.iter().copied()).map(|(id, point)| (id, point.map(f64::to_bits)));
        let name = |names: &[String], i: u16| xxh3_64(names[usize::from(i)].as_bytes());
        let edges = mesh.boundary.iter().filter(|edge| (edge.element as usize) < mesh.own_elements).map(|edge| {
            let row = [u64::from(edge.side), name(&mesh.boundary_names, edge.boundary)];
            (mesh.element_ids[edge.element as usize], row)
        });
        let regions = own.filter(|&e| mesh.regions.get(e).is_some_and(|&region| region != NO_REGION));
        let regions = regions.map(|e| (mesh.element_ids[e], [u64::MAX, name(&mesh.region_names, mesh.regions[e])]));
        let data = mesh.data.iter().flat_map(|data| {
            let (ids, own) = match data.location {
                Location::Elements => (&mesh.element_ids, mesh.own_elements),
                Location::Nodes => (&mesh.node_ids, mesh.owned_nodes),
            };
            let name = xxh3_64(data.name.as_bytes());
            ids.iter().zip(&data.values).take(own).map(move |(&id, value)| (id, [name, value.to_bits()]))
        });
        Self {
            elements: mesh.total_elements,
            nodes: mesh.total_nodes,
            connectivity: Checksum::of(comm, connectivity),
            coordinates: Checksum::of(comm, coordinates),
            names: Checksum::of(comm, edges.chain(regions)),
            data: Checksum::of(comm, data),
        }
    }

    /// Returns the first property in which another mesh differs, with both values.
    pub fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let values = |mesh: &Self| {
            let Self { elements, nodes, connectivity, coordinates, names, data } = mesh.clone();
            [elements.to_string(), nodes.to_string(), connectivity.0, coordinates.0, names.0, data.0]
        };
        let what = [
            "number of elements",
            "number of nodes",
            "checksum of the connectivity",
            "checksum of the coordinates",
            "checksum of the names of boundaries and regions",
            "checksum of the data of materials",
        ];
        let pairs = values(self).into_iter().zip(values(other));
        what.into_iter().zip(pairs).find(|(_, (a, b))| a != b).map(|(what, (a, b))| (what, a, b))
    }
}

/// Computes this rank's part of a checksum, from its rows, which start at row `first`. The checksum
/// is the wrapping sum of the parts of all ranks.
pub fn checksum<const N: usize>(first: GlobalIndex, rows: impl Iterator<Item = [GlobalIndex; N]>) -> u64 {
    sum((first..).zip(rows))
}

fn sum<const N: usize>(rows: impl Iterator<Item = (GlobalIndex, [GlobalIndex; N])>) -> u64 {
    const { assert!(N < WIDEST) }
    let mut bytes = [[0; size_of::<GlobalIndex>()]; WIDEST];
    let hash = |(number, row): (GlobalIndex, [GlobalIndex; N])| {
        let values = iter::once(number).chain(row);
        bytes.iter_mut().zip(values).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
        xxh3_64(bytes[..=N].as_flattened())
    };
    rows.map(hash).fold(0, u64::wrapping_add)
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
