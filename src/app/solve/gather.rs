//! What a run record says about a run, gathered over the ranks.

use nix::sys::resource::{UsageWho, getrusage};

use crate::app::case::Case;
use crate::io::record::{Memory, Parallel, SolutionStats, SolverConfig};
use crate::la::Vector;
use crate::la::cg::{CgReport, ConvergedReason};
use crate::mesh::LocalMesh;
use crate::mesh::partition::Partition;
use crate::parallel::{Comm, Halo, Placement};
use crate::post::{DerivedFields, range, statistics};
use crate::system::arguments::value_name;

/// Ranks, threads and the partition. **Collective.**
pub fn parallel(comm: &Comm, placement: &Placement, partition: &Partition, halo: &Halo, mesh: &LocalMesh) -> Parallel {
    let mean = mesh.total_elements as f64 / comm.size() as f64;
    Parallel {
        ranks: placement.ranks,
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

/// The solution in numbers. **Collective.**
pub fn solution(comm: &Comm, u: &Vector, fields: &DerivedFields, report: &CgReport) -> SolutionStats {
    let DerivedFields { elements, nodes, flux, errors, .. } = fields;
    let values = statistics(comm, u.owned());
    // The estimate is one of the discretisation: of an iterate on the way there is none.
    let if_solved = |value: f64| if report.outcome == ConvergedReason::Converged { value } else { f64::NAN };
    let owned = u.owned().len();
    let magnitudes = |vectors: &[[f64; 2]]| range(comm, vectors.iter().map(|[x, y]| x.hypot(*y)));
    SolutionStats {
        u_range: values.range,
        u_mean: values.mean,
        u_std: values.std,
        speed_range: range(comm, elements.iter().map(|field| field.speed)),
        speed_node_range: range(comm, nodes[..owned].iter().map(|node| node.speed)),
        flux_range: flux.as_ref().map(|flux| magnitudes(&flux.elements)),
        flux_node_range: flux.as_ref().map(|flux| magnitudes(&flux.nodes[..owned])),
        error_estimate: if_solved(errors.total),
        error_estimate_percent: if_solved(100.0 * errors.relative),
        final_residual: report.residual_norm,
        relative_residual: report.relative_residual(),
    }
}

/// The options that were in force.
pub fn options(Case { solver, constants, .. }: &Case) -> SolverConfig {
    SolverConfig {
        operator: value_name(&solver.operator),
        preconditioner: value_name(&solver.preconditioner),
        reproducible: solver.reproducible,
        rtol: solver.rtol,
        max_iterations: solver.max_iterations,
        gamma: constants.gamma,
        p0: constants.p0,
        density: constants.density,
    }
}

/// Peak resident memory. **Collective.**
pub fn memory(comm: &Comm) -> Memory {
    // Linux counts in KiB (getrusage(2)); where it cannot be read, 0.
    let peak = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss() as u64 * 1024);
    Memory { peak_bytes: comm.all_gather(peak), peak_bytes_max: comm.max(peak), peak_bytes_sum: comm.sum(peak) }
}
