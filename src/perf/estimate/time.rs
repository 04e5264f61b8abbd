//! Estimates of time by the memory traffic of a solve.

use serde::Serialize;

use crate::fem::{OperatorKind, PreconditionerKind};
use crate::perf::estimate::Plan;

/// Seconds of the stages.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Time {
    /// Assembling and building the preconditioner.
    pub setup: f64,
    /// All iterations.
    pub solve: f64,
}

/// Bytes an element that take as long to move as its integration takes, which is bound by
/// arithmetic (docs/performance.md).
const ASSEMBLY: f64 = 9_000.0;
/// The same for the multigrid hierarchy.
const HIERARCHY: f64 = 9_000.0;
/// Numbers of the vectors of CG that an iteration reads or writes, for each unknown.
const CG_PASSES: f64 = 16.0;
/// Numbers that a smoothing step reads or writes, for each unknown.
const SMOOTHING_PASSES: f64 = 8.0;
/// Smoothing steps of a cycle on one level, with the residual.
const STEPS: f64 = 6.0;
/// Iterations of Jacobi-CG over the square root of the unknowns, for a tolerance of 1e-8.
const JACOBI: f64 = 10.5;

impl Time {
    /// Estimates the time on ranks with their own memory bandwidth; messages take no time.
    pub fn new(case: &Plan, iterations: u64) -> Self {
        let size = case.refined();
        let per_rank = |count: u64| count as f64 / case.ranks as f64;
        let (elements, nodes) = (per_rank(size.elements), per_rank(size.nodes));
        let operator = |bytes: f64| match case.operator {
            // Eight nodes and 28 numbers an element.
            OperatorKind::Elements => elements * (32.0 + 28.0 * bytes),
            OperatorKind::Assembled => nodes * 15.6 * (4.0 + bytes),
        };
        let multigrid = case.preconditioner == PreconditionerKind::Multigrid;
        // All coarser levels cost a third of the finest one.
        let cycle = 4.0 / 3.0 * STEPS * (operator(4.0) + SMOOTHING_PASSES * 4.0 * nodes);
        let iteration = operator(8.0) + CG_PASSES * 8.0 * nodes + if multigrid { cycle } else { 0.0 };
        let setup = elements * (ASSEMBLY + if multigrid { HIERARCHY } else { 0.0 });
        let solves = (1 + case.floating) as f64;
        Self { setup: setup / case.bandwidth, solve: solves * iterations as f64 * iteration / case.bandwidth }
    }
}

/// Estimates the iterations from those of the Y-channel: with multigrid one a digit, with Jacobi
/// ten times the number of nodes from one end to the other.
pub fn iterations(case: &Plan) -> u64 {
    let digits = -case.rtol.log10();
    let needed = match case.preconditioner {
        PreconditionerKind::Multigrid => multigrid_iterations(case.rtol),
        PreconditionerKind::Jacobi => JACOBI * (case.refined().nodes as f64).sqrt() * digits / 8.0,
    };
    needed.ceil().max(1.0) as u64
}

/// Returns the iterations of multigrid-CG on the Y-channel: one a digit.
pub fn multigrid_iterations(rtol: f64) -> f64 {
    -rtol.log10()
}
