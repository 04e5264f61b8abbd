//! The story of a solve, from the mesh to the results file.

use std::path::Path;
use std::rc::Rc;

use nix::sys::resource::{UsageWho, getrusage};

use crate::assemble::{CoarseMesh, ElementMatrices, Stiffness, fixed_nodes, held_nodes, load_vector};
use crate::cli::{OperatorKind, PreconditionerKind, SolveArgs};
use crate::console::Console;
use crate::error::{Error, ExitCode, Result};
use crate::estimate;
use crate::fault;
use crate::fields::{ElementFields, Fluid, element_fields, node_fields, statistics};
use crate::io::{
    Convergence, Libraries, Memory, MeshInfo, Parallel, Results, ResultsFile, RunRecord, SolutionStats, SolverConfig,
    read_partition,
};
use crate::la::{CgOptions, CgReport, Jacobi, Outcome, Preconditioner, Vector, conjugate_gradient};
use crate::mesh::{self, LocalMesh, MeshSource, Partition, Split};
use crate::parallel::{Comm, Halo, Placement, place};
use crate::problem::Problem;
use crate::timing::{Stopwatch, Timings};

/// Solves what the command line asks for and says how it ended.
/// **Collective.**
///
/// # Errors
/// Any [`Error`], the same on every rank.
pub fn solve(comm: &Rc<Comm>, args: &SolveArgs) -> Result<ExitCode> {
    if args.dry_run {
        return estimate::dry_run(comm, args);
    }
    let mut watch = Stopwatch::start();
    let console = Console::new(comm.is_root() && !args.quiet);
    let placement = start_threads(comm, args)?;
    console.start(comm, &placement);

    // 1. Read, check that the results will have a place, split, distribute, refine.
    let source = args.mesh.clone().map_or(MeshSource::BuiltIn, MeshSource::File);
    let inputs: Vec<&Path> = source.path().into_iter().chain(args.partition.as_deref()).collect();
    let output = ResultsFile::new(comm, &args.output, &inputs, args.json.as_deref())?;
    let slab = watch.time("load_mesh", || source.read(comm))?;
    fault::point(comm, "partition");
    let problem = comm.agree(Problem::by_names(&slab.boundary_names(), args.gamma))?;
    let prepared = watch.time("partition", || prepare(comm, slab, &problem, args))?;
    let Prepared { base, mesh, boundary, halo, partition, turned, inside } = prepared;
    let mut warnings = placement.warnings.clone();
    let orphans = comm.sum(mesh.orphans.len() as u64);
    warnings.extend(mesh_warnings(turned, orphans, inside));
    console.warn(&warnings);
    let parallel = describe_parallel(comm, &placement, &partition, &halo, &mesh);
    console.mesh(&source, &mesh, args.refine, &parallel);

    // 2. Assemble the system and build in the boundary conditions.
    fault::point(comm, "assemble");
    let (elements, mut b) = watch.time("assemble_system", || {
        let elements = ElementMatrices::new(&mesh, &boundary, &problem);
        let elements = comm.agree(elements.map_err(|e| e.before_refinement(args.refine)))?;
        Ok::<_, Error>((elements, load_vector(&mesh, &boundary, &problem)))
    })?;
    let (fixed, stiffness) = watch.time("apply_bc", || {
        let fixed = fixed_nodes(&halo, &mesh, &boundary, &problem);
        let build = match args.operator {
            OperatorKind::Elements => Stiffness::elements,
            OperatorKind::Assembled => Stiffness::assembled,
        };
        let stiffness = build(&halo, &mesh, &elements, &fixed, &mut b);
        (fixed, stiffness)
    });
    let operator = stiffness.operator();

    // 3. Solve.
    fault::point(comm, "solve");
    let preconditioner = watch.time("setup_preconditioner", || {
        Ok::<Box<dyn Preconditioner>, Error>(match args.preconditioner {
            PreconditionerKind::Jacobi => Box::new(Jacobi::new(&operator.diagonal())),
            PreconditionerKind::Multigrid => {
                let coarser = CoarseMesh::family(comm, &base.mesh, &base.boundary, &problem, args.refine)?;
                Box::new(stiffness.multigrid(&mesh, &elements, &fixed, &coarser)?)
            }
        })
    })?;
    drop(elements);
    let options = CgOptions { rtol: args.rtol, max_iterations: args.max_iterations };
    let mut u = Vector::zeros(halo.map());
    let report = watch.time("solve_system", || conjugate_gradient(operator, &*preconditioner, &b, &mut u, options));
    let convergence = Convergence::new(&report, preconditioner.levels());
    let matrix_nnz = comm.sum(operator.entries() as u64);
    // The results need their memory.
    drop((preconditioner, stiffness, b));
    let slow = convergence.slow_multigrid();
    console.warn(slow.as_slice());
    warnings.extend(slow);
    console.solved(&report, args.rtol);

    // 4. Velocities and pressures.
    let (fields, node_fields) = watch.time("compute_derived", || {
        for ((u, &is_fixed), &value) in u.owned_mut().iter_mut().zip(&fixed.fixed).zip(&fixed.values) {
            if is_fixed {
                *u = value;
            }
        }
        halo.forward(u.local_mut());
        let fluid = Fluid { p0: args.p0, density: args.density };
        (element_fields(&mesh, &u, fluid), node_fields(&mesh, &u, fluid))
    });

    // 5. Write.
    fault::point(comm, "export");
    let mut record = RunRecord {
        version: env!("CARGO_PKG_VERSION"),
        libraries: Libraries::in_use(),
        timing_metrics: Timings::new(),
        iterations: report.iterations,
        converged: report.outcome == Outcome::Converged,
        outcome: report.outcome,
        solution_stats: describe_solution(comm, &u, &fields, &report),
        mesh_info: MeshInfo {
            source: source.name(),
            refine: args.refine,
            nodes: mesh.total_nodes,
            used_nodes: halo.map().total(),
            elements: mesh.total_elements,
            matrix_nnz,
            fixed_nodes: comm.sum(fixed.fixed[..mesh.owned_nodes].iter().filter(|f| **f).count() as u64),
        },
        solver_config: describe_options(args),
        convergence,
        memory: measure_memory(comm),
        parallel,
        residual_history: report.history.clone(),
        warnings,
    };
    let results = Results { mesh: &mesh, u: &u, fields: &fields, node_fields: &node_fields, record: &record };
    watch.time("export", || output.write(comm, &results))?;

    // 6. Report.
    record.timing_metrics = watch.collect(comm);
    record.memory = measure_memory(comm);
    if let Some(path) = &args.json {
        comm.agree(if comm.is_root() { record.write(path) } else { Ok(()) })?;
    }
    console.finish(&record, args);
    not_converged(comm, &report, args)
}

/// A distributed mesh before its refinement; nothing where it is not refined.
#[derive(Default)]
struct Base {
    mesh: LocalMesh,
    boundary: Vec<mesh::BoundaryEdge>,
}

/// A mesh that is ready for assembly.
struct Prepared {
    base: Base,
    mesh: LocalMesh,
    boundary: Vec<mesh::BoundaryEdge>,
    halo: Rc<Halo>,
    partition: Partition,
    turned: u64,
    inside: u64,
}

fn prepare(comm: &Rc<Comm>, mut slab: mesh::MeshSlab, problem: &Problem, args: &SolveArgs) -> Result<Prepared> {
    let partition = match &args.partition {
        Some(path) => read_partition(comm, path, &slab)?,
        None => mesh::partition(comm, &slab, &Split::ranks(comm, args.partitioner.partitioner()))?,
    };
    let (coarse, turned) = mesh::distribute(comm, &mut slab, &partition.parts)?;
    let (boundary, inside) = mesh::named_boundary(comm, &slab, &coarse)?;
    mesh::check_components(&coarse.halo(comm)?, &coarse, &held_nodes(&coarse, &boundary, problem))?;
    let (base, mesh, boundary) = if args.refine == 0 {
        (Base::default(), coarse, boundary)
    } else {
        let (mesh, refined) = mesh::refine(comm, &coarse, &boundary, args.refine)?;
        (Base { mesh: coarse, boundary }, mesh, refined)
    };
    let halo = Rc::new(mesh.halo(comm)?);
    Ok(Prepared { base, mesh, boundary, halo, partition, turned, inside })
}

fn start_threads(comm: &Comm, args: &SolveArgs) -> Result<Placement> {
    let placement = place(comm, args.threads.map(|n| n as usize));
    let threads = placement.threads;
    // The main thread works too: with one thread no other is ever started.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build_global();
    comm.agree(pool.map_err(|e| Error::Threads { threads, cause: e.to_string() }))?;
    Ok(placement)
}

fn mesh_warnings(turned: u64, orphans: u64, inside: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    if turned > 0 {
        warnings.push(format!("{turned} elements are clockwise: they were turned round"));
    }
    if orphans > 0 {
        warnings.push(format!("{orphans} nodes belong to no element: they hold NaN in the results"));
    }
    if inside > 0 {
        warnings.push(format!("{inside} named edges lie inside the domain: no condition holds there"));
    }
    warnings
}

fn describe_parallel(
    comm: &Comm,
    placement: &Placement,
    partition: &Partition,
    halo: &Halo,
    mesh: &LocalMesh,
) -> Parallel {
    let mean = mesh.total_elements as f64 / comm.size() as f64;
    Parallel {
        ranks: comm.size(),
        threads_per_rank: comm.max(placement.threads as u64) as usize,
        hosts: placement.hosts,
        first_host: placement.host.clone(),
        edge_cut: partition.edge_cut,
        halo_max: comm.max(halo.sent() as u64),
        halo_sum: comm.sum(halo.sent() as u64),
        neighbours_max: comm.max(halo.neighbours() as u64),
        load_imbalance: comm.max(mesh.own_elements as u64) as f64 / mean,
    }
}

fn describe_solution(comm: &Comm, u: &Vector, fields: &[ElementFields], report: &CgReport) -> SolutionStats {
    let values = statistics(comm, u.owned());
    let speeds: Vec<f64> = fields.iter().map(|f| f.speed).collect();
    SolutionStats {
        u_range: values.range,
        u_mean: values.mean,
        u_std: values.std,
        speed_range: statistics(comm, &speeds).range,
        final_residual: report.residual_norm,
        relative_residual: report.relative_residual(),
    }
}

fn describe_options(args: &SolveArgs) -> SolverConfig {
    SolverConfig {
        operator: args.operator.name().to_owned(),
        preconditioner: args.preconditioner.name().to_owned(),
        rtol: args.rtol,
        max_iterations: args.max_iterations,
        gamma: args.gamma,
        p0: args.p0,
        density: args.density,
    }
}

fn measure_memory(comm: &Comm) -> Memory {
    // Linux counts in KiB (getrusage(2)); where it cannot be read, 0.
    let peak = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss() as u64 * 1024);
    Memory { peak_bytes: comm.all_gather(peak), peak_bytes_max: comm.max(peak), peak_bytes_sum: comm.sum(peak) }
}

/// The exit code, and why it is not 0.
fn not_converged(comm: &Comm, report: &CgReport, args: &SolveArgs) -> Result<ExitCode> {
    let reached = report.relative_residual();
    let why = match report.outcome {
        Outcome::Converged => return Ok(ExitCode::Success),
        Outcome::MaxIterations => "raise --max-iterations or --rtol".to_owned(),
        Outcome::Stagnated => "--rtol is beyond what double precision reaches here: raise it".to_owned(),
        Outcome::IndefiniteOperator { p_ap } => {
            format!("the matrix is not positive definite (p.Kp = {p_ap:e}): check the conditions of the problem")
        }
        Outcome::IndefinitePreconditioner { r_mr } => {
            format!("the preconditioner is not positive definite (r.Mr = {r_mr:e}); please report this")
        }
        Outcome::NotFinite => "a NaN or an infinity appeared: check the size of the input values".to_owned(),
    };
    if comm.is_root() {
        crate::error::complain(&format!(
            "error: not converged after {} iterations, relative residual {reached:.3e} instead of {:.3e}: \
             {why}. {} holds the last iterate, marked as not converged.",
            report.iterations,
            args.rtol,
            args.output.display()
        ));
    }
    Ok(ExitCode::NotConverged)
}
