//! Checkpoints.

use std::cell::OnceCell;
use std::rc::Rc;

use quad8_mpi::app::case::Case;
use quad8_mpi::app::checkpoint::{CheckpointKey, Checkpoints};
use quad8_mpi::io;
use quad8_mpi::la::Vector;
use quad8_mpi::la::cg::CgState;
use quad8_mpi::mesh::{self, LocalMesh};
use quad8_mpi::parallel::Comm;

use super::{changed, files};

const MESH: &str = "tests/data/meshes/names.h5";
const DATASETS: &[&str] = &["x", "low", "r", "p", "residual_history"];
const ATTRIBUTES: &[&str] = &["header", "header_checksum", "checksum"];

/// A run, and the checkpoints that it has written.
struct Run {
    case: Case,
    mesh: LocalMesh,
    checkpoints: Checkpoints,
}

impl Run {
    fn new(comm: &Rc<Comm>) -> Self {
        let mut slab = io::mesh::file(comm, &files::repository(MESH), &()).expect("the mesh can be read");
        let parts = vec![0; slab.elements.total() as usize];
        let mesh = mesh::distribute(comm, &mut slab, &parts).expect("the mesh is good").mesh;
        let checkpoints = Checkpoints::new(comm, &files::temporary("out.h5"), &[]).expect("there is a place");
        let run = Self { case: Case::default(), mesh, checkpoints };
        let mut state = CgState::new(Vector::zeros(run.mesh.halo(comm).expect("one rank has a halo").map()));
        state.history = vec![1.0, 0.5];
        run.checkpoints.write(comm, &run.subject(), &state).expect("a checkpoint can be written");
        run.checkpoints.read(comm, run.checkpoints.path(), &run.subject()).expect("and can be read");
        run
    }

    fn subject(&self) -> CheckpointKey<'_> {
        CheckpointKey::new(&self.case, &self.mesh, &self.mesh)
    }
}

/// Reads a checkpoint. No file may make the reader panic or take memory beyond its size.
pub fn read(comm: &Rc<Comm>, bytes: &[u8]) {
    thread_local! {
        // Never dropped: MPI may have ended by then.
        static RUN: OnceCell<&'static Run> = const { OnceCell::new() };
    }
    let run = RUN.with(|run| *run.get_or_init(|| Box::leak(Box::new(Run::new(comm)))));
    changed::with_changed_file(comm, run.checkpoints.path(), [DATASETS, ATTRIBUTES], bytes, |comm, path| {
        drop(run.checkpoints.read(comm, path, &run.subject()));
    });
}
