//! No HDF5 file may make the reader of checkpoints panic or take memory beyond its size.
#![no_main]

mod alone;
mod changed;

use std::path::Path;

use quad8_mpi::app::case::Case;
use quad8_mpi::app::checkpoint::{Checkpoints, CheckpointKey};
use quad8_mpi::io;
use quad8_mpi::la::Vector;
use quad8_mpi::la::cg::CgState;
use quad8_mpi::mesh::{self, LocalMesh};

const MESH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/meshes/names.h5");
const DATASETS: &[&str] = &["x", "low", "r", "p", "residual_history"];
const ATTRIBUTES: &[&str] = &["header", "header_checksum", "checksum"];

/// A run, and the checkpoints that it has written.
struct Run {
    case: Case,
    mesh: LocalMesh,
    checkpoints: Checkpoints,
}

impl Run {
    fn new() -> Self {
        alone::with_comm(|comm| {
            let mut slab = io::mesh::file(comm, Path::new(MESH), &()).expect("the mesh can be read");
            let parts = vec![0; slab.elements.total() as usize];
            let (mesh, _) = mesh::distribute(comm, &mut slab, &parts).expect("the mesh is good");
            let checkpoints = Checkpoints::new(comm, &alone::temporary("out.h5"), &[]).expect("there is a place");
            let run = Self { case: Case::default(), mesh, checkpoints };
            let mut state = CgState::new(Vector::zeros(run.mesh.halo(comm).expect("one rank has a halo").map()));
            state.history = vec![1.0, 0.5];
            run.checkpoints.write(comm, &run.subject(), &state).expect("a checkpoint can be written");
            run.checkpoints.read(comm, run.checkpoints.path(), &run.subject()).expect("and can be read");
            run
        })
    }

    fn subject(&self) -> CheckpointKey<'_> {
        CheckpointKey { case: &self.case, input: &self.mesh, mesh: &self.mesh }
    }
}

thread_local! {
    static RUN: Run = Run::new();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    RUN.with(|run| {
        changed::with_changed_file(run.checkpoints.path(), [DATASETS, ATTRIBUTES], bytes, |comm, path| {
            drop(run.checkpoints.read(comm, path, &run.subject()));
        });
    });
});
