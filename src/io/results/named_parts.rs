//! Named boundaries and regions in a results file, in the format of a mesh file.

use hdf5::File;

use crate::io::hdf5::ToSlabs;
use crate::io::mesh::{BOUNDARIES, REGIONS, write_list};
use crate::mesh::{BoundaryEdge, LocalMesh, NO_REGION};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, Outgoing, concat};

/// Returns the bytes of the names of one rank's part of a mesh.
pub fn size(mesh: &LocalMesh) -> u64 {
    const HEADERS: usize = 1024;
    let names = mesh.boundary_names.len() + mesh.region_names.len();
    let own = if mesh.region_names.is_empty() { 0 } else { mesh.own_elements };
    (names * HEADERS + 16 * mesh.boundary.len() + 8 * own) as u64
}

/// Writes the edges of every named boundary, in the order of their elements, and the elements of
/// every region, ascending; `to_slabs` redistributes own elements to the blocks of the file.
/// **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn write(
    comm: &Comm,
    file: &File,
    mesh: &LocalMesh,
    blocks: BlockDistribution,
    to_slabs: &ToSlabs,
) -> hdf5::Result<()> {
    if !mesh.boundary_names.is_empty() {
        let edges = sorted_edges(comm, blocks, mesh);
        let group = file.create_group(BOUNDARIES)?;
        for (name, number) in mesh.boundary_names.iter().zip(0..) {
            let mine = edges.iter().filter(|edge| edge[3] == number);
            let nodes: Vec<u64> = mine.flat_map(|edge| [edge[1], edge[2]]).collect();
            write_list(comm, &group, name, &format!("boundary {number}"), 2, &nodes)?;
        }
    }
    if !mesh.region_names.is_empty() {
        let regions = to_slabs.send(comm, |element| [mesh.regions[element]], [NO_REGION]);
        let first = blocks.range(comm.rank()).start;
        let group = file.create_group(REGIONS)?;
        for (name, number) in mesh.region_names.iter().zip(0..) {
            let mine = regions.iter().zip(first..).filter(|(region, _)| **region == [number]);
            let elements: Vec<u64> = mine.map(|(_, element)| element).collect();
            write_list(comm, &group, name, &format!("region {number}"), 1, &elements)?;
        }
    }
    Ok(())
}

/// Returns position, corner nodes and boundary of the edges whose elements are in this rank's
/// block, ascending. **Collective.**
fn sorted_edges(comm: &Comm, blocks: BlockDistribution, mesh: &LocalMesh) -> Vec<[GlobalIndex; 4]> {
    let own = mesh.boundary.iter().filter(|edge| (edge.element as usize) < mesh.own_elements);
    let record = |edge: &BoundaryEdge| {
        let element = mesh.element_ids[edge.element as usize];
        let [from, _, to] = edge.nodes(mesh).map(|n| mesh.node_ids[n as usize]);
        (element, [4 * element + GlobalIndex::from(edge.side), from, to, GlobalIndex::from(edge.boundary)])
    };
    let mut outgoing = Outgoing::new();
    for (element, record) in own.map(record) {
        outgoing.to(blocks.owner(element)).extend(record);
    }
    let mut sorted = concat(comm.sparse_exchange(outgoing)).as_chunks().0.to_vec();
    sorted.sort_unstable();
    sorted
}
