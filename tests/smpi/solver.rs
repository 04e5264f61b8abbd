//! The solver as a library that SimGrid's SMPI loads once for each simulated
//! rank (see run.sh). From the built-in meshes alone, since there is no MPI-IO:
//! it goes the way of the program up to the solution, and rank 0 prints what
//! came out and the simulated seconds as JSON.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int};
use std::panic;
use std::rc::Rc;

use clap::Parser;
use mpi::Threading;
use quad8_mpi::assemble::{ElementMatrices, Family, Stiffness, fixed_nodes, load_vector};
use quad8_mpi::cli::SolveArgs;
use quad8_mpi::fields::statistics;
use quad8_mpi::la::{CgOptions, CgState, Monitor, Preconditioner, Vector, conjugate_gradient_monitored};
use quad8_mpi::mesh::{self, Split};
use quad8_mpi::parallel::Comm;
use quad8_mpi::parallel::traffic::{Spent, measure};
use quad8_mpi::{Error, Result};
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
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Single) else { return 4 };
    let comm = Rc::new(Comm::new(universe.world()));
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

/// Simulated seconds of the slowest rank, and what all ranks sent, by stage.
struct Stages<'a> {
    comm: &'a Comm,
    stages: serde_json::Map<String, Value>,
}

impl Stages<'_> {
    /// **Collective.**
    fn time<R>(&mut self, stage: &str, work: impl FnOnce() -> R) -> R {
        let start = mpi::time();
        let (result, spent) = measure(work);
        let seconds = self.comm.max(mpi::time() - start);
        let mut sent = sent(self.comm, &spent);
        sent["seconds"] = seconds.into();
        self.stages.insert(stage.to_owned(), sent);
        result
    }
}

/// The simulated time after each iteration.
#[derive(Default)]
struct Clock(RefCell<Vec<f64>>);

impl Monitor for Clock {
    fn observe(&self, _iteration: usize, _relative: f64) {
        self.0.borrow_mut().push(mpi::time());
    }
}

/// Messages and bytes of all ranks, and the operations of one. **Collective.**
fn sent(comm: &Comm, spent: &Spent) -> Value {
    let traffic = &spent.traffic;
    json!({
        "messages": comm.sum(traffic.halo.count),
        "bytes": comm.sum(traffic.halo.bytes),
        "reductions": traffic.reductions.count,
        "others": traffic.others.count,
    })
}

fn solve(comm: &Rc<Comm>, args: &SolveArgs) -> Result<Value> {
    let case = args.case(comm)?;
    // Each rank of a simulation is alone on its host.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    comm.agree(pool.map_err(|e| Error::Threads { threads: 1, cause: e.to_string() }))?;
    let mut stages = Stages { comm, stages: serde_json::Map::new() };

    let mut slab = stages.time("load_mesh", || case.mesh.read(comm))?;
    let problem = case.problem(&slab.boundary_names(), &slab.tags.region_names)?;
    let ((base, base_boundary), (mesh, boundary), halo) = stages.time("partition", || {
        let split = Split::ranks(comm, args.partitioner.partitioner());
        let partition = mesh::partition(comm, &slab, &split)?;
        let (base, _) = mesh::distribute(comm, &mut slab, &partition.parts)?;
        let (boundary, _) = mesh::named_boundary(comm, &slab, &base)?;
        let refined = mesh::refine(comm, &base, &boundary, case.refine)?;
        let halo = Rc::new(refined.0.halo(comm)?);
        Ok::<_, Error>(((base, boundary), refined, halo))
    })?;
    let (elements, mut b) = stages.time("assemble_system", || {
        let elements = ElementMatrices::new(&mesh, &boundary, &problem)?;
        Ok::<_, Error>((elements, load_vector(&mesh, &boundary, &problem)?))
    })?;
    let fixed = fixed_nodes(&halo, &mesh, &boundary, &problem)?;
    let stiffness = stages.time("apply_bc", || Stiffness::elements(&halo, &mesh, &elements, &fixed, &mut b));
    let preconditioner = stages.time("setup_preconditioner", || {
        let family = Family::new(comm, &base, &base_boundary, &problem, case.refine, elements)?;
        stiffness.multigrid(&mesh, &fixed, family)
    })?;
    let start = CgState::new(Vector::zeros(halo.map()));
    let options = CgOptions { rtol: case.solver.rtol, max_iterations: case.solver.max_iterations };
    let clock = Clock::default();
    let operator = stiffness.operator();
    let (mut u, report) = stages
        .time("solve_system", || conjugate_gradient_monitored(operator, &preconditioner, &b, start, options, &clock));
    let times = clock.0.into_inner();
    let iteration = (times[times.len() - 1] - times[0]) / (times.len() - 1).max(1) as f64;
    let levels: Vec<Value> = preconditioner
        .levels()
        .iter()
        .zip(preconditioner.spent())
        .map(|(size, spent)| {
            let mut level = sent(comm, &spent);
            level["unknowns"] = size.unknowns.into();
            level
        })
        .collect();
    for ((u, &is_fixed), &value) in u.owned_mut().iter_mut().zip(&fixed.fixed).zip(&fixed.values) {
        if is_fixed {
            *u = value;
        }
    }
    let statistics = statistics(comm, u.owned());
    Ok(json!({
        "ranks": comm.size(),
        "unknowns": halo.map().total(),
        "iterations": report.iterations,
        "u_range": statistics.range,
        "u_mean": statistics.mean,
        "u_std": statistics.std,
        "seconds_an_iteration": comm.max(iteration),
        "levels": levels,
        "stages": stages.stages,
    }))
}
