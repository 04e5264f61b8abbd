//! The factor that limited the speed of a run most.

use crate::io::console::group;
use crate::io::record::RunRecord;

/// Returns the name of a stage of the run record in the words of the pages of `quad8-mpi view`.
fn in_words(stage: &str) -> &str {
    match stage {
        "load_mesh" => "reading the mesh",
        "partition" => "partitioning, distributing and refining the mesh",
        "assemble_system" => "assembling",
        "apply_bc" => "imposing the conditions",
        "setup_preconditioner" => "setting up the preconditioner",
        "solve_system" => "iterating",
        "compute_derived" => "deriving the fields",
        "export" => "writing",
        other => other,
    }
}

/// Returns in a few words what would have to change for a faster run.
pub fn limiting_factor(record: &RunRecord, placement: &[String]) -> String {
    /// Ratio of the largest to the mean from which a share is uneven.
    const UNEVEN: f64 = 1.2;
    /// Fewest unknowns for which a thread computes longer than it waits.
    const BUSY: u64 = 20_000;
    const MANY_ITERATIONS: usize = 500;
    let parallel = &record.parallel;
    let threads = parallel.layout.cores() as u64;
    let each = record.mesh_info.used_nodes / threads.max(1);
    if !placement.is_empty() {
        return "threads share cores: see the warning above".to_owned();
    }
    if parallel.layout.ranks > 1 && parallel.load_imbalance > UNEVEN {
        return format!("one rank has {:.1} times the mean of the elements", parallel.load_imbalance);
    }
    if record.solver_config.preconditioner == "jacobi" && record.iterations > MANY_ITERATIONS {
        let iterations = group(record.iterations as u64);
        return format!("{iterations} iterations of jacobi: multigrid takes about ten");
    }
    if record.convergence.slow_multigrid().is_some() {
        return format!("multigrid converges slowly, by a factor of {:.2} an iteration", record.convergence.factor);
    }
    if threads > 1 && each < BUSY {
        return format!("only {} unknowns a thread: fewer ranks or threads would do", group(each));
    }
    let stages = || record.timing_metrics.iter().filter(|(name, _)| *name != crate::parallel::TOTAL);
    let waits = stages().filter(|(_, span)| span.max > 0.1 && span.max > UNEVEN * span.mean);
    if let Some((name, span)) = waits.max_by(|a, b| (a.1.max - a.1.mean).total_cmp(&(b.1.max - b.1.mean))) {
        return format!("{}: the slowest rank took {:.1} times the mean", in_words(name), span.max / span.mean);
    }
    let total: f64 = stages().map(|(_, span)| span.max).sum();
    match stages().max_by(|a, b| a.1.max.total_cmp(&b.1.max)) {
        Some((name, span)) if total > 0.0 => {
            format!("{}, {:.0} % of the time", in_words(name), 100.0 * span.max / total)
        }
        _ => "no stage in particular".to_owned(),
    }
}
