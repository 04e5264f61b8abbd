//! No HDF5 file may make the reader of stored partitions panic or take memory beyond its size.
#![no_main]

mod alone;
mod changed;

use std::path::Path;

use quad8_mpi::io::{mesh, read_partition};

/// A mesh, and a partition of it.
const MESH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/gmsh/names.msh");
const PARTITION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/partition.h5");
const ATTRIBUTES: &[&str] =
    &["parts", "edge_cut", "seed", "elements", "nodes", "connectivity_checksum", "part_checksum"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    changed::with_changed_file(PARTITION, [&["part"], ATTRIBUTES], bytes, |comm, path| {
        let slab = mesh::file(comm, Path::new(MESH), &()).expect("the mesh can be read");
        drop(read_partition(comm, path, &slab));
    });
});
