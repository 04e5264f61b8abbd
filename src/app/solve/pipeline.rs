//! The pipeline of a solve between reading the mesh and writing the results. The only files that
//! it touches are checkpoints.

use std::rc::Rc;

use crate::app::case::Case;
use crate::app::checkpoint::{CheckpointKey, CheckpointMonitor, MonitorContext, Restart};
use crate::app::solve::floating::{FloatingBoundary, Resolved, grounded, resolve};
use crate::app::solve::gather;
use crate::app::solve::linear_solver::LinearSolver;
use crate::app::solve::prepare_mesh::{PreparedMesh, prepare_mesh, work_of};
use crate::app::solve::solution::Summary;
use crate::app::solve::stage::{Elements, RunObservers, Stage};
use crate::error::Result;
use crate::fem::{DiscreteSolution, ElementSystem, System, conductivity_range, with_uniform_flux};
use crate::io::console::Console;
use crate::io::mesh::Naming;
use crate::io::record::{Accuracy, BoundaryCondition, Convergence, Parallel, RestartedFrom, conditions};
use crate::la::Vector;
use crate::la::cg::{CgReport, CgState, Rhs, bytes_per_iteration};
use crate::mesh;
use crate::mesh::quality::{MeshQuality, SLENDER};
use crate::mesh::{MeshHierarchy, MeshSlab};
use crate::parallel::{Breakdown, Comm, IterationTimer, Placement};
use crate::post::{DerivedFields, check_probes, derive};
use crate::problem::{Condition, Field, Problem};
use crate::system::rounded;

/// Input of a solve; the same on every rank.
pub struct SolveInput<'a> {
    /// The resolved case.
    pub case: &'a Case,
    /// Problem of the case on the mesh.
    pub problem: &'a Problem,
    /// Conditions of the problem with their sources.
    pub conditions: &'a [BoundaryCondition],
    /// Ranks and threads.
    pub placement: &'a Placement,
    /// Accuracy before the first solution, with `--until-error`.
    pub accuracy: Option<&'a Accuracy>,
}

impl SolveInput<'_> {
    /// Solves the problem on a prepared mesh, from a guess of u at its nodes, if there is one.
    /// **Collective.**
    pub(super) fn solve(
        &self,
        comm: &Rc<Comm>,
        prepared: &Prepared,
        guess: Option<Vector>,
        observers: &mut RunObservers,
    ) -> Result<MeshSolution> {
        let Prepared { hierarchy, parallel, quality, .. } = prepared;
        let (mut conditions, mut warnings) = (prepared.conditions.clone(), prepared.warnings.clone());
        let case = self.case.refined(hierarchy.levels());
        let key = CheckpointKey::new(&case, hierarchy.coarse(), &hierarchy.mesh);
        let (start, restart) = match guess {
            Some(_) => (None, None),
            None => read_restart(comm, &case, &key, observers, &mut warnings)?,
        };

        // 2. Resolve total flows, assemble the system, impose the conditions.
        let problem = with_uniform_flux(comm, &hierarchy.mesh, self.problem)?;
        let grounded = grounded(&problem);
        let system = self.assemble(hierarchy, &grounded, observers)?;
        let floating = FloatingBoundary::list(&system, &problem)?;
        let conductivity_range = self.material(comm, hierarchy, observers.console)?;
        let matrix_nnz = comm.sum(system.operator().entries() as u64);

        // 3. Build the preconditioner, resolve the potentials of floating boundaries.
        let (switches, iteration) =
            start.as_ref().map_or((Vec::new(), 0), |state| (state.switches.clone(), state.iterations()));
        let build = || LinearSolver::build(&system, &case.solver, switches, iteration);
        let solver = observers.stage(comm, Stage::SETUP, None, build)?;
        let (solver, resolved) = self.resolve(solver, &problem, floating, &mut conditions, observers)?;

        // 4. Iterate. The vectors of the state are allocated after the setup, which needs the
        //    memory.
        let guess = || guess.map_or_else(|| system.zeros(), |u| system.iterate_of(u));
        let start = start.unwrap_or_else(|| CgState::new(guess()));
        let rhs = resolved.as_ref().map_or(system.rhs(), |resolved| &resolved.rhs);
        let solved = self.iterate(solver, rhs, start, &key, observers)?;
        let Solved { x, report, convergence, breakdown } = solved;
        warnings.extend(self.report_solver(&report, &convergence, observers.console));

        // 5. Velocities, pressures and flows.
        let system = match &resolved {
            Some(resolved) => system.with_values_of(&resolved.problem)?,
            None => system,
        };
        let (solution, fields) = self.derive(comm, system, x, observers)?;
        let stats = gather::solution(comm, &solution.u, &fields, &report);
        let used_nodes = hierarchy.halo.map().total();
        let fixed_nodes = solution.dirichlet.total(&hierarchy.halo);
        let u = solution.u;
        let summary = Summary {
            stats,
            convergence,
            breakdown,
            conditions,
            flow: fields.flow.clone(),
            parallel: parallel.clone(),
            quality: quality.clone(),
            conductivity_range,
            matrix_nnz,
            used_nodes,
            fixed_nodes,
            restart,
            accuracy: None,
            warnings,
            report,
        };
        Ok(MeshSolution { u, fields, summary })
    }

    /// Prepares the mesh, and shows and checks what is known before assembly. **Collective.**
    pub(super) fn prepare(&self, comm: &Rc<Comm>, slab: MeshSlab, observers: &mut RunObservers) -> Result<Prepared> {
        let Self { case, problem, conditions, placement, .. } = *self;
        let console = observers.console;
        let slab_warnings = slab.warnings.clone();
        let work = work_of(&slab, case.refine);
        let prepare = || prepare_mesh(comm, slab, problem, case);
        let prepared = observers.stage(comm, Stage::PARTITION, Some(work), prepare)?;
        let PreparedMesh { hierarchy, partition, reoriented, orphans, boundary, duplicates, quality } = prepared;

        check_probes(comm, &hierarchy.mesh, &case.probes())?;
        let conditions = BoundaryCondition::count(conditions, &boundary);
        let named = if quality.is_notable() { quality.named_elements() } else { Vec::new() };
        let names = Naming::new(&case.mesh).elements(comm, &named);
        let mut warnings = placement.warnings.clone();
        warnings.extend(slab_warnings);
        warnings.extend(mesh::warnings(reoriented, orphans));
        warnings.extend(conditions::warnings(&conditions));
        warnings.extend(duplicates.warning());
        warnings.extend(quality.warning(&names));
        console.warn(&warnings);
        let parallel = gather::parallel(comm, placement, partition.edge_cut, &hierarchy.halo, &hierarchy.mesh);
        console.mesh(case, &hierarchy.mesh, &parallel);
        console.conditions(conditions::guess(&boundary), &conditions);
        if quality.slenderest.value > SLENDER {
            console.line("quality", &quality.describe_aspect(&names));
        }
        Ok(Prepared { hierarchy, conditions, parallel, quality, warnings })
    }

    /// Computes the potentials of floating boundaries, if there are any, shows them and adds them
    /// to the conditions. **Collective.**
    fn resolve<'a>(
        &self,
        solver: LinearSolver<'a>,
        problem: &Problem,
        floating: Vec<FloatingBoundary>,
        conditions: &mut [BoundaryCondition],
        observers: &mut RunObservers,
    ) -> Result<(LinearSolver<'a>, Option<Resolved>)> {
        if floating.is_empty() {
            return Ok((solver, None));
        }
        let comm = solver.system().hierarchy().comm();
        let solve = || resolve(solver, problem, &floating);
        let (solver, resolved) = observers.stage(comm, Stage::POTENTIALS, None, solve)?;
        for ((part, given), found) in conditions.iter_mut().zip(&problem.conditions).zip(&resolved.problem.conditions) {
            if let (Condition::Floating(_), Condition::Dirichlet(Field::Constant(potential))) = (given, found) {
                part.potential = Some(*potential);
                observers.console.line("floating", &format!("{} at u = {}", part.name(), rounded(*potential, 6)));
            }
        }
        Ok((solver, Some(resolved)))
    }

    /// Assembles the system of a problem. **Collective.**
    fn assemble<'a>(
        &self,
        hierarchy: &'a MeshHierarchy,
        problem: &'a Problem,
        observers: &mut RunObservers,
    ) -> Result<System<'a>> {
        let comm = hierarchy.comm();
        let integrals = if problem.has_source() { 2 } else { 1 };
        let units = hierarchy.mesh.elements.len() as u64 * integrals;
        let work = Elements { units, total: hierarchy.mesh.total_elements };
        let integrate = || ElementSystem::integrate(hierarchy, problem);
        let system = observers.stage(comm, Stage::ASSEMBLE, Some(work), integrate)?;
        observers.stage(comm, Stage::APPLY_BC, None, || system.apply_bc(self.case.solver.operator))
    }

    /// Shows the range of k, if it is not the same everywhere, and returns it. **Collective.**
    fn material(&self, comm: &Comm, hierarchy: &MeshHierarchy, console: &Console) -> Result<[f64; 2]> {
        let [least, largest] = conductivity_range(comm, &hierarchy.mesh, self.problem)?;
        if largest > least {
            let [from, to, ratio] = [least, largest, largest / least].map(|value| rounded(value, 3));
            console.line("material", &format!("k from {from} to {to}, a ratio of {ratio}"));
        }
        Ok([least, largest])
    }

    /// Iterates from a state. **Collective.**
    fn iterate(
        &self,
        solver: LinearSolver,
        rhs: &Rhs,
        start: CgState,
        key: &CheckpointKey,
        observers: &mut RunObservers,
    ) -> Result<Solved> {
        let RunObservers { console, checkpoints, interrupts, .. } = *observers;
        let system = solver.system();
        let (comm, every) = (system.hierarchy().comm(), self.case.run.checkpoint_every);
        let (solved, laps) = observers.stage(comm, Stage::ITERATE, None, || {
            let laps = IterationTimer::start(comm);
            let context = MonitorContext { comm, console, laps: &laps, interrupts, checkpoints, key, every };
            let monitor = CheckpointMonitor::new(context);
            let solved = solver.solve(rhs, start, &monitor)?;
            monitor.end(&solved.2)?;
            Ok((solved, laps))
        })?;
        let (solver, x, report) = solved;
        let preconditioner = &*solver.preconditioner;
        let convergence = Convergence::new(&report, preconditioner.levels(), solver.used_preconditioners());
        let bytes = bytes_per_iteration(system.operator(), preconditioner);
        let breakdown = Breakdown::of_solve(comm, &laps, bytes, &preconditioner.spent());
        Ok(Solved { x, report, convergence, breakdown })
    }

    /// Prints the end of the iteration, and returns its warnings.
    fn report_solver(&self, report: &CgReport, convergence: &Convergence, console: &Console) -> Vec<String> {
        let warnings: Vec<String> = convergence.slow_multigrid().into_iter().chain(report.warning()).collect();
        console.warn(&warnings);
        console.solved(report, convergence, self.case.solver.rtol);
        warnings
    }

    /// Recovers the solution and derives the other fields from it. The operator is freed before.
    /// **Collective.**
    fn derive<'a>(
        &self,
        comm: &Comm,
        system: System<'a>,
        x: Vector,
        observers: &mut RunObservers,
    ) -> Result<(DiscreteSolution<'a>, DerivedFields)> {
        let Self { case, problem, .. } = *self;
        let with_flux = case.has_flux(problem);
        let mesh = system.mesh();
        // Velocities at Gauss points, patches (about as many as elements) and errors.
        let elements = mesh.elements.len() as u64;
        let patches = if with_flux { 2 * elements } else { elements };
        let work = Elements { units: elements + patches + mesh.own_elements as u64, total: mesh.total_elements };
        observers.stage(comm, Stage::DERIVE, Some(work), || {
            let solution = system.recover_solution(x);
            let fields = derive(&solution, case.fluid(), with_flux)?;
            Ok((solution, fields))
        })
    }
}

/// Mesh of a solve with its part of the record.
pub(super) struct Prepared {
    pub hierarchy: MeshHierarchy,
    pub conditions: Vec<BoundaryCondition>,
    pub parallel: Parallel,
    pub quality: MeshQuality,
    pub warnings: Vec<String>,
}

/// Solution on one mesh.
pub(super) struct MeshSolution {
    pub u: Vector,
    pub fields: DerivedFields,
    pub summary: Summary,
}

/// Iterate of the solver with its measurements.
struct Solved {
    x: Vector,
    report: CgReport,
    convergence: Convergence,
    breakdown: Breakdown,
}

/// Reads the state of the iteration from a checkpoint, if a restart is asked for. **Collective.**
fn read_restart(
    comm: &Rc<Comm>,
    case: &Case,
    key: &CheckpointKey,
    observers: &RunObservers,
    warnings: &mut Vec<String>,
) -> Result<(Option<CgState>, Option<RestartedFrom>)> {
    let Some((checkpoints, path)) = observers.checkpoints.zip(case.run.restart.as_ref()) else {
        return Ok((None, None));
    };
    let Restart { state, from, warning } = checkpoints.read(comm, path, key)?;
    observers.console.warn(warning.as_slice());
    observers.console.restart(&from);
    warnings.extend(warning);
    Ok((Some(state), Some(from)))
}
