//! The machine: how long a message, a reduction and a number of an operator take.

use serde::Serialize;

use crate::perf::median;
use crate::perf::model::hierarchy::{Kind, Level, Shape};
use crate::perf::model::run::Run;

/// A network and the ranks on it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Machine {
    /// Seconds that a message takes on its way.
    pub latency: f64,
    /// Seconds that a rank is busy with each of its messages.
    pub overhead: f64,
    /// Bytes a second of one rank, when all ranks of a node send at once.
    pub bandwidth: f64,
    /// What a rank computes.
    pub rates: Rates,
}

impl Machine {
    /// Seconds of an exchange with `neighbours`, all at once, of `bytes` in all:
    /// A. Alexandrov, M. Ionescu, K. Schauser, C. Scheiman, *LogGP*, J. Parallel
    /// Distrib. Comput. 44 (1997).
    pub fn messages(&self, neighbours: f64, bytes: f64) -> f64 {
        if neighbours > 0.0 { self.latency + self.overhead * neighbours + bytes / self.bandwidth } else { 0.0 }
    }

    /// Seconds of an all-reduce by recursive doubling (R. Thakur,
    /// R. Rabenseifner, W. Gropp, *Optimization of collective communication
    /// operations in MPICH*, Int. J. High Perform. Comput. Appl. 19 (2005)).
    pub fn reduction(&self, ranks: f64, bytes: f64) -> f64 {
        ranks.log2().ceil() * self.messages(1.0, bytes)
    }
}

/// What a rank's own work takes, without any message: seconds, or bytes that it moves.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rates {
    /// Of an iteration but for its preconditioner, for an unknown.
    pub iteration: f64,
    /// Of the cycle on meshes, for a number of the operator in one product.
    pub mesh: f64,
    /// The same on the corners and on aggregates.
    pub matrix: f64,
    /// Of integration, for an unknown.
    pub assembly: f64,
    /// Of building the preconditioner, for an unknown.
    pub setup: f64,
    /// Of the direct solution, for each number of the dense matrix.
    pub direct: f64,
}

fn is_mesh(level: &Level) -> bool {
    level.kind == Kind::Mesh
}

/// Half of the numbers of the dense matrix are read, twice, at 8 bytes a nanosecond.
const DIRECT: f64 = 1e-9;

/// Bytes that are read and written, vectors included, where they do not stay in the caches; on the corners and on
/// aggregates they do. Of an iteration and a cycle counted in `assemble::batch`, `la::chebyshev` and `la::cg`: 28
/// numbers and eight nodes an element, three unknowns an element, 9.3 numbers an unknown; of assembly and setup
/// estimated.
const BYTES: Rates = Rates { iteration: 230.0, mesh: 9.3, matrix: 0.0, assembly: 270.0, setup: 1400.0, direct: 0.0 };
/// Bytes that move for each that STREAM's triad names, which reads the lines that it writes.
const MOVED: f64 = 4.0 / 3.0;

impl Rates {
    /// Those of runs (medians of seven) on two ranks of two cores of an AMD EPYC (shared virtual
    /// machine), the Y-channel with `--refine 3`.
    pub const TYPICAL: Self =
        Self { iteration: 1.6e-8, mesh: 1.04e-9, matrix: 1.86e-9, assembly: 2.5e-7, setup: 5.5e-7, direct: DIRECT };

    /// Work takes no time: what is left is the network.
    pub const NONE: Self = Self { iteration: 0.0, mesh: 0.0, matrix: 0.0, assembly: 0.0, setup: 0.0, direct: 0.0 };

    /// Those of the slowest rank of a run, whose fullest part has `imbalance` times the mean of the elements.
    pub fn of(run: &Run, shape: &Shape, imbalance: f64) -> Self {
        let breakdown = &run.breakdown;
        let levels = shape.as_solved(run, 0.0);
        let ranks = run.parallel.layout.ranks as f64;
        let unknowns = imbalance * run.mesh_info.used_nodes as f64 / ranks;

        // The preconditioner is applied once an iteration.
        let seconds = |wanted: fn(&Level) -> bool| {
            let of_kind = levels.iter().zip(&breakdown.levels).filter(move |(level, _)| wanted(level));
            of_kind.map(|(_, split)| split.compute.max).sum::<f64>() / run.iterations as f64
        };
        let numbers = |wanted: fn(&Level) -> bool| {
            let all = levels.iter().filter(|level| wanted(level)).map(|l| l.products * l.entries).sum::<f64>();
            imbalance * all / ranks
        };
        let cycle = seconds(|_| true);
        Self {
            iteration: (breakdown.iterations.mean.compute.max - cycle).max(0.0) / unknowns,
            mesh: seconds(is_mesh) / numbers(is_mesh),
            matrix: seconds(|l| !is_mesh(l)) / numbers(|l| !is_mesh(l)),
            assembly: (run.seconds("assemble_system").max + run.seconds("apply_bc").max) / unknowns,
            setup: run.seconds("setup_preconditioner").max / unknowns,
            direct: DIRECT,
        }
    }

    /// Of equal runs, one by one.
    pub fn median(runs: Vec<Self>) -> Self {
        Self::each(|of| median(runs.iter().map(of).collect()))
    }

    fn each(value: impl Fn(fn(&Self) -> f64) -> f64) -> Self {
        Self {
            iteration: value(|r| r.iteration),
            mesh: value(|r| r.mesh),
            matrix: value(|r| r.matrix),
            assembly: value(|r| r.assembly),
            setup: value(|r| r.setup),
            direct: value(|r| r.direct),
        }
    }

    /// Those of a rank that has `to` GB/s of the memory instead of `from`, and one part in `crowd` of a core. Moving
    /// and computing add up, as where a core waits for what it needs (J. Treibig, G. Hager, *Introducing a performance
    /// model for bandwidth-limited loop kernels*, PPAM 2009).
    pub fn shared(self, [from, to]: [f64; 2], crowd: f64) -> Self {
        Self::each(|of| {
            let moving = (of(&BYTES) / (MOVED * from * 1e9)).min(of(&self));
            crowd * (of(&self) - moving) + moving * from / to
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { latency: 2e-6, overhead: 5e-7, bandwidth: 1e9, rates: Rates::TYPICAL };

    #[test]
    fn messages_travel_together_and_are_sent_one_by_one() {
        assert!((MACHINE.messages(3.0, 4e3) - 7.5e-6).abs() < 1e-12);
        assert_eq!(MACHINE.messages(0.0, 0.0), 0.0);
    }

    #[test]
    fn a_reduction_takes_a_step_for_each_power_of_two() {
        assert_eq!(MACHINE.reduction(1.0, 8.0), 0.0);
        let step = MACHINE.messages(1.0, 8.0);
        assert_eq!([2.0, 5.0, 4096.0].map(|ranks| (MACHINE.reduction(ranks, 8.0) / step).round()), [1.0, 3.0, 12.0]);
    }

    #[test]
    fn moving_follows_the_bandwidth_and_computing_the_share_of_a_core() {
        let moving = 230.0 / (MOVED * 20e9);
        let rates = Rates { iteration: 2.0 * moving, matrix: 1.0, mesh: 0.0, ..Rates::TYPICAL };
        let shared = rates.shared([20.0, 5.0], 3.0);
        assert!((shared.iteration / moving - (3.0 + 4.0)).abs() < 1e-12);
        assert_eq!([shared.matrix, shared.mesh], [3.0, 0.0]);
    }
}
