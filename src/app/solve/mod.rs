//! The story of a solve, from the mesh to the results file.

mod exit;
mod gather;
mod limiting_factor;
mod pipeline;
mod prepare_mesh;
mod solution;
mod summary;

use std::path::Path;
use std::rc::Rc;

use crate::app::case::{Case, SolveArgs};
use crate::app::checkpoint::{Checkpoints, Interrupts};
use crate::app::dry_run::dry_run;
use crate::app::solve::exit::exit_code;
use crate::app::solve::limiting_factor::limiting_factor;
use crate::app::solve::pipeline::{RunObservers, SolveInput, enter};
use crate::app::solve::solution::Solution;
use crate::error::{Error, ExitCode, Result};
use crate::io::console::Console;
use crate::io::mesh::Naming;
use crate::io::record::{RunRecord, write_json_once};
use crate::io::results::{Results, ResultsFile};
use crate::la::cg::ConvergedReason;
use crate::mesh::MeshSlab;
use crate::parallel::virtual_ranks::{logical_ranks_here, on_logical_ranks};
use crate::parallel::{Comm, MinMeanMax, Stopwatch, start_threads, timing};

/// Solves what the command line asks for, unless it is interrupted, and says
/// how it ended. **Collective.**
///
/// # Errors
/// Any [`Error`], the same on every rank.
pub fn solve(comm: &Rc<Comm>, args: &SolveArgs, interrupts: &Interrupts) -> Result<ExitCode> {
    let start_up = timing::age_of_process();
    let mut watch = Stopwatch::start();
    let case = Case::resolve(comm, args)?;
    if let Some(options) = case.run.dry_run {
        return dry_run(comm, &case, options);
    }
    let start_up = MinMeanMax::over_ranks(comm, start_up);
    let console = Console::beside(comm.is_root() && !case.run.quiet, case.output.json.as_deref());
    let Case { mesh: source, refine, solver, output, run, .. } = &case;
    let logical = solver.reproducible.map(|ranks| usize::from(ranks.get()));
    let here = logical.map_or(Ok(1), |ranks| logical_ranks_here(comm, ranks))?;
    let placement = start_threads(comm, solver.threads, here)?;
    console.start(&placement, logical);
    case.hints.iter().for_each(|hint| console.line("hint", hint));

    // Read, and check that the results will have a place.
    let mut inputs: Vec<&Path> = source.path().into_iter().chain(run.partition.path()).collect();
    let checkpoints = Checkpoints::new(comm, &output.results, &inputs)?;
    inputs.extend(run.restart.as_deref());
    let results_file =
        ResultsFile::new(comm, &output.results, output.format.companion(), &inputs, output.json.as_deref())?;
    enter(comm, "read");
    interrupts.check(comm, "read")?;
    console.progress.stage("reading the mesh");
    let slab = watch.time("load_mesh", || source.read_for(comm, &case).map(|slab| slab.scaled(comm, case.scale)));
    let naming = Naming::new(source);
    let slab = slab.map_err(|error| naming.explain(comm, error))?;
    let names = slab.boundary_names();
    let problem = comm.agree(case.problem(&names, &slab.tags.region_names))?;
    let conditions = case.conditions(&names, &problem);
    results_file.check_room(comm, slab.elements.total(), *refine, case.has_flux(&problem))?;
    let case = case.with_conditions(&names, &problem);

    // Compute.
    let task =
        SolveInput { case: &case, problem: &problem, conditions: &conditions, placement: &placement, interrupts };
    let mut desk = RunObservers { console: &console, watch: &mut watch, checkpoints: Some(&checkpoints) };
    let solution = match logical {
        None => task.compute(comm, slab, &mut desk),
        Some(ranks) => {
            desk.checkpoints = None;
            compute_reproducibly(comm, ranks, &task, slab, &mut desk)
        }
    };
    let solution = solution.map_err(|error| naming.explain(comm, error))?;
    let Solution { mesh, u, fields, node_fields, flux, errors, summary } = solution;

    // Write.
    enter(comm, "export");
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
    console.progress.stage("writing");
    watch.time("export", || {
        results_file.write(comm, &results)?;
        // Until then a run could go on from them.
        if is_solved && checkpoints.exist(comm) { results_file.flush(comm) } else { Ok(()) }
    })?;

    // Report.
    let record = record.complete(watch.collect(comm), gather::memory(comm));
    let record = RunRecord { limited_by: limiting_factor(&record, &placement.warnings), ..record };
    if let Some(path) = &output.json {
        write_json_once(comm, path, &record)?;
    }
    console.finish(&record, output, &results_file.companion_path());
    if is_solved {
        checkpoints.remove(comm);
    }
    Ok(exit_code(comm, &report, &case))
}

/// The solution on so many logical ranks, whose first one of each process works at the desk of its process.
/// **Collective.**
fn compute_reproducibly(
    comm: &Rc<Comm>,
    ranks: usize,
    task: &SolveInput,
    slab: MeshSlab,
    desk: &mut RunObservers,
) -> Result<Solution> {
    let empty = slab.empty();
    let lead = |comm: &Rc<Comm>| task.compute(comm, slab.redistribute(comm), desk);
    let other = |comm: &Rc<Comm>| {
        let (console, mut watch) = (Console::new(false), Stopwatch::start());
        let mut desk = RunObservers { console: &console, watch: &mut watch, checkpoints: None };
        task.compute(comm, empty.clone().redistribute(comm), &mut desk)
    };
    let found = on_logical_ranks(comm, ranks, task.placement.threads, lead, other)?;
    let parts: Vec<Solution> = found.into_iter().collect::<Result<_>>()?;
    Solution::merged(parts).ok_or_else(|| Error::Inconsistent { what: "no rank has a solution".to_owned() })
}
