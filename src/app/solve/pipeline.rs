//! The pipeline of a solve between reading the mesh and writing the results. The only files that
//! it touches are checkpoints.

use std::rc::Rc;

use crate::app::case::Case;
use crate::app::checkpoint::{CheckpointKey, CheckpointMonitor, MonitorContext, Restart};
use crate::app::solve::floating::with_potentials;
use crate::app::solve::gather;
use crate::app::solve::prepare_mesh::{PreparedMesh, prepare_mesh, work_of};
use crate::app::solve::solution::Summary;
use crate::app::solve::stage::{Elements, RunObservers, Stage};
use crate::error::Result;
use crate::fem::{DiscreteSolution, ElementSystem, System, conductivity_range, with_uniform_flux};
use crate::io::console::Console;
use crate::io::mesh::Naming;
use crate::io::record::{Accuracy, BoundaryCondition, Convergence, Parallel, RestartedFrom, conditions};
use crate::la::Vector;
use crate::la::cg::{
    CgOptions, CgReport, CgState, Preconditioners, build_preconditioner, bytes_per_iteration,
    conjugate_gradient_with_fallback, used_preconditioners,
};
use crate::mesh;
use crate::mesh::quality::{MeshQuality, SLENDER};
use crate::mesh::{MeshHierarchy, MeshSlab};
use crate::parallel::{Breakdown, Comm, IterationTimer, Placement};
use crate::post::{DerivedFields, Fluid, check_probes, derive};
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
        let key = CheckpointKey { case: &case, input: hierarchy.coarse(), mesh: &hierarchy.mesh };
        let (start, restart) = match guess {
            Some(_) => (None, None),
            None => read_restart(comm, &case, &key, observers, &mut warnings)?,
        };

        // 2. Resolve total flows and potentials, assemble the system, impose the conditions.
        let problem = self.resolve(hierarchy, &mut conditions, observers)?;
        let resolved = SolveInput { problem: &problem, ..*self };
        let system = resolved.assemble(comm, hierarchy, observers)?;
        let conductivity_range = self.material(comm, hierarchy, observers.console)?;

        // 3. Iterate.
        let matrix_nnz = comm.sum(system.operator().entries() as u64);
        let guess = guess.map(|u| system.iterate_of(u));
        let solved = self.iterate(comm, &system, (start, guess), &key, observers)?;
        let Solved { x, report, convergence, breakdown } = solved;
        warnings.extend(self.report_solver(&report, &convergence, observers.console));

        // 4. Velocities, pressures and flows.
        let (solution, fields) = resolved.derive(comm, system, x, observers)?;
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
        let notes = slab.warnings.clone();
        let work = work_of(&slab, case.refine);
        let prepare = || prepare_mesh(comm, slab, problem, case);
        let prepared = observers.stage(comm, Stage::PARTITION, Some(work), prepare)?;
        let PreparedMesh { hierarchy, partition, turned, orphans, boundary, duplicates, quality } = prepared;

        check_probes(comm, &hierarchy.mesh, &case.probes())?;
        let conditions = BoundaryCondition::count(conditions, &boundary);
        let named = if quality.is_notable() { quality.named_elements() } else { Vec::new() };
        let names = Naming::new(&case.mesh).elements(comm, &named);
        let mut warnings = placement.warnings.clone();
        warnings.extend(notes);
        warnings.extend(mesh::warnings(turned, orphans));
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

    /// Replaces total flows by flux densities and floating boundaries by their potentials, which it
    /// shows and adds to the conditions. **Collective.**
    fn resolve(
        &self,
        hierarchy: &MeshHierarchy,
        conditions: &mut [BoundaryCondition],
        observers: &mut RunObservers,
    ) -> Result<Problem> {
        let comm = hierarchy.comm();
        let problem = with_uniform_flux(comm, &hierarchy.mesh, self.problem)?;
        if !problem.conditions.iter().any(|condition| matches!(condition, Condition::Floating(_))) {
            return Ok(problem);
        }
        let solve = || with_potentials(hierarchy, &problem, &self.case.solver);
        let resolved = observers.stage(comm, Stage::POTENTIALS, None, solve)?;
        for ((part, given), found) in conditions.iter_mut().zip(&problem.conditions).zip(&resolved.conditions) {
            if let (Condition::Floating(_), Condition::Dirichlet(Field::Constant(potential))) = (given, found) {
                part.potential = Some(*potential);
                observers.console.line("floating", &format!("{} at u = {}", part.name(), rounded(*potential, 6)));
            }
        }
        Ok(resolved)
    }

    /// Assembles the system. **Collective.**
    fn assemble<'a>(
        &'a self,
        comm: &Comm,
        hierarchy: &'a MeshHierarchy,
        observers: &mut RunObservers,
    ) -> Result<System<'a>> {
        let integrals = if self.problem.has_source() { 2 } else { 1 };
        let units = hierarchy.mesh.elements.len() as u64 * integrals;
        let work = Elements { units, total: hierarchy.mesh.total_elements };
        let integrate = || ElementSystem::integrate(hierarchy, self.problem);
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

    /// Builds the preconditioner and iterates, from a state, or from a guess, or from zeros.
    /// **Collective.**
    fn iterate(
        &self,
        comm: &Rc<Comm>,
        system: &System,
        (start, guess): (Option<CgState>, Option<Vector>),
        key: &CheckpointKey,
        observers: &mut RunObservers,
    ) -> Result<Solved> {
        let case = self.case;
        let RunObservers { console, checkpoints, interrupts, .. } = *observers;
        let mut candidates = system.preconditioners(case.solver.preconditioner);
        // Allocate the vectors of the state only after the setup, which needs the memory.
        let (mut switches, iteration) =
            start.as_ref().map_or((Vec::new(), 0), |state| (state.switches.clone(), state.iterations()));
        let build = || build_preconditioner(&mut candidates, &mut switches, iteration);
        let preconditioner = observers.stage(comm, Stage::SETUP, None, build)?;

        let guess = || CgState::new(guess.unwrap_or_else(|| system.zeros()));
        let start = start.unwrap_or_else(guess).with_switches(switches);
        let options = CgOptions { rtol: case.solver.rtol, max_iterations: case.solver.max_iterations, patience: None };
        let every = case.run.checkpoint_every;
        let (solved, laps) = observers.stage(comm, Stage::ITERATE, None, || {
            let laps = IterationTimer::start(comm);
            let context = MonitorContext { comm, console, laps: &laps, interrupts, checkpoints, key, every };
            let monitor = CheckpointMonitor::new(context);
            let first = (&mut candidates as &mut dyn Preconditioners, preconditioner);
            let (operator, rhs) = (system.operator(), system.rhs());
            let solved = conjugate_gradient_with_fallback(operator, first, rhs, start, options, &monitor)?;
            monitor.end(&solved.1)?;
            Ok((solved, laps))
        })?;
        let (x, report, preconditioner) = solved;
        let used = used_preconditioners(candidates.names(), &report.switches);
        let convergence = Convergence::new(&report, preconditioner.levels(), used);
        let bytes = bytes_per_iteration(system.operator(), &*preconditioner);
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
        let fluid = Fluid { p0: case.constants.p0, density: case.constants.density };
        observers.stage(comm, Stage::DERIVE, Some(work), || {
            let solution = system.recover_solution(x);
            let fields = derive(&solution, fluid, with_flux)?;
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
