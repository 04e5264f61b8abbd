//! Checks checkpoints that one number of ranks writes and another one reads. The current folder is
//! the same for all ranks.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use mpi::topology::{Color, Communicator, SimpleCommunicator};
use quad8_mpi::app::case::Case;
use quad8_mpi::app::checkpoint::{CheckpointKey, Checkpoints, Restart};
use quad8_mpi::fem::OperatorKind;
use quad8_mpi::la::cg::{
    CgOptions, CgReport, CgState, ConvergedReason, IterationControl, Monitor, Rhs, conjugate_gradient_monitored,
};
use quad8_mpi::la::{Jacobi, LinearOperator, Vector};
use quad8_mpi::mesh::MeshHierarchy;
use quad8_mpi::parallel::Comm;
use quad8_mpi::{ExitCode, Result};

use super::manufactured;
use super::meshes::{Grid, Mesh};
use super::pipeline::Model;
use crate::Check;

pub const CHECKS: &[Check] = checks![
    a_checkpoint_continues_on_any_number_of_ranks,
    the_same_number_of_ranks_continues_with_the_same_bits,
    a_checkpoint_of_another_problem_is_refused,
    damage_is_found_and_the_older_checkpoint_used,
    a_partial_file_left_behind_does_no_harm,
];

const OPTIONS: CgOptions = CgOptions { rtol: 1e-12, max_iterations: 10_000, patience: None };
const RESULTS: &str = "out.h5";
const NEWEST: &str = "out.checkpoint.h5";
const OLDER: &str = "out.checkpoint.old.h5";

/// Monitor that stops after one iteration and keeps the state.
pub struct StopAfter {
    pub iteration: usize,
    pub state: RefCell<Option<CgState>>,
}

impl Monitor for StopAfter {
    fn control(&self, iteration: usize) -> IterationControl {
        if iteration == self.iteration { IterationControl::Stop } else { IterationControl::Continue }
    }

    fn save(&self, state: &CgState) {
        self.state.replace(Some(state.clone()));
    }
}

/// Problem on some ranks.
struct Run {
    comm: Rc<Comm>,
    model: Model,
    case: Case,
}

impl Run {
    fn new(comm: &Rc<Comm>, mesh: &Mesh, refine: u32) -> Self {
        let model = Model::new(comm, mesh, &manufactured::side, &manufactured::problem(), refine).expect("a good mesh");
        Self { comm: Rc::clone(comm), model, case: Case { refine, ..Case::default() } }
    }

    fn usual(comm: &Rc<Comm>) -> Self {
        Self::new(comm, &Grid::untidy(7, 6).mesh(), 1)
    }

    fn key(&self) -> CheckpointKey<'_> {
        CheckpointKey::new(&self.case, self.model.coarse(), &self.model.mesh)
    }

    fn solve(&self, start: Option<CgState>, monitor: &dyn Monitor) -> (Vector, CgReport) {
        let system = self.model.system(&manufactured::problem());
        let start = start.unwrap_or_else(|| CgState::new(Vector::zeros(self.model.halo.map())));
        let jacobi = Jacobi::new(&system.matrix.diagonal());
        conjugate_gradient_monitored(&system.matrix, &jacobi, &Rhs::new(system.b), start, OPTIONS, monitor)
    }

    /// Returns the state after `iteration` iterations. **Collective.**
    fn state(&self, iteration: usize) -> CgState {
        let monitor = StopAfter { iteration, state: RefCell::new(None) };
        let (_, report) = self.solve(None, &monitor);
        assert_eq!((report.outcome, report.iterations), (ConvergedReason::Interrupted, iteration));
        monitor.state.into_inner().expect("a state")
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(&self.comm, Path::new(RESULTS), &[]).expect("a place for checkpoints")
    }

    fn write(&self, iteration: usize) {
        self.checkpoints().write(&self.comm, &self.key(), &self.state(iteration)).expect("a checkpoint");
    }

    fn read(&self) -> Result<Restart> {
        self.checkpoints().read(&self.comm, Path::new(NEWEST), &self.key())
    }
}

/// Returns a communicator of the lowest `ranks` ranks, on these. **Collective.**
fn lowest(ranks: usize) -> Option<Rc<Comm>> {
    let world = SimpleCommunicator::world();
    let is_one = (world.rank() as usize) < ranks;
    let color = if is_one { Color::with_value(0) } else { Color::undefined() };
    world.split_by_color(color).map(|comm| Rc::new(Comm::new(comm)))
}

fn a_checkpoint_continues_on_any_number_of_ranks(comm: &Rc<Comm>) {
    let (expected, whole) = Run::usual(comm).solve(None, &());
    let expected = Run::usual(comm).model.by_number(expected.owned());
    let size = comm.size();
    for (from, to) in [(1, size), (2, size), (size, 3), (size, 1), (3, 4)].iter().filter(|p| p.0.max(p.1) <= size) {
        if let Some(writers) = lowest(*from) {
            Run::usual(&writers).write(30);
        }
        comm.barrier();
        if let Some(readers) = lowest(*to) {
            let run = Run::usual(&readers);
            let Restart { state, from: restarted, warning } = run.read().expect("a good checkpoint");
            assert_eq!((restarted.iteration, warning), (30, None));
            let (u, report) = run.solve(Some(state), &());
            assert_eq!(report.outcome, ConvergedReason::Converged);
            assert!(report.iterations.abs_diff(whole.iterations) <= 2, "{} {}", report.iterations, whole.iterations);
            // Each rank holds its own part of the expected values.
            let found = run.model.by_number(u.owned());
            let apart = found.iter().zip(&expected).filter(|(a, b)| !a.is_nan() && !b.is_nan());
            assert!(apart.into_iter().all(|(a, b)| (a - b).abs() < 1e-9), "{from} to {to} ranks");
        }
        comm.barrier();
    }
}

fn the_same_number_of_ranks_continues_with_the_same_bits(comm: &Rc<Comm>) {
    let run = Run::usual(comm);
    let (expected, whole) = run.solve(None, &());
    assert!(whole.iterations > 100, "{} iterations: no look at the true residual", whole.iterations);
    for iteration in [1, 60, 100, 101] {
        run.write(iteration);
        let (u, report) = run.solve(Some(run.read().expect("a good checkpoint").state), &());
        assert_eq!(report.history, whole.history, "after iteration {iteration}");
        assert_eq!(u.owned(), expected.owned());
    }
}

fn a_checkpoint_of_another_problem_is_refused(comm: &Rc<Comm>) {
    Run::usual(comm).write(5);
    let refused = |run: &Run, what: &str| {
        let error = run.read().err().expect("an error on every rank");
        assert_eq!(error.exit_code(), ExitCode::Input);
        assert!(error.to_string().contains(&format!("the checkpoint of another solve: there, {what} is ")), "{error}");
    };
    let mesh = Grid::untidy(7, 6).mesh();
    refused(&Run::new(comm, &mesh, 0), "refine");
    refused(&Run::new(comm, &Grid::untidy(7, 5).mesh(), 1), "number of elements of the mesh");
    let mut moved = mesh.clone();
    moved.points[moved.elements[0][0] as usize][0] += 1e-12;
    refused(&Run::new(comm, &moved, 1), "checksum of the coordinates of the mesh");
    let mut other = Run::usual(comm);
    let mut coarse = other.model.coarse().clone();
    coarse.boundary.iter_mut().for_each(|edge| edge.boundary = 0);
    let halo = Rc::new(coarse.halo(comm).expect("a consistent halo"));
    other.model.hierarchy = MeshHierarchy::new(coarse, halo, 1).expect("a good mesh");
    refused(&other, "checksum of the names of boundaries and regions of the mesh");
    let mut other = Run::usual(comm);
    other.case.solver.operator = OperatorKind::Assembled;
    refused(&other, "solver.operator");
    let mut other = Run::usual(comm);
    other.case.boundary.insert("wall".to_owned(), "dirichlet:1".parse().expect("a condition"));
    refused(&other, "boundary.wall.dirichlet");
}

/// Changes the newest checkpoint. **Collective.**
fn damage(comm: &Comm, bytes: &[u8], change: impl Fn(&mut Vec<u8>)) {
    if comm.is_root() {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        fs::write(NEWEST, bytes).expect("room");
    }
    comm.barrier();
}

fn damage_is_found_and_the_older_checkpoint_used(comm: &Rc<Comm>) {
    let run = Run::usual(comm);
    let checkpoints = run.checkpoints();
    for iteration in [10, 20] {
        checkpoints.write(comm, &run.key(), &run.state(iteration)).expect("a checkpoint");
    }
    let intact = fs::read(NEWEST).expect("a file");
    let offset = hdf5::File::open(NEWEST).and_then(|file| file.dataset("r")).expect("a dataset").offset();
    let middle = offset.expect("a place in the file") as usize + 4 * run.model.mesh.total_nodes as usize;
    comm.barrier();
    let older_is_used = || {
        let restart = run.read().expect("the older one is good");
        assert_eq!((restart.from.iteration, restart.from.file.as_path()), (10, Path::new(OLDER)));
        let warning = restart.warning.expect("a warning");
        assert!(warning.starts_with("out.checkpoint.h5 is damaged") && warning.contains(OLDER), "{warning}");
    };
    for length in [0, 100, intact.len() / 2, intact.len() - 1000] {
        damage(comm, &intact, |bytes| bytes.truncate(length));
        older_is_used();
    }
    for bit in [0, 4, 7] {
        damage(comm, &intact, |bytes| bytes[middle] ^= 1 << bit);
        older_is_used();
    }
    let text = intact.windows(7).position(|word| word == b"scale =").expect("a header");
    damage(comm, &intact, |bytes| bytes[text + 9] ^= 1);
    older_is_used();

    // Without an older checkpoint a damaged one is an error; an intact one is preferred to the
    // older.
    damage(comm, &intact, |_| ());
    assert_eq!(run.read().expect("a good checkpoint").from.iteration, 20);
    damage(comm, &intact, |bytes| bytes[middle] ^= 1);
    if comm.is_root() {
        fs::remove_file(OLDER).expect("it was there");
    }
    comm.barrier();
    let error = run.read().err().expect("an error on every rank");
    assert_eq!(error.exit_code(), ExitCode::Input);
    assert_eq!(
        error.to_string(),
        "out.checkpoint.h5 is damaged, or no checkpoint of quad8-mpi: its checksum is another one"
    );
}

fn a_partial_file_left_behind_does_no_harm(comm: &Rc<Comm>) {
    let run = Run::usual(comm);
    let draft = format!("{NEWEST}.partial");
    if comm.is_root() {
        fs::write(&draft, "left by a run that was killed").expect("room");
    }
    comm.barrier();
    run.write(15);
    assert!(!Path::new(&draft).exists());
    assert_eq!(run.read().expect("a good checkpoint").from.iteration, 15);
    comm.barrier();
    run.checkpoints().remove(comm);
    comm.barrier();
    assert!(!Path::new(NEWEST).exists() && !Path::new(OLDER).exists());
}
