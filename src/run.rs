//! The story of a solve, from the mesh to the results file.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use crate::assemble::{CoarseMesh, ElementMatrices, Stiffness, fixed_nodes, held_nodes, load_vector};
use crate::bottleneck::bottleneck;
use crate::case::{Case, OperatorKind, PreconditionerKind};
use crate::cli::SolveArgs;
use crate::console::Console;
use crate::describe;
use crate::dry_run::dry_run;
use crate::error::{Error, ExitCode, Result};
use crate::fault;
use crate::fields::{Fluid, element_fields, estimate_error, gauss_velocities, node_fields, recover};
use crate::flow::flow_report;
use crate::io::{Convergence, Libraries, MeshInfo, Results, ResultsFile, RunRecord, read_partition};
use crate::la::{CgOptions, CgReport, Jacobi, Outcome, Preconditioner, Vector, conjugate_gradient_observed};
use crate::mesh::{self, LocalMesh, Partition, Split};
use crate::parallel::{Comm, Halo, Placement, heartbeat, place};
use crate::problem::Problem;
use crate::timing::{Stopwatch, Timings};

/// Solves what the command line asks for and says how it ended.
/// **Collective.**
///
/// # Errors
/// Any [`Error`], the same on every rank.
pub fn solve(comm: &Rc<Comm>, args: &SolveArgs) -> Result<ExitCode> {
    if args.dry_run {
        return dry_run(comm, args);
    }
    let mut watch = Stopwatch::start();
    let console = Console::new(comm.is_root() && !args.quiet);
    let case = args.case(comm)?;
    let Case { mesh: source, refine, constants, solver, output, .. } = &case;
    let placement = start_threads(comm, &case)?;
    console.start(comm, &placement);

    // 1. Read, check that the results will have a place, split, distribute, refine.
    let inputs: Vec<&Path> = source.path().into_iter().chain(args.partition.as_deref()).collect();
    let results_file =
        ResultsFile::new(comm, &output.results, output.format.companion(), &inputs, output.json.as_deref())?;
    let progress = &console.progress;
    enter(comm, "read");
    progress.stage("reading the mesh");
    let slab = watch.time("load_mesh", || source.read(comm))?;
    enter(comm, "partition");
    let problem = comm.agree(case.problem(&slab.boundary_names(), &slab.tags.region_names))?;
    let notes = slab.notes.clone();
    progress.stage("splitting the mesh");
    let prepared = watch.time("partition", || prepare(comm, slab, &problem, *refine, args))?;
    let Prepared { base, mesh, boundary, halo, partition, turned, inside } = prepared;
    let mut warnings = placement.warnings.clone();
    let orphans = comm.sum(mesh.orphans.len() as u64);
    warnings.extend(notes);
    warnings.extend(mesh::warnings(turned, orphans, inside));
    console.warn(&warnings);
    let parallel = describe::parallel(comm, &placement, &partition, &halo, &mesh);
    console.mesh(source, &mesh, *refine, &parallel);

    // 2. Assemble the system and build in the boundary conditions.
    enter(comm, "assemble");
    progress.stage("integrating the elements");
    let (elements, mut b) = watch.time("assemble_system", || {
        let elements = ElementMatrices::new(&mesh, &boundary, &problem);
        let elements = comm.agree(elements.map_err(|e| e.before_refinement(*refine)))?;
        Ok::<_, Error>((elements, comm.agree(load_vector(&mesh, &boundary, &problem))?))
    })?;
    let (fixed, stiffness) = watch.time("apply_bc", || {
        let fixed = fixed_nodes(&halo, &mesh, &boundary, &problem)?;
        let build = match solver.operator {
            OperatorKind::Elements => Stiffness::elements,
            OperatorKind::Assembled => Stiffness::assembled,
        };
        let stiffness = build(&halo, &mesh, &elements, &fixed, &mut b);
        Ok::<_, Error>((fixed, stiffness))
    })?;
    let operator = stiffness.operator();

    // 3. Solve.
    enter(comm, "solve");
    progress.stage("setting up the preconditioner");
    let preconditioner = watch.time("setup_preconditioner", || {
        Ok::<Box<dyn Preconditioner>, Error>(match solver.preconditioner {
            PreconditionerKind::Jacobi => Box::new(Jacobi::new(&operator.diagonal())),
            PreconditionerKind::Multigrid => {
                let coarser = CoarseMesh::family(comm, &base.mesh, &base.boundary, &problem, *refine)?;
                Box::new(stiffness.multigrid(&mesh, elements, &fixed, coarser)?)
            }
        })
    })?;
    let options = CgOptions { rtol: solver.rtol, max_iterations: solver.max_iterations };
    let mut u = Vector::zeros(halo.map());
    let report = watch.time("solve_system", || {
        let start = Instant::now();
        let observer = |iteration, relative| progress.iteration(start, iteration, relative, solver.rtol);
        conjugate_gradient_observed(operator, &*preconditioner, &b, &mut u, options, &observer)
    });
    let convergence = Convergence::new(&report, preconditioner.levels());
    let matrix_nnz = comm.sum(operator.entries() as u64);
    // The results need their memory.
    drop((preconditioner, stiffness, b));
    let slow = convergence.slow_multigrid();
    console.warn(slow.as_slice());
    warnings.extend(slow);
    console.solved(&report, convergence.factor, solver.rtol);

    // 4. Velocities, pressures and flows.
    progress.stage("recovering velocities");
    let (fields, node_fields, estimate, flow) = watch.time("compute_derived", || {
        for ((u, &is_fixed), &value) in u.owned_mut().iter_mut().zip(&fixed.fixed).zip(&fixed.values) {
            if is_fixed {
                *u = value;
            }
        }
        halo.forward(u.local_mut());
        let fluid = Fluid { p0: constants.p0, density: constants.density };
        let flow = flow_report(comm, &mesh, &boundary, &problem, &u)?;
        let gauss = gauss_velocities(&mesh, u.local());
        let velocities = recover(&halo, &mesh, &gauss);
        let estimate = estimate_error(comm, &mesh, u.local(), &velocities, &problem);
        Ok::<_, Error>((element_fields(&mesh, &gauss, fluid), node_fields(&velocities, fluid), estimate, flow))
    })?;

    // 5. Write.
    enter(comm, "export");
    let mut record = RunRecord {
        version: env!("CARGO_PKG_VERSION"),
        libraries: Libraries::in_use(),
        timing_metrics: Timings::new(),
        iterations: report.iterations,
        converged: report.outcome == Outcome::Converged,
        outcome: report.outcome,
        solution_stats: describe::solution(comm, &u, &fields, &estimate, &report),
        mesh_info: MeshInfo {
            source: source.name(),
            refine: *refine,
            nodes: mesh.total_nodes,
            used_nodes: halo.map().total(),
            elements: mesh.total_elements,
            matrix_nnz,
            fixed_nodes: comm.sum(fixed.fixed[..mesh.owned_nodes].iter().filter(|f| **f).count() as u64),
        },
        solver_config: describe::options(&case),
        case: case.text(comm),
        flow,
        convergence,
        memory: describe::memory(comm),
        parallel,
        residual_history: report.history.clone(),
        limited_by: String::new(),
        warnings,
    };
    let results = Results {
        mesh: &mesh,
        boundary: &boundary,
        u: &u,
        fields: &fields,
        node_fields: &node_fields,
        errors: &estimate.elements,
        record: &record,
    };
    progress.stage("writing");
    watch.time("export", || results_file.write(comm, &results))?;

    // 6. Report.
    record.timing_metrics = watch.collect(comm);
    record.memory = describe::memory(comm);
    record.limited_by = bottleneck(&record, &placement.warnings);
    if let Some(path) = &output.json {
        comm.agree(if comm.is_root() { record.write(path) } else { Ok(()) })?;
    }
    console.finish(&record, output, &results_file.companion_path());
    not_converged(comm, &report, &case)
}

fn enter(comm: &Comm, stage: &'static str) {
    heartbeat::enter(stage);
    fault::point(comm, stage);
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

fn prepare(
    comm: &Rc<Comm>,
    mut slab: mesh::MeshSlab,
    problem: &Problem,
    levels: u32,
    args: &SolveArgs,
) -> Result<Prepared> {
    let partition = match &args.partition {
        Some(path) => read_partition(comm, path, &slab)?,
        None => mesh::partition(comm, &slab, &Split::ranks(comm, args.partitioner.partitioner()))?,
    };
    let (coarse, turned) = mesh::distribute(comm, &mut slab, &partition.parts)?;
    let (boundary, inside) = mesh::named_boundary(comm, &slab, &coarse)?;
    let held = comm.agree(held_nodes(&coarse, &boundary, problem))?;
    mesh::check_components(&coarse.halo(comm)?, &coarse, &held)?;
    let (base, mesh, boundary) = if levels == 0 {
        (Base::default(), coarse, boundary)
    } else {
        let (mesh, refined) = mesh::refine(comm, &coarse, &boundary, levels)?;
        (Base { mesh: coarse, boundary }, mesh, refined)
    };
    let halo = Rc::new(mesh.halo(comm)?);
    Ok(Prepared { base, mesh, boundary, halo, partition, turned, inside })
}

fn start_threads(comm: &Comm, case: &Case) -> Result<Placement> {
    let placement = place(comm, case.solver.threads.map(|n| usize::from(n.get())));
    let threads = placement.threads;
    // The main thread works too: with one thread no other is ever started.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build_global();
    comm.agree(pool.map_err(|e| Error::Threads { threads, cause: e.to_string() }))?;
    Ok(placement)
}

/// The exit code, and why it is not 0.
fn not_converged(comm: &Comm, report: &CgReport, case: &Case) -> Result<ExitCode> {
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
            case.solver.rtol,
            case.output.results.display()
        ));
    }
    Ok(ExitCode::NotConverged)
}
