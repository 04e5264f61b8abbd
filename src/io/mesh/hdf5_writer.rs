//! Meshes as HDF5 files, written by all ranks together.

use std::path::Path;

use hdf5::File;

use crate::error::Result;
use crate::io::file::atomic_hdf5;
use crate::io::hdf5::{Part, write_part};
use crate::io::mesh::hdf5_names::{BOUNDARIES, REGIONS, write_list};
use crate::mesh::MeshSlab;
use crate::parallel::Comm;

/// Writes a mesh with its names and data. Coordinates have their unit where the input states it.
/// **Collective.**
///
/// # Errors
/// The file cannot be written; the same on every rank.
pub fn write_mesh(comm: &Comm, path: &Path, slab: &MeshSlab) -> Result<()> {
    let names = slab.tags.boundary_names.len() + slab.tags.region_names.len();
    let edges = comm.sum(slab.tags.edges.len() as u64);
    let data: u64 = slab.data.iter().map(|data| 8 * slab.blocks(data.location).total()).sum();
    let bytes = 16 * slab.nodes.total() + 72 * slab.elements.total() + data + 16 * edges + 1024 * names as u64;
    atomic_hdf5::write(comm, path, bytes, |file| fill(comm, file, slab), || ())?;
    comm.agree(if comm.is_root() { atomic_hdf5::finish(path) } else { Ok(()) })
}

fn fill(comm: &Comm, file: &File, slab: &MeshSlab) -> hdf5::Result<()> {
    let label = slab.has_unit.then_some(["coordinate", "m"]);
    for (axis, name) in ["x", "y"].into_iter().enumerate() {
        let values: Vec<f64> = slab.coordinates.iter().map(|point| point[axis]).collect();
        let part = Part { total: slab.nodes.total(), rows: slab.nodes.range(comm.rank()), is_compressed: false };
        write_part(comm, file, name, part, 1, &values, label)?;
    }
    let part = Part { total: slab.elements.total(), rows: slab.elements.range(comm.rank()), is_compressed: false };
    let nodes = slab.connectivity.as_flattened();
    if i32::try_from(slab.nodes.total()).is_ok() {
        let nodes: Vec<i32> = nodes.iter().map(|&node| node as i32).collect();
        write_part(comm, file, "quad8", part, 8, &nodes, None)?;
    } else {
        write_part(comm, file, "quad8", part, 8, nodes, None)?;
    }
    for data in &slab.data {
        let blocks = slab.blocks(data.location);
        let part = Part { total: blocks.total(), rows: blocks.range(comm.rank()), is_compressed: false };
        write_part(comm, file, &data.name, part, 1, &data.values, None)?;
    }
    let tags = &slab.tags;
    if !tags.boundary_names.is_empty() {
        let group = file.create_group(BOUNDARIES)?;
        for (name, number) in tags.boundary_names.iter().zip(0..) {
            let mine = tags.edges.iter().filter(|edge| edge.boundary == number);
            let nodes: Vec<u64> = mine.flat_map(|edge| edge.nodes).collect();
            write_list(comm, &group, name, &format!("boundary {number}"), 2, &nodes)?;
        }
    }
    if !tags.region_names.is_empty() {
        let group = file.create_group(REGIONS)?;
        let first = slab.elements.range(comm.rank()).start;
        for (name, number) in tags.region_names.iter().zip(0..) {
            let mine = tags.regions.iter().zip(first..).filter(|(region, _)| **region == number);
            let elements: Vec<u64> = mine.map(|(_, element)| element).collect();
            write_list(comm, &group, name, &format!("region {number}"), 1, &elements)?;
        }
    }
    Ok(())
}
