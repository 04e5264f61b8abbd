//! The solver as a library for SimGrid's SMPI (see run.sh). All simulated ranks take turns on one
//! thread and share one copy of the library: what is static or local to the thread belongs to all
//! of them. The solver takes the steps of the program on built-in meshes. There is no MPI-IO: each
//! rank writes its part of the results to a file of its own, so that all messages between ranks are
//! there except those of HDF5 and MPI-IO. Rank 0 prints a partial run record. The clock is that of
//! the simulation.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Display;
use std::panic;
use std::ptr;
use std::rc::Rc;
use std::sync::OnceLock;

use clap::Parser;
use hdf5::File;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use quad8_mpi::app::case::{Case, SolveArgs};
use quad8_mpi::fem::ElementSystem;
use quad8_mpi::io::record::RunRecord;
use quad8_mpi::io::results::{Results, Storage, Writer};
use quad8_mpi::la::cg::{CgOptions, CgState, Monitor, bytes_per_iteration, conjugate_gradient_monitored};
use quad8_mpi::mesh::{DistributedMesh, MeshHierarchy};
use quad8_mpi::parallel::{Breakdown, Comm, IterationTimer, MinMeanMax, Stopwatch, Timings};
use quad8_mpi::post::{derive, statistics};
use quad8_mpi::{Error, Result};
use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};
use serde_json::{Value, json};

/// What SMPI calls on every simulated rank.
///
/// # Safety
/// `argv` must hold `argc` strings, as that of every C program.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let args = (0..argc as usize).map(|i| unsafe { CStr::from_ptr(*argv.add(i)) }.to_string_lossy().into_owned());
    let args: Vec<String> = args.collect();
    // A panic must not leave Rust.
    panic::catch_unwind(|| run(&args)).unwrap_or(4)
}

/// The options of `quad8-mpi solve`.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    solve: SolveArgs,
}

fn run(args: &[String]) -> c_int {
    let Options { solve: args } = match Options::try_parse_from(args) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return 2;
        }
    };
    // HDF5 starts before MPI: else it would call SMPI with constants of its own MPI.
    hdf5::library_version();
    let _mpi = Mpi::init();
    // SMPI's own world is a placeholder, which its probes do not understand.
    let comm = Rc::new(Comm::new(SimpleCommunicator::world().duplicate()));
    match solve(&comm, &args) {
        Ok(record) if comm.is_root() => println!("{record}"),
        Ok(_) => (),
        Err(error) => {
            eprintln!("smpi: {error}");
            return error.exit_code() as c_int;
        }
    }
    0
}

/// MPI of one simulated rank. `mpi::initialize` holds a lock meanwhile, which is static and would
/// block the other ranks.
struct Mpi;

impl Mpi {
    fn init() -> Self {
        // SAFETY: each rank calls it once, and MPI takes no arguments of the program.
        #[allow(unsafe_code)]
        unsafe {
            mpi::ffi::MPI_Init(ptr::null_mut(), ptr::null_mut());
        }
        Self
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // SAFETY: `init` has been called, and no communicator remains.
        #[allow(unsafe_code)]
        unsafe {
            mpi::ffi::MPI_Finalize();
        }
    }
}

/// Replaces the function of HDF5 that makes transfers collective: a file of one rank refuses that.
///
/// # Safety
/// It uses no memory.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn H5Pset_dxpl_mpio(_properties: i64, _mode: c_int) -> c_int {
    0
}

/// Measures each iteration.
struct Iterations(IterationTimer);

impl Monitor for Iterations {
    fn observe(&self, iteration: usize, _relative: f64) {
        self.0.lap(iteration);
    }
}

/// **Collective.**
fn solve(comm: &Rc<Comm>, args: &SolveArgs) -> Result<Value> {
    let case = Case::resolve(comm, args)?;
    // All ranks run on the one thread of this process.
    static POOL: OnceLock<std::result::Result<(), ThreadPoolBuildError>> = OnceLock::new();
    let start = || ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    comm.agree(POOL.get_or_init(start).as_ref().map_err(|e| Error::internal(e.to_string())))?;
    let mut watch = Stopwatch::start(comm);

    let slab = watch.time("load_mesh", || case.mesh.read(comm).map(|slab| slab.scaled(comm, case.scale)))?;
    let problem = case.problem(&slab.boundary_names(), &slab.tags.region_names)?;
    let hierarchy = watch.time("partition", || {
        let parts = case.run.partition.partition(comm, &slab)?.parts;
        let DistributedMesh { mesh, halo, .. } = DistributedMesh::new(comm, slab, &parts)?;
        MeshHierarchy::new(mesh, halo, case.refine)
    })?;
    let system = watch.time("assemble_system", || ElementSystem::integrate(&hierarchy, &problem))?;
    let system = watch.time("apply_bc", || system.apply_bc(case.solver.operator))?;
    let preconditioner = watch.time("setup_preconditioner", || system.preconditioner(case.solver.preconditioner))?;
    let start = CgState::new(system.zeros());
    let options = CgOptions { rtol: case.solver.rtol, max_iterations: case.solver.max_iterations, patience: None };
    let iterations = Iterations(IterationTimer::start(comm));
    let (x, report) = watch.time("solve_system", || {
        conjugate_gradient_monitored(system.operator(), &*preconditioner, system.rhs(), start, options, &iterations)
    });
    let bytes = bytes_per_iteration(system.operator(), &*preconditioner);
    let breakdown = Breakdown::of_solve(comm, &iterations.0, bytes, &preconditioner.spent());
    let levels = preconditioner.levels();
    drop(preconditioner);
    let (solution, fields) = watch.time("compute_derived", || {
        let solution = system.recover_solution(x);
        let fields = derive(&solution, case.fluid(), false)?;
        Ok((solution, fields))
    })?;
    let record = RunRecord { residual_history: report.history, ..RunRecord::default() };
    let results = Results {
        mesh: &hierarchy.mesh,
        u: &solution.u,
        fields: &fields.elements,
        node_fields: &fields.nodes,
        flux: None,
        errors: &fields.errors.elements,
        record: &record,
    };
    watch.time("export", || write(comm, &results))?;
    let breakdown = breakdown.with_stages(watch.collect(comm));
    let statistics = statistics(comm, solution.u.owned());
    if comm.is_root() {
        table(comm.size(), &breakdown);
    }
    let timings: Timings = breakdown.stages.iter().map(|(stage, split)| (stage.clone(), split.seconds)).collect();
    Ok(json!({
        "iterations": report.iterations,
        "mesh_info": { "source": case.mesh.name(), "refine": case.refine, "used_nodes": hierarchy.halo.map().total() },
        "parallel": { "ranks": comm.size(), "threads_per_rank": 1, "hosts": comm.size() },
        "solution_stats": { "u_range": statistics.range, "u_mean": statistics.mean, "u_std": statistics.std },
        "convergence": { "levels": levels },
        "timing_metrics": timings,
        "breakdown": breakdown,
    }))
}

/// Writes the results, each rank its part to a temporary file of its own. **Collective.**
fn write(comm: &Comm, results: &Results) -> Result<()> {
    let failed = |error: &dyn Display| Error::internal(error.to_string());
    let folder = comm.agree(tempfile::tempdir().map_err(|e| failed(&e)))?;
    let file = comm.agree(File::create(folder.path().join("part.h5")).map_err(|e| failed(&e)))?;
    let written = Writer { comm, file: &file, results, storage: &Storage::default() }.write();
    comm.agree(written.and_then(|()| file.close()).map_err(|e| failed(&e)))
}

/// Simulated seconds of the slowest rank, and what all of them send.
fn table(ranks: usize, breakdown: &Breakdown) {
    eprintln!("{:<22} {:>10} {:>10} {:>10} {:>10} {:>10}", "", "ms", "messages", "MiB", "reductions", "others");
    let stages = breakdown.stages.iter().map(|(stage, split)| (stage.as_str(), split));
    for (name, split) in stages.chain([("one iteration", &breakdown.iterations.mean)]) {
        let all = |span: MinMeanMax| span.mean * ranks as f64;
        eprintln!(
            "{name:<22} {:>10.4} {:>10.0} {:>10.3} {:>10.0} {:>10.0}",
            split.seconds.max * 1e3,
            all(split.halo.count),
            all(split.halo.bytes) / f64::from(1 << 20),
            split.reductions.count.max,
            split.others.count.max,
        );
    }
}
