//! Gathers the run record over the ranks.

use nix::sys::resource::{UsageWho, getrusage};

use crate::app::case::Case;
use crate::app::solve::solution::Summary;
use crate::io::record::{Layout, Libraries, Memory, MeshInfo, Parallel, RunRecord, SolutionStats, SolverConfig};
use crate::la::Vector;
use crate::la::cg::{CgReport, ConvergedReason};
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, Halo, MinMeanMax, Placement};
use crate::post::{DerivedFields, magnitude, range, statistics};
use crate::problem::Labels;
use crate::system::arguments::value_name;

/// Gathers the record of a run, except for what [`RunRecord::complete`] adds at its end.
/// **Collective.**
pub fn record(comm: &Comm, case: &Case, mesh: &LocalMesh, start_up: MinMeanMax, summary: Summary) -> RunRecord {
    let Summary { report, quality, .. } = summary;
    RunRecord {
        version: env!("CARGO_PKG_VERSION"),
        libraries: Libraries::in_use(),
        start_up,
        breakdown: summary.breakdown,
        iterations: report.iterations,
        converged: report.outcome == ConvergedReason::Converged,
        outcome: Some(report.outcome),
        solution_stats: summary.stats,
        mesh_info: MeshInfo {
            source: case.mesh.name(),
            scale: case.scale.unwrap_or(1.0),
            refine: mesh.refinements,
            nodes: mesh.total_nodes,
            used_nodes: summary.used_nodes,
            elements: mesh.total_elements,
            matrix_nnz: summary.matrix_nnz,
            fixed_nodes: summary.fixed_nodes,
            aspect_ratio_max: quality.aspect_ratio_max(),
            folded_elements: quality.folded_elements(),
        },
        conductivity_range: summary.conductivity_range,
        solver_config: options(case),
        case: case.refined(mesh.refinements).text(comm),
        physics: case.physics,
        geometry: case.geometry,
        names: Labels::new(case.physics, case.geometry, &case.names),
        conditions: summary.conditions,
        flow: summary.flow,
        convergence: summary.convergence,
        accuracy: summary.accuracy,
        parallel: summary.parallel,
        restart: summary.restart,
        repairs: report.replacements,
        residual_history: report.history,
        warnings: summary.warnings,
        ..RunRecord::default()
    }
}

/// Gathers ranks, threads and a partition with this edge cut. **Collective.**
pub fn parallel(comm: &Comm, placement: &Placement, edge_cut: Option<u64>, halo: &Halo, mesh: &LocalMesh) -> Parallel {
    let mean = mesh.total_elements as f64 / comm.size() as f64;
    Parallel {
        layout: Layout {
            ranks: placement.ranks,
            threads_per_rank: comm.max(placement.threads as u64) as usize,
            hosts: placement.hosts,
        },
        first_host: placement.host.clone(),
        edge_cut,
        halo_max: comm.max(halo.sent() as u64),
        halo_sum: comm.sum(halo.sent() as u64),
        neighbours_max: comm.max(halo.neighbours() as u64),
        load_imbalance: comm.max(mesh.own_elements as u64) as f64 / mean,
    }
}

/// Computes the solution in numbers. **Collective.**
pub fn solution(comm: &Comm, u: &Vector, fields: &DerivedFields, report: &CgReport) -> SolutionStats {
    let DerivedFields { elements, nodes, flux, errors, .. } = fields;
    let values = statistics(comm, u.owned());
    // The estimate is of the discretization error: an iterate that has not converged has none.
    let if_solved = |value: f64| if report.outcome == ConvergedReason::Converged { value } else { f64::NAN };
    let owned = u.owned().len();
    let magnitudes = |vectors: &[[f64; 2]]| range(comm, vectors.len(), |i| magnitude(vectors[i]));
    SolutionStats {
        u_range: values.range,
        u_mean: values.mean,
        u_std: values.std,
        speed_range: range(comm, elements.len(), |e| elements[e].speed),
        speed_node_range: range(comm, owned, |n| nodes[n].speed),
        flux_range: flux.as_ref().map(|flux| magnitudes(&flux.elements)),
        flux_node_range: flux.as_ref().map(|flux| magnitudes(&flux.nodes[..owned])),
        error_estimate: if_solved(errors.total),
        error_estimate_percent: if_solved(100.0 * errors.relative),
        final_residual: report.residual_norm,
        relative_residual: report.relative_residual(),
    }
}

/// Returns the options of the solver.
fn options(Case { solver, constants, .. }: &Case) -> SolverConfig {
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

/// Gathers the peak resident memory. **Collective.**
pub fn memory(comm: &Comm) -> Memory {
    // Linux counts in KiB (getrusage(2)); where it cannot be read, 0.
    let peak = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss() as u64 * 1024);
    let peak_bytes = comm.gather_at_root(vec![peak]).concat();
    Memory { peak_bytes, peak_bytes_max: comm.max(peak), peak_bytes_sum: comm.sum(peak) }
}
