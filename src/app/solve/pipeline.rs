//! The story of a solve between the mesh that is read and the results that are
//! written: nothing in it touches a file but checkpoints.

use std::rc::Rc;

use crate::app::case::Case;
use crate::app::checkpoint::{CheckpointKey, CheckpointMonitor, Checkpoints, Interrupts, MonitorContext, Restart};
use crate::app::solve::solution::{Solution, Summary};
use crate::app::solve::{SolveArgs, gather};
use crate::error::{Error, Result};
use crate::fem::{
    ElementMatrices, JACOBI_ALONE, MULTIGRID, StiffnessOperator, SystemPreconditioners, check_inside, dirichlet_nodes,
    load_vector, well_posed_nodes,
};
use crate::fem::{OperatorKind, PreconditionerKind};
use crate::io::console::Console;
use crate::io::mesh::Naming;
use crate::io::read_partition;
use crate::io::record::{BoundaryCondition, Convergence, conditions};
use crate::la::Vector;
use crate::la::cg::{
    CgOptions, CgState, Preconditioners, Rhs, build_preconditioner, conjugate_gradient_with_fallback,
    used_preconditioners,
};
use crate::mesh;
use crate::mesh::partition::{Partition, PartitionOptions};
use crate::mesh::quality::{MeshQuality, SLENDER};
use crate::mesh::{BoundaryEdge, BoundarySummary, Duplicates, LocalMesh, MeshSlab};
use crate::parallel::{Breakdown, Comm, Halo, IterationTimer, Placement, Stopwatch, fault_injection, heartbeat, work};
use crate::post::{Fluid, Flux, element_fields, estimate_error, flow_report, gauss_velocities, node_fields, recover};
use crate::problem::Problem;

/// What is to be computed; the same on every rank.
pub struct SolveInput<'a> {
    /// What was asked for.
    pub case: &'a Case,
    /// On the command line.
    pub args: &'a SolveArgs,
    /// The case on the mesh.
    pub problem: &'a Problem,
    /// The conditions of the problem and where they come from.
    pub conditions: &'a [BoundaryCondition],
    /// Ranks and threads.
    pub placement: &'a Placement,
    /// What may end the run.
    pub interrupts: &'a Interrupts,
}

/// What one rank notes and shows meanwhile.
pub struct RunObservers<'a> {
    /// What is shown.
    pub console: &'a Console,
    /// What the stages take.
    pub watch: &'a mut Stopwatch,
    /// Where the state is saved, if anywhere.
    pub checkpoints: Option<&'a Checkpoints>,
}

impl SolveInput<'_> {
    /// The solution from this rank's slab of the mesh. **Collective.**
    ///
    /// # Errors
    /// Any [`Error`], the same on every rank.
    pub fn compute(&self, comm: &Rc<Comm>, slab: MeshSlab, desk: &mut RunObservers) -> Result<Solution> {
        let Self { case, args, problem, conditions, placement, interrupts } = *self;
        let Case { refine, constants, solver, .. } = case;
        let RunObservers { console, ref mut watch, checkpoints } = *desk;
        let progress = &console.progress;
        let begin = |stage| {
            enter(comm, stage);
            interrupts.check(comm, stage)
        };

        // 1. PartitionOptions, distribute, refine.
        begin("partition")?;
        let notes = slab.notes.clone();
        progress.stage("splitting the mesh");
        let prepared = watch.time("partition", || prepare(comm, slab, problem, *refine, args))?;
        let Prepared { base, mesh, boundary, halo, partition, turned, summary, duplicates, quality } = prepared;
        let mut warnings = placement.warnings.clone();
        let orphans = comm.sum(mesh.orphans.len() as u64);
        warnings.extend(notes);
        warnings.extend(mesh::warnings(turned, orphans));
        let conditions = BoundaryCondition::count(conditions, &summary);
        warnings.extend(conditions::warnings(&conditions));
        warnings.extend(duplicates.warning());
        let named = if quality.is_notable() { quality.named_elements() } else { Vec::new() };
        let names = Naming::new(&case.mesh).elements(comm, &named);
        warnings.extend(quality.warning(&names));
        console.warn(&warnings);
        let parallel = gather::parallel(comm, placement, &partition, &halo, &mesh);
        console.mesh(case, &mesh, &parallel);
        console.conditions(conditions::guess(&summary), &conditions);
        if quality.slenderest.value > SLENDER {
            console.line("quality", &quality.describe_aspect(&names));
        }
        let (input, input_boundary) = if *refine == 0 { (&mesh, &boundary) } else { (&base.mesh, &base.boundary) };
        let subject = CheckpointKey { case, input, boundary: input_boundary, mesh: &mesh };
        let restart = checkpoints.zip(args.restart.as_ref());
        let restart = restart.map(|(checkpoints, path)| checkpoints.read(comm, path, &subject)).transpose()?;
        let (start, restarted) = match restart {
            Some(Restart { state, from, warning }) => {
                console.warn(warning.as_slice());
                console.restart(&from);
                warnings.extend(warning);
                (Some(state), Some(from))
            }
            None => (None, None),
        };

        // 2. Assemble the system and build in the boundary conditions.
        begin("assemble")?;
        progress.stage("integrating the elements");
        let own = mesh.elements.len() as u64;
        work::expect(own * if problem.has_source() { 2 } else { 1 }, mesh.total_elements, "elements");
        let (elements, mut b) = watch.time("assemble_system", || {
            let elements = ElementMatrices::new(&mesh, &boundary, problem);
            let elements = comm.agree(elements.map_err(|e| e.before_refinement(*refine)))?;
            Ok::<_, Error>((elements, comm.agree(load_vector(&mesh, &boundary, problem))?))
        })?;
        let (fixed, stiffness) = watch.time("apply_bc", || {
            let fixed = dirichlet_nodes(&halo, &mesh, &boundary, problem)?;
            let build = match solver.operator {
                OperatorKind::Elements => StiffnessOperator::elements,
                OperatorKind::Assembled => StiffnessOperator::assembled,
            };
            let stiffness = build(&halo, &mesh, &elements, &fixed, &mut b);
            Ok::<_, Error>((fixed, stiffness))
        })?;
        let b = Rhs::new(b);
        let operator = stiffness.operator();

        // 3. Solve.
        begin("solve")?;
        progress.stage("setting up the preconditioner");
        let mut candidates = SystemPreconditioners {
            comm,
            problem,
            mesh: (&mesh, &boundary),
            base: (&base.mesh, &base.boundary),
            levels: *refine,
            fixed: &fixed,
            stiffness: &stiffness,
            elements: Some(elements),
            names: match solver.preconditioner {
                PreconditionerKind::Jacobi => JACOBI_ALONE,
                PreconditionerKind::Multigrid => MULTIGRID,
            },
        };
        // The vectors of the state take memory that the setup needs.
        let (mut switches, iteration) =
            start.as_ref().map_or((Vec::new(), 0), |state| (state.switches.clone(), state.iterations()));
        let preconditioner =
            watch.time("setup_preconditioner", || build_preconditioner(&mut candidates, &mut switches, iteration))?;
        let options = CgOptions { rtol: solver.rtol, max_iterations: solver.max_iterations, patience: None };
        begin("iterate")?;
        let start = start.unwrap_or_else(|| CgState::new(Vector::zeros(halo.map()))).with_switches(switches);
        let laps = IterationTimer::start();
        let (mut u, report, preconditioner) = watch.time("solve_system", || {
            let every = args.checkpoint_every;
            let orders =
                MonitorContext { comm, console, laps: &laps, interrupts, checkpoints, subject: &subject, every };
            let monitor = CheckpointMonitor::new(orders);
            let first = (&mut candidates as &mut dyn Preconditioners, preconditioner);
            let solved = conjugate_gradient_with_fallback(operator, first, &b, start, options, &monitor)?;
            monitor.end(&solved.1)?;
            Ok::<_, Error>(solved)
        })?;
        let used = used_preconditioners(candidates.names, &report.switches);
        let convergence = Convergence::new(&report, preconditioner.levels(), used);
        let breakdown = Breakdown::of_solve(comm, &laps, &preconditioner.spent());
        let matrix_nnz = comm.sum(operator.entries() as u64);
        // The results need their memory.
        drop((preconditioner, stiffness, b));
        for warning in convergence.slow_multigrid().into_iter().chain(report.warning()) {
            console.warn(std::slice::from_ref(&warning));
            warnings.push(warning);
        }
        console.solved(&report, &convergence, solver.rtol);

        // 4. Velocities, pressures and flows.
        progress.stage("recovering velocities");
        // At their Gauss points, in patches of which there are about as many, and for the error.
        let has_flux = case.has_flux(problem);
        let patches = if has_flux { 2 * own } else { own };
        work::expect(own + patches + mesh.own_elements as u64, mesh.total_elements, "elements");
        let (fields, node_fields, flux, estimate, flow) = watch.time("compute_derived", || {
            for ((u, &is_fixed), &value) in u.owned_mut().iter_mut().zip(&fixed.fixed).zip(&fixed.values) {
                if is_fixed {
                    *u = value;
                }
            }
            halo.scatter_fwd(u.local_mut());
            let fluid = Fluid { p0: constants.p0, density: constants.density };
            let flow = flow_report(comm, &mesh, &boundary, problem, &u)?;
            let gauss = gauss_velocities(&mesh, u.local());
            let recovered = recover(&halo, &mesh, problem, &gauss);
            let estimate = estimate_error(comm, &mesh, u.local(), &recovered, problem);
            let nodes = node_fields(&recovered.into_nodes(), fluid);
            let fields = element_fields(&mesh, &gauss, fluid);
            let flux = has_flux.then(|| Flux::new(&halo, &mesh, problem, gauss));
            Ok::<_, Error>((fields, nodes, flux, estimate, flow))
        })?;
        let summary = Summary {
            stats: gather::solution(comm, &u, &fields, &node_fields, flux.as_ref(), &estimate, &report),
            convergence,
            breakdown,
            conditions,
            flow,
            parallel,
            quality,
            matrix_nnz,
            used_nodes: halo.map().total(),
            fixed_nodes: comm.sum(fixed.fixed[..mesh.owned_nodes].iter().filter(|f| **f).count() as u64),
            restart: restarted,
            warnings,
            report,
        };
        Ok(Solution { mesh, boundary, u, fields, node_fields, flux, errors: estimate.elements, summary })
    }
}

/// A distributed mesh before its refinement; nothing where it is not refined.
#[derive(Default)]
struct Base {
    mesh: LocalMesh,
    boundary: Vec<BoundaryEdge>,
}

/// A mesh that is ready for assembly.
struct Prepared {
    base: Base,
    mesh: LocalMesh,
    boundary: Vec<BoundaryEdge>,
    halo: Rc<Halo>,
    partition: Partition,
    turned: u64,
    summary: BoundarySummary,
    duplicates: Duplicates,
    quality: MeshQuality,
}

fn prepare(comm: &Rc<Comm>, mut slab: MeshSlab, problem: &Problem, levels: u32, args: &SolveArgs) -> Result<Prepared> {
    // What is refined counts what it is refined into.
    let step = slab.connectivity.len() as u64;
    let children = 4_u64.saturating_pow(levels);
    let refined = step.saturating_mul(children);
    let units = refined.saturating_mul(2).saturating_add(3 * step);
    work::expect(units, slab.elements.total().saturating_mul(children), "elements");
    let partition = match &args.partition {
        Some(path) => read_partition(comm, path, &slab)?,
        None => crate::mesh::partition::partition(
            comm,
            &slab,
            &PartitionOptions::ranks(comm, args.partitioner.partitioner()),
        )?,
    };
    work::done(step);
    let (coarse, turned) = mesh::distribute(comm, &mut slab, &partition.parts)?;
    work::done(step);
    let quality = MeshQuality::of(comm, &coarse);
    let (free, flaws) = mesh::survey(comm, &coarse);
    flaws.into_iter().next().map_or(Ok(()), Err)?;
    let (boundary, summary) = mesh::name_edges(comm, &slab, &coarse, &free)?;
    check_inside(comm, &coarse, &boundary, problem, &summary)?;
    let held = comm.agree(well_posed_nodes(&coarse, &boundary, problem))?;
    let duplicates = mesh::find_duplicates(comm, &coarse, &free);
    let held = mesh::check_components(&coarse.halo(comm)?, &coarse, &held);
    held.map_err(|error| duplicates.warning().iter().fold(error, |error, note| error.with_note(note)))?;
    work::done(step);
    let (base, mesh, boundary) = if levels == 0 {
        (Base::default(), coarse, boundary)
    } else {
        let (mesh, edges) = mesh::refine(comm, &coarse, &boundary, levels)?;
        work::done(refined);
        (Base { mesh: coarse, boundary }, mesh, edges)
    };
    let halo = Rc::new(mesh.halo(comm)?);
    Ok(Prepared { base, mesh, boundary, halo, partition, turned, summary, duplicates, quality })
}

/// A stage begins on this rank.
pub(crate) fn enter(comm: &Comm, stage: &'static str) {
    heartbeat::enter(stage);
    fault_injection::point(comm, stage);
}
