//! No HDF5 file may make the reader of meshes, or of weights, panic or take memory beyond its size.
#![no_main]

mod alone;
mod changed;

use quad8_mpi::io::mesh;
use quad8_mpi::io::mesh::read_weights;

/// Not in the mesh.
const WEIGHTS: &str = "weights";
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
    WEIGHTS,
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    changed::with_changed_file(MESH, [DATASETS, &[]], bytes, |comm, path| {
        if let Ok(slab) = mesh::file(comm, path, &()) {
            drop(read_weights(comm, path, WEIGHTS, &slab));
        }
    });
});
