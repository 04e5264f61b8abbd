//! Stored partitions.

use std::rc::Rc;

use quad8_mpi::io::{mesh, read_partition};
use quad8_mpi::parallel::Comm;

use super::{changed, files};

/// A mesh, and a partition of it.
const MESH: &str = "fuzz/corpus/gmsh/names.msh";
const PARTITION: &str = "fuzz/partition.h5";
const ATTRIBUTES: &[&str] =
    &["parts", "edge_cut", "seed", "elements", "nodes", "connectivity_checksum", "part_checksum"];

/// Reads a partition. No file may make the reader panic or take memory beyond its size.
pub fn read(comm: &Rc<Comm>, bytes: &[u8]) {
    changed::with_changed_file(comm, files::repository(PARTITION), [&["part"], ATTRIBUTES], bytes, |comm, path| {
        let slab = mesh::file(comm, &files::repository(MESH), &()).expect("the mesh can be read");
        drop(read_partition(comm, path, &slab));
    });
}
