//! The factor that limited the speed of a run most.

use crate::io::record::{RunRecord, Stage};
use crate::parallel::TOTAL;
use crate::system::group;

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
    let stages = Stage::ALL.map(|stage| (stage.name(), stage.seconds(&record.timing_metrics)));
    let waits = stages.iter().filter(|(_, [longest, mean])| *longest > 0.1 && *longest > UNEVEN * mean);
    if let Some((name, [longest, mean])) = waits.max_by(|(_, a), (_, b)| (a[0] - a[1]).total_cmp(&(b[0] - b[1]))) {
        return format!("{name}: the slowest rank took {:.1} times the mean", longest / mean);
    }
    let total = record.timing_metrics.get(TOTAL).map_or(0.0, |span| span.max);
    match stages.iter().max_by(|(_, a), (_, b)| a[0].total_cmp(&b[0])) {
        Some((name, [longest, _])) if total > 0.0 => format!("{name}, {:.0} % of the time", 100.0 * longest / total),
        _ => "no stage in particular".to_owned(),
    }
}
