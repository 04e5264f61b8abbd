//! How long a solve would take if it did nothing but move memory.

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

/// Integration and the hierarchy compute more than they move; this many bytes
/// an element take as long (docs/performance.md).
const ASSEMBLY: f64 = 9_000.0;
const HIERARCHY: f64 = 9_000.0;
/// Numbers of CG's vectors that are read or written in an iteration, for each
/// unknown, and of a smoothing step.
const CG_PASSES: f64 = 16.0;
const SMOOTHING_PASSES: f64 = 8.0;
/// Smoothing steps of a cycle on one level, and the residual.
const STEPS: f64 = 6.0;
/// Iterations of Jacobi-CG over the square root of the unknowns, for 1e-8.
const JACOBI: f64 = 10.5;

impl Time {
    /// On ranks that share nothing but their messages, which take no time here.
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
        // A third more for all coarser levels.
        let cycle = 4.0 / 3.0 * STEPS * (operator(4.0) + SMOOTHING_PASSES * 4.0 * nodes);
        let iteration = operator(8.0) + CG_PASSES * 8.0 * nodes + if multigrid { cycle } else { 0.0 };
        let setup = elements * (ASSEMBLY + if multigrid { HIERARCHY } else { 0.0 });
        Self { setup: setup / case.bandwidth, solve: iterations as f64 * iteration / case.bandwidth }
    }
}

/// Iterations that the Y-channel needs: a digit each with multigrid, and with
/// Jacobi as many as there are nodes from one end to the other, times ten.
pub fn iterations(case: &Plan) -> u64 {
    let digits = -case.rtol.log10();
    let needed = match case.preconditioner {
        PreconditionerKind::Multigrid => multigrid_iterations(case.rtol),
        PreconditionerKind::Jacobi => JACOBI * (case.refined().nodes as f64).sqrt() * digits / 8.0,
    };
    needed.ceil().max(1.0) as u64
}

/// Iterations that multigrid-CG needs on the Y-channel: a digit each.
pub fn multigrid_iterations(rtol: f64) -> f64 {
    -rtol.log10()
}
