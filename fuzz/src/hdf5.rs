//! Meshes in HDF5.

use std::rc::Rc;

use quad8_mpi::io::mesh;
use quad8_mpi::io::mesh::read_weights;
use quad8_mpi::parallel::Comm;

use super::{changed, files};

/// Not in the mesh.
const WEIGHTS: &str = "weights";
/// A mesh with names.
const MESH: &str = "tests/data/meshes/names.h5";
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

/// Reads a mesh and weights. No file may make the readers panic or take memory beyond its size.
pub fn read(comm: &Rc<Comm>, bytes: &[u8]) {
    changed::with_changed_file(comm, files::repository(MESH), [DATASETS, &[]], bytes, |comm, path| {
        if let Ok(slab) = mesh::file(comm, path, &()) {
            drop(read_weights(comm, path, WEIGHTS, &slab));
        }
    });
}
