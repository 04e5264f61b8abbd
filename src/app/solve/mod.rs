//! `quad8-mpi solve`: reads, solves and writes a case.

mod exit;
mod floating;
mod gather;
mod limiting_factor;
mod linear_solver;
mod pipeline;
mod prepare_mesh;
mod refinement;
mod solution;
mod stage;
mod summary;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::app::case::{Case, SolveArgs};
use crate::app::checkpoint::{Checkpoints, Interrupts, refinements};
use crate::app::dry_run::{dry_run, memory_of_a_rank, memory_warning};
use crate::app::probe::write_probes;
use crate::app::solve::exit::{accuracy_code, exit_code};
use crate::app::solve::limiting_factor::limiting_factor;
use crate::app::solve::pipeline::SolveInput;
use crate::app::solve::refinement::accuracy;
use crate::app::solve::solution::Solution;
use crate::app::solve::stage::{RunObservers, Stage};
use crate::error::{Error, ExitCode, Result};
use crate::io::console::Console;
use crate::io::mesh::Naming;
use crate::io::record::{RunRecord, write_json_once};
use crate::io::results::{Results, ResultsFile};
use crate::io::write_timeline;
use crate::la::cg::ConvergedReason;
use crate::mesh::{MeshSize, MeshSlab};
use crate::parallel::virtual_ranks::{on_virtual_ranks, virtual_ranks_here};
use crate::parallel::{Comm, MinMeanMax, Stopwatch, start_threads, timeline, timing};

/// Solves the case of the command line, or predicts the solve with `--dry-run`. **Collective.**
///
/// # Errors
/// Any error of the input, of a file or of the program, and an interrupt; the same on every rank.
pub fn solve(comm: &Rc<Comm>, args: &SolveArgs, interrupts: &Interrupts) -> Result<ExitCode> {
    let start_up = timing::age_of_process();
    let watch = Stopwatch::start(comm);
    let mut case = Case::resolve(comm, args)?;
    if let (Some(checkpoint), Some(_)) = (&case.run.restart, case.run.until_error) {
        case.refine = refinements(comm, checkpoint)?;
    }
    match case.run.dry_run {
        Some(options) => dry_run(comm, &case, options),
        None => {
            let ended = run(comm, case, interrupts, watch, start_up);
            end_timeline(comm, args.trace.as_deref(), ended)
        }
    }
}

/// Writes the timeline if one was started, also that of a run that an error ended. **Collective.**
fn end_timeline(comm: &Comm, path: Option<&Path>, ended: Result<ExitCode>) -> Result<ExitCode> {
    let Some((path, timeline)) = path.zip(timeline::finish(comm)) else { return ended };
    let written = write_timeline(comm, path, &timeline);
    ended.and_then(|code| written.map(|()| code))
}

/// Solves a case: reads, partitions, assembles, iterates, post-processes and writes.
/// **Collective.**
fn run(comm: &Rc<Comm>, case: Case, interrupts: &Interrupts, watch: Stopwatch, start_up: f64) -> Result<ExitCode> {
    let start_up = MinMeanMax::over_ranks(comm, start_up);
    let console = Console::beside(comm.is_root() && !case.run.quiet, case.output.json.as_deref());
    let Case { mesh: source, solver, .. } = &case;
    let virtual_ranks = solver.reproducible.map(|ranks| usize::from(ranks.get()));
    let here = virtual_ranks.map_or(Ok(1), |ranks| virtual_ranks_here(comm, ranks))?;
    let placement = start_threads(comm, solver.threads, here)?;
    console.start(&placement, virtual_ranks);
    case.hints.iter().for_each(|hint| console.line("hint", hint));

    let memory = memory_of_a_rank(comm, placement.ranks_of_host);

    // Read, after a check that the results can be written.
    let (checkpoints, results_file) = open_outputs(comm, &case)?;
    if case.run.trace.is_some() {
        timeline::start(comm, watch.started());
        timeline::record_threads(comm);
    }
    let checkpoints_of_run = virtual_ranks.is_none().then_some(&checkpoints);
    let mut observers = RunObservers { console: &console, watch, checkpoints: checkpoints_of_run, interrupts };
    let naming = Naming::new(source);
    let read = || Ok(source.read_for(comm, &case)?.scaled(comm, case.scale));
    let slab = observers.stage(comm, Stage::READ, None, read).map_err(|error| naming.explain(comm, error))?;
    let names = slab.boundary_names();
    let problem = comm.agree(case.problem(&names, &slab.tags.region_names))?;
    let conditions = case.conditions(&names, &problem);
    let has = |field: &str| case.computes(field, &problem);
    let check_room = |case: &Case| check_room(comm, case, slab.elements.total(), has, &results_file, &checkpoints);
    check_room(&case)?;
    let has_room = |refine| check_room(&case.refined(refine)).is_ok();
    let size = MeshSize::of(&slab);
    console.warn(memory_warning(&case, size, comm.size(), Some(&problem), memory).as_slice());
    let accuracy = accuracy(comm, &case, size, &problem, has_room)?;
    let case = case.with_conditions(&names, &problem);

    // Compute.
    let (problem, conditions, placement, accuracy) = (&problem, &conditions[..], &placement, accuracy.as_ref());
    let input = SolveInput { case: &case, problem, conditions, placement, accuracy };
    let solution = match virtual_ranks {
        None => input.compute(comm, slab, &mut observers),
        Some(ranks) => compute_reproducibly(comm, ranks, &input, slab, &mut observers),
    };
    let Solution { mesh, u, fields, node_fields, flux, errors, summary } =
        solution.map_err(|error| naming.explain(comm, error))?;

    // Write.
    let report = summary.report.clone();
    let is_solved = report.outcome == ConvergedReason::Converged;
    let record = gather::record(comm, &case, &mesh, start_up, summary);
    let results = Results {
        mesh: &mesh,
        u: &u,
        fields: &fields,
        node_fields: &node_fields,
        flux: flux.as_ref(),
        errors: &errors,
        record: &record,
    };
    observers.stage(comm, Stage::EXPORT, None, || {
        write_results(comm, &results_file, &results, &checkpoints)?;
        if !case.probe.is_empty() {
            write_probes(comm, &case.probe_path(), &case.probes(), &results)?;
        }
        // The checkpoints are removed only after the results are on the disk.
        if is_solved && checkpoints.exist(comm) { results_file.flush(comm) } else { Ok(()) }
    })?;

    // Report.
    let record = record.complete(observers.watch.collect(comm), gather::memory(comm));
    let record = RunRecord { limited_by: limiting_factor(&record, &placement.warnings), ..record };
    if let Some(path) = &case.output.json {
        write_json_once(comm, path, &record)?;
    }
    console.finish(&record, &case, &results_file.companion_path());
    if is_solved {
        checkpoints.remove(comm);
    }
    Ok(match &record.accuracy {
        Some(accuracy) if is_solved => accuracy_code(comm, accuracy, &mesh, &errors, &case),
        _ => exit_code(comm, &report, &case),
    })
}

/// Opens the checkpoints and the results file, none of which may be an input. **Collective.**
fn open_outputs(comm: &Comm, case: &Case) -> Result<(Checkpoints, ResultsFile)> {
    let Case { mesh, output, run, .. } = case;
    let mut inputs: Vec<&Path> = mesh.path().into_iter().chain(run.partition.path()).collect();
    let checkpoints = Checkpoints::new(comm, &output.results, &inputs)?;
    inputs.extend(run.restart.as_deref());
    let companion = output.format.companion();
    let others: Vec<&Path> = output.json.iter().chain(&run.trace).map(PathBuf::as_path).collect();
    let results_file = ResultsFile::new(comm, &output.results, companion, &inputs, &others)?;
    Ok((checkpoints, results_file.with_storage(output.storage())))
}

/// Checks that the disk has room for the results and, with `--checkpoint-every`, for one
/// checkpoint. **Collective.**
fn check_room(
    comm: &Comm,
    case: &Case,
    elements: u64,
    has: impl Fn(&str) -> bool,
    results_file: &ResultsFile,
    checkpoints: &Checkpoints,
) -> Result<()> {
    let is_periodic = case.run.checkpoint_every.is_some();
    let checkpoint = if is_periodic { checkpoints.bytes_per_node() } else { 0 };
    let checked = results_file.check_room(comm, elements, case.refine, has, checkpoint);
    checked.map_err(|e| if is_periodic { e.with_note("without --checkpoint-every it takes less") } else { e })
}

/// Writes the results. The older checkpoint is removed where that is not possible with it, as on a
/// full disk. **Collective.**
///
/// # Errors
/// The results cannot be written; the message says how to continue from the newest checkpoint. The
/// same on every rank.
fn write_results(comm: &Comm, file: &ResultsFile, results: &Results, checkpoints: &Checkpoints) -> Result<()> {
    let written = file.write(comm, results);
    if written.is_ok() || !checkpoints.has_newest(comm) {
        return written;
    }
    let written = if checkpoints.remove_older(comm) { file.write(comm, results) } else { written };
    let newest = checkpoints.path().display();
    let hint = format!("to continue, mend that and start the same command with --restart {newest}");
    written.map_err(|e| e.with_note(&hint))
}

/// Solves on this number of virtual ranks. The first one of each process has the observers of the
/// process. **Collective.**
fn compute_reproducibly(
    comm: &Rc<Comm>,
    ranks: usize,
    input: &SolveInput,
    slab: MeshSlab,
    observers: &mut RunObservers,
) -> Result<Solution> {
    let empty = slab.empty();
    let interrupts = observers.interrupts;
    let lead = |comm: &Rc<Comm>| input.compute(comm, slab.redistribute(comm), observers);
    let other = |comm: &Rc<Comm>| {
        let console = Console::new(false);
        let mut observers =
            RunObservers { console: &console, watch: Stopwatch::start(comm), checkpoints: None, interrupts };
        input.compute(comm, empty.clone().redistribute(comm), &mut observers)
    };
    let found = on_virtual_ranks(comm, ranks, input.placement.threads, lead, other)?;
    let parts: Vec<Solution> = found.into_iter().collect::<Result<_>>()?;
    Solution::merged(parts)
        .ok_or_else(|| Error::internal("an internal check failed: no rank has a solution (please report this)"))
}
