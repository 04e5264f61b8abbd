//! `--dry-run`: predicts the memory and the time of a solve.

use crate::app::case::{Case, DryRun};
use crate::error::{ExitCode, Result};
use crate::io::console::{Console, mebibytes, refined};
use crate::io::file::refuse_input;
use crate::io::record::write_json_once;
use crate::mesh::quality::{MeshQuality, SLENDER};
use crate::mesh::{ElementNames, MOST_ON_A_RANK, MeshSize, MeshSlab, distribute_anyway, refined_too_far};
use crate::parallel::Comm;
use crate::perf::estimate::{Estimate, Plan, Time};
use crate::problem::{Physics, Problem};
use crate::system::{available_memory, group, plural, rounded};

/// Memory of the fullest rank, relative to the mean, with a margin: 1.17 was measured on 8 ranks.
const FULLEST_RANK: f64 = 1.25;

/// Predicts the memory and the time of a solve and prints them. **Collective.**
///
/// # Errors
/// Those of reading the mesh, or the header of a large one; too many refinements; a record that is
/// an input or cannot be written; the same on every rank.
pub fn dry_run(comm: &Comm, case: &Case, options: DryRun) -> Result<ExitCode> {
    let source = &case.mesh;
    let (header, slab) = source.preview(comm, case)?;
    let problem = case.problem(&header.boundary_names, &header.region_names);
    let ranks = options.ranks.map_or(comm.size(), |ranks| ranks as usize);
    let plan = Plan { bandwidth: options.bandwidth * 1e9, ..plan(case, header.size, ranks, problem.as_ref().ok()) };
    check_refinement(&plan)?;
    let json = case.output.json.as_deref();
    comm.agree(json.map_or(Ok(()), |path| refuse_input(path, source.path())))?;
    let quality = slab.map(|slab| quality_of(comm, slab)).filter(|q| q.aspect_ratio_max().is_some());
    let aspect_ratio_max = quality.as_ref().and_then(MeshQuality::aspect_ratio_max);
    let estimate = Estimate { aspect_ratio_max, ..Estimate::new(source.name(), &plan) };
    let memory = memory_of_a_rank(comm, comm.host()?.size());
    let names = ElementNames::default();
    let aspect = quality.map(|quality| quality.describe_aspect(&names));
    let console = Console::beside(comm.is_root() && !case.run.quiet, json);
    console.estimate(&estimate, aspect.as_deref(), options.bandwidth);
    if options.ranks.is_none() {
        let warning = memory_warning(case, header.size, ranks, problem.as_ref().ok(), memory);
        console.warn(warning.as_slice());
    }
    match problem {
        Ok(problem) => {
            let conditions = case.conditions(&header.boundary_names, &problem);
            let guess = "no names in the mesh: inlet guessed at the smallest x, outlet at the largest";
            console.conditions((!header.has_names).then(|| guess.to_owned()), &conditions);
        }
        Err(error) => console.warn(&[error.to_string()]),
    }
    if let Some(path) = json {
        write_json_once(comm, path, &estimate)?;
    }
    Ok(ExitCode::Success)
}

/// Measures the elements of a mesh. **Collective.**
fn quality_of(comm: &Comm, mut slab: MeshSlab) -> MeshQuality {
    let parts = vec![comm.rank() as u32; slab.connectivity.len()];
    distribute_anyway(comm, &mut slab, &parts, 0).quality
}

/// Most ranks of a host.
const HOST: usize = 128;

/// Returns the plan of a case on a mesh of this size before refinement, without a bandwidth.
fn plan(case: &Case, base: MeshSize, ranks: usize, problem: Option<&Problem>) -> Plan {
    Plan {
        base,
        is_file: case.mesh.path().is_some(),
        refine: case.refine,
        ranks,
        ranks_of_host: ranks.min(HOST),
        operator: case.solver.operator,
        preconditioner: case.solver.preconditioner,
        has_flux: problem.map_or(case.physics != Physics::Flow, |problem| case.has_flux(problem)),
        floating: problem.map_or(0, Problem::floating_boundaries),
        rtol: case.solver.rtol,
        bandwidth: f64::INFINITY,
    }
}

/// Returns the most refinements of a case, at least its own, for which the hosts of all ranks have
/// memory. **Collective.**
///
/// # Errors
/// An internal error where the ranks are virtual.
pub(super) fn most_refinements(comm: &Comm, case: &Case, base: MeshSize, problem: &Problem) -> Result<u32> {
    let memory = memory_of_a_rank(comm, comm.host()?.size());
    let has_memory = |refine: &u32| {
        let plan = Plan { refine: *refine, ..plan(case, base, comm.size(), Some(problem)) };
        peak(&plan).is_some_and(|peak| FULLEST_RANK * peak <= memory)
    };
    Ok((case.refine + 1..).take_while(has_memory).last().unwrap_or(case.refine))
}

/// Returns the bytes of memory that each rank can still get, at least. **Collective.**
pub(super) fn memory_of_a_rank(comm: &Comm, ranks_of_host: usize) -> f64 {
    comm.min(available_memory().map_or(f64::INFINITY, |bytes| bytes as f64 / ranks_of_host as f64))
}

/// Returns a warning where a solve needs more than this memory (bytes) on each rank.
pub(super) fn memory_warning(
    case: &Case,
    base: MeshSize,
    ranks: usize,
    problem: Option<&Problem>,
    memory: f64,
) -> Option<String> {
    let needed = peak(&plan(case, base, ranks, problem))?;
    let shown = |bytes: f64| rounded(bytes / 1e9, 3);
    (needed > memory).then(|| {
        format!(
            "this solve needs about {} GB of memory on each rank, and a host has {} GB left for it: use more hosts, or \
             a coarser mesh (--dry-run shows what takes the memory)",
            shown(needed),
            shown(memory)
        )
    })
}

/// Returns the peak memory of a rank (bytes); none where the mesh cannot be refined so far.
fn peak(plan: &Plan) -> Option<f64> {
    check_refinement(plan).ok()?;
    Some(Estimate::new(String::new(), plan).peak_bytes_per_rank as f64)
}

/// Checks the limit of [`refine`](crate::mesh::refine) for equal parts.
fn check_refinement(case: &Plan) -> Result<()> {
    let levels = case.refine;
    let elements = u128::from(case.base.elements) << (2 * levels.min(40));
    if levels < 15 && elements / (case.ranks as u128) < u128::from(MOST_ON_A_RANK) {
        return Ok(());
    }
    Err(refined_too_far(levels, elements))
}

impl Console {
    /// Prints the prediction for ranks of this memory bandwidth (GB/s), with the aspect ratio of
    /// the elements where it is known.
    fn estimate(&self, estimate: &Estimate, aspect: Option<&str>, bandwidth: f64) {
        let Estimate { elements, unknowns, ranks, refine, .. } = *estimate;
        let text = format!(
            "{}: {} elements, {} unknowns",
            refined(&estimate.source, refine),
            group(elements),
            group(unknowns)
        );
        self.line("mesh", &text);
        self.line("dry run", &format!("{}, nothing is solved", plural(ranks as u64, "rank")));
        let row = |name: &str, per_rank: f64| {
            self.line("", &format!("{name:<32} {per_rank:>11.1} {:>11.1}", per_rank * ranks as f64));
        };
        self.line("memory", &format!("{:<32} {:>11} {:>11}", "largest at the peak", "MiB a rank", "MiB in all"));
        let mut arrays: Vec<_> = estimate.arrays.iter().filter(|a| a.stages.contains(&estimate.peak_stage)).collect();
        arrays.sort_by_key(|array| std::cmp::Reverse(array.bytes_per_rank));
        for array in arrays {
            row(array.name, mebibytes(array.bytes_per_rank as f64));
        }
        row("all of these", mebibytes(estimate.peak_bytes_per_rank as f64));
        let memory = (mebibytes(estimate.peak_bytes_per_rank as f64) * FULLEST_RANK).ceil();
        let job = format!(
            "sbatch --ntasks={ranks} --mem-per-cpu={memory}M jobs/solve.sbatch ... (with room for the fullest rank)"
        );
        self.line("job", &job);
        self.line("quality", aspect.unwrap_or("not checked in so large a file, see quad8-mpi check"));
        let is_slender = estimate.aspect_ratio_max.is_some_and(|ratio| ratio > SLENDER);
        let more = if is_slender { ", and more because of the slender elements" } else { "" };
        let also = match estimate.floating {
            0 => String::new(),
            floating => format!(", and as many for each floating boundary ({floating})"),
        };
        self.line("solve", &format!("about {}{also}{more}", plural(estimate.iterations, "iteration")));
        let Time { setup, solve } = estimate.seconds;
        let text = format!(
            "assemble and set up {setup:.2} s, iterate {solve:.2} s, at {bandwidth} GB/s a rank (--bandwidth), without files"
        );
        self.line("time", &text);
    }
}
