//! Estimates of memory and time of a solve from the size of its mesh.

mod memory;
mod time;

pub(crate) use memory::{Array, Stage};
pub(crate) use time::{Time, multigrid_iterations};

use serde::Serialize;

use crate::fem::{OperatorKind, PreconditionerKind};
use crate::mesh::MeshSize;

/// Case to estimate: mesh size, ranks and solver.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Size of the mesh before refinement.
    pub base: MeshSize,
    /// Whether the mesh comes from a file.
    pub is_file: bool,
    /// Levels of refinement.
    pub refine: u32,
    /// MPI ranks.
    pub ranks: usize,
    /// Ranks of a host.
    pub ranks_of_host: usize,
    /// Storage of the stiffness.
    pub operator: OperatorKind,
    /// Preconditioner.
    pub preconditioner: PreconditionerKind,
    /// Whether the flux density is computed.
    pub has_flux: bool,
    /// Number of floating boundaries, each of which takes a solve.
    pub floating: usize,
    /// Relative residual to reach.
    pub rtol: f64,
    /// Memory bandwidth of one rank (bytes/s).
    pub bandwidth: f64,
}

impl Plan {
    /// Returns the size of the refined mesh. The number of edges follows from Euler's formula for a
    /// domain without holes in which all nodes are used.
    pub fn refined(&self) -> MeshSize {
        let MeshSize { nodes, elements } = self.base;
        let n = 1_u64 << self.refine;
        let edges = (nodes + elements).saturating_sub(1) / 2;
        let inside = (2 * n - 1).pow(2) - n * n;
        MeshSize { nodes: nodes + edges * (2 * n - 2) + elements * inside, elements: elements * n * n }
    }
}

/// Estimate of a solve.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// Source of the mesh.
    pub source: String,
    /// Levels of refinement.
    pub refine: u32,
    /// Elements after refinement.
    pub elements: u64,
    /// Nodes after refinement, used or not.
    pub unknowns: u64,
    /// MPI ranks.
    pub ranks: usize,
    /// Memory of one rank by array.
    pub arrays: Vec<Array>,
    /// Stage of the peak memory.
    pub peak_stage: Stage,
    /// Peak memory of one rank (bytes).
    pub peak_bytes_per_rank: u64,
    /// Peak memory of all ranks (bytes).
    pub peak_bytes_sum: u64,
    /// Largest aspect ratio of an element, where the mesh was small enough to be read.
    pub aspect_ratio_max: Option<f64>,
    /// Expected iterations of CG in each solve, on elements that are not slender.
    pub iterations: u64,
    /// Number of floating boundaries, each of which takes one more solve.
    pub floating: usize,
    /// Expected seconds.
    pub seconds: Time,
}

impl Estimate {
    /// Estimates a case whose mesh has this name.
    pub fn new(source: String, case: &Plan) -> Self {
        let arrays = memory::arrays(case);
        let (peak_stage, peak) = memory::peak(&arrays);
        let size = case.refined();
        let iterations = time::iterations(case);
        Self {
            source,
            refine: case.refine,
            elements: size.elements,
            unknowns: size.nodes,
            ranks: case.ranks,
            peak_stage,
            peak_bytes_per_rank: peak,
            peak_bytes_sum: peak * case.ranks as u64,
            aspect_ratio_max: None,
            iterations,
            floating: case.floating,
            seconds: Time::new(case, iterations),
            arrays,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(refine: u32) -> Plan {
        Plan {
            base: MeshSize { nodes: 16_397, elements: 5_296 },
            is_file: false,
            refine,
            ranks: 2,
            ranks_of_host: 2,
            operator: OperatorKind::Elements,
            preconditioner: PreconditionerKind::Multigrid,
            has_flux: false,
            floating: 0,
            rtol: 1e-8,
            bandwidth: 1e10,
        }
    }

    #[test]
    fn the_refined_mesh_is_counted() {
        let sizes = [1, 2, 4].map(|k| case(k).refined());
        assert_eq!(sizes.map(|s| s.nodes), [64_569, 256_241, 4_075_457]);
        assert_eq!(sizes.map(|s| s.elements), [21_184, 84_736, 1_355_776]);
    }

    #[test]
    fn the_peak_is_near_that_of_real_runs() {
        const MIB: f64 = (1 << 20) as f64;
        let file = |refine| Plan { base: case(refine).refined(), is_file: true, ..case(0) };
        let jacobi = Plan { preconditioner: PreconditionerKind::Jacobi, ..case(3) };
        let assembled = Plan { operator: OperatorKind::Assembled, ..case(3) };
        // Measured on two ranks with --threads 1: MiB of the fullest rank.
        for (case, measured) in [
            (case(3), 145.0),
            (case(4), 481.0),
            (file(3), 171.0),
            (file(4), 572.0),
            (jacobi, 122.0),
            (assembled, 304.0),
        ] {
            let peak = Estimate::new(String::new(), &case).peak_bytes_per_rank as f64 / MIB;
            assert!((peak / measured - 1.0).abs() < 0.15, "{peak} instead of {measured} MiB for {case:?}");
        }
    }

    #[test]
    fn what_the_peak_counts_is_in_the_table() {
        let estimate = Estimate::new(String::new(), &case(2));
        let at_peak = estimate.arrays.iter().filter(|a| a.stages.contains(&estimate.peak_stage));
        assert_eq!(at_peak.map(|a| a.bytes_per_rank).sum::<u64>(), estimate.peak_bytes_per_rank);
        assert_eq!((estimate.iterations, estimate.ranks), (8, 2));
    }

    #[test]
    fn floating_boundaries_are_counted() {
        let [none, two] = [0, 2].map(|floating| Estimate::new(String::new(), &Plan { floating, ..case(2) }));
        assert!((two.seconds.solve / none.seconds.solve - 3.0).abs() < 1e-12);
        assert_eq!(two.seconds.setup, none.seconds.setup);
        assert!(two.peak_bytes_per_rank > none.peak_bytes_per_rank && two.iterations == none.iterations);
    }

    #[test]
    fn a_flux_is_counted() {
        let names = |has_flux| {
            let estimate = Estimate::new(String::new(), &Plan { has_flux, ..case(2) });
            estimate.arrays.into_iter().map(|array| array.name).collect::<Vec<_>>()
        };
        assert!(names(true).contains(&"flux density") && !names(false).contains(&"flux density"));
    }
}
