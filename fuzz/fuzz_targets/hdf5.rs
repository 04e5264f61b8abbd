//! No HDF5 file may make the reader of meshes panic or take memory beyond its size.
#![no_main]

mod alone;
mod changed;

use quad8_mpi::mesh::read;

/// A mesh with names.
const MESH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/meshes/names.h5");
const DATASETS: &[&str] = &[
    "x",
    "y",
    "quad8",
    "boundaries",
    "boundaries/inlet",
    "boundaries/outlet",
    "boundaries/other",
    "regions",
    "regions/other",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    changed::with_changed_file(MESH, [DATASETS, &[]], bytes, |comm, path| drop(read::file(comm, path)));
});
