//! Model of the machine: times of messages, reductions and operations.

use serde::Serialize;

use crate::parallel::MinMeanMax;
use crate::perf::median;
use crate::perf::model::levels::{CoarseningRatios, Level, LevelKind};
use crate::perf::model::run::Run;

/// Network and ranks of a machine.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Machine {
    /// Latency of a message (s).
    pub latency: f64,
    /// Work of a rank for each of its messages (s).
    pub overhead: f64,
    /// Bandwidth of one rank when all ranks of a node send at once (bytes/s).
    pub bandwidth: f64,
    /// Bandwidth of half of the nodes together over that between the two halves of the network.
    pub taper: f64,
    /// Ranks of a node.
    pub ranks_per_node: f64,
    /// Bandwidth of the file system (bytes/s), which all ranks share.
    pub file_system: f64,
    /// Times of computations.
    pub rates: Rates,
}

impl Machine {
    /// Returns the seconds of an exchange with `neighbours` at once, of `bytes` in all: A.
    /// Alexandrov, M. Ionescu, K. Schauser, C. Scheiman, *LogGP*, J. Parallel Distrib. Comput. 44
    /// (1997).
    pub fn messages(&self, neighbours: f64, bytes: f64) -> f64 {
        if neighbours > 0.0 { self.latency + self.overhead * neighbours + bytes / self.bandwidth } else { 0.0 }
    }

    /// Returns the seconds in which each rank sends `bytes`, evenly to all others: half of them go
    /// to the other half of the network.
    pub fn redistribution(&self, bytes: f64) -> f64 {
        bytes / self.bandwidth * (0.5 * self.taper).max(1.0)
    }

    /// Returns the seconds of an all-reduce by recursive doubling (R. Thakur, R. Rabenseifner, W.
    /// Gropp, *Optimization of collective communication operations in MPICH*, Int. J. High Perform.
    /// Comput. Appl. 19 (2005)).
    pub fn reduction(&self, ranks: f64, bytes: f64) -> f64 {
        ranks.log2().ceil() * self.messages(1.0, bytes)
    }

    /// Returns the seconds of a broadcast of a few bytes along a binomial tree, on the mean of the
    /// ranks.
    pub fn broadcast(&self, ranks: f64) -> f64 {
        0.5 * self.reduction(ranks, 8.0)
    }

    /// Returns the seconds of an exchange of small messages whose receivers do not know the
    /// senders: lengths, their acknowledgement, a barrier, and the messages.
    pub fn sparse_exchange(&self, ranks: f64) -> f64 {
        self.reduction(ranks, 0.0) + 3.0 * self.messages((ranks - 1.0).min(1.0), 8.0)
    }
}

/// Costs of the own work of a rank, without messages: seconds, or bytes that it moves.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rates {
    /// Iteration without preconditioner, for an unknown.
    pub iteration: f64,
    /// Product on meshes in the cycle, for an entry of the operator.
    pub mesh: f64,
    /// Product on the corners and on aggregates, for an entry of the operator.
    pub matrix: f64,
    /// Assembly, for an unknown.
    pub assembly: f64,
    /// Setup of the preconditioner, for an unknown.
    pub setup: f64,
    /// Direct solution, for each entry of the dense matrix.
    pub direct: f64,
    /// Reading the mesh, for an unknown.
    pub reading: f64,
    /// Partition without METIS, for an unknown.
    pub partition: f64,
    /// METIS, for a vertex of the graph of a group.
    pub metis: f64,
    /// Recovery of the derived fields, for an unknown.
    pub recovery: f64,
    /// Writing the results, for an unknown.
    pub writing: f64,
}

fn is_mesh(level: &Level) -> bool {
    level.kind == LevelKind::Mesh
}

/// Seconds for each entry of the dense matrix: half of them are read, twice, at 8 bytes a
/// nanosecond.
const DIRECT: f64 = 1e-9;
/// Seconds for each vertex of a graph, for all rounds of bisections: twice those of the first,
/// which takes 0.17 us for METIS on 169,753 blocks, and the time to build the graphs.
const METIS: f64 = 5e-7;

/// Bytes that are read and written, with vectors, where data does not stay in the caches; data of
/// the corners and of aggregates does. Those of an iteration and a cycle are counted from the loops
/// of the matrix-free operator, the Chebyshev smoother and CG: 28 numbers and eight nodes an
/// element, three unknowns an element, 9.3 entries an unknown. Those of assembly and setup are
/// estimates; those of other stages are left out.
const BYTES: Rates = Rates { iteration: 230.0, mesh: 9.3, matrix: 0.0, assembly: 270.0, setup: 1400.0, ..Rates::NONE };
/// Bytes that move for each one that the triad of STREAM names: the lines that it writes are read
/// first.
const MOVED: f64 = 4.0 / 3.0;

impl Rates {
    /// Rates of runs (medians of seven) on two ranks of two cores of an AMD EPYC (shared virtual
    /// machine), the Y-channel with `--refine 3`; those of reading and partition are of the same
    /// mesh from a file.
    pub const TYPICAL: Self = Self {
        iteration: 6.6e-9,
        mesh: 8.0e-10,
        matrix: 1.2e-9,
        assembly: 1.3e-7,
        setup: 2.5e-7,
        direct: DIRECT,
        reading: 5.2e-8,
        partition: 4.1e-7,
        metis: METIS,
        recovery: 1.8e-7,
        writing: 2.3e-7,
    };

    /// Rates of a machine with infinitely fast cores, which leave only the network.
    pub const NONE: Self = Self {
        iteration: 0.0,
        mesh: 0.0,
        matrix: 0.0,
        assembly: 0.0,
        setup: 0.0,
        direct: 0.0,
        reading: 0.0,
        partition: 0.0,
        metis: 0.0,
        recovery: 0.0,
        writing: 0.0,
    };

    /// Computes the rates of the slowest rank of a run whose largest part has `imbalance` times the
    /// mean of the elements.
    pub fn of(run: &Run, ratios: &CoarseningRatios, imbalance: f64) -> Self {
        let breakdown = &run.breakdown;
        let levels = ratios.as_solved(run, 0.0);
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
        let work = |stage: &str| breakdown.stages.get(stage).map_or(MinMeanMax::default(), |split| split.compute);
        Self {
            iteration: (breakdown.iterations.mean.compute.max - cycle).max(0.0) / unknowns,
            mesh: seconds(is_mesh) / numbers(is_mesh),
            matrix: seconds(|l| !is_mesh(l)) / numbers(|l| !is_mesh(l)),
            assembly: (run.seconds("assemble_system").max + run.seconds("apply_bc").max) / unknowns,
            setup: run.seconds("setup_preconditioner").max / unknowns,
            direct: DIRECT,
            reading: work("load_mesh").max / unknowns,
            // Most ranks have a small graph for METIS, or none.
            partition: work("partition").min / unknowns,
            metis: METIS,
            recovery: work("compute_derived").max / unknowns,
            writing: work("export").max / unknowns,
        }
    }

    /// Returns the medians of the rates of equal runs.
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
            reading: value(|r| r.reading),
            partition: value(|r| r.partition),
            metis: value(|r| r.metis),
            recovery: value(|r| r.recovery),
            writing: value(|r| r.writing),
        }
    }

    /// Returns the rates of a rank with `to` GB/s of the memory bandwidth instead of `from`, on a
    /// core that `crowd` ranks share. The times of data transfer and of computation add up, as for
    /// a core that waits for its data (J. Treibig, G. Hager, *Introducing a performance model for
    /// bandwidth-limited loop kernels*, PPAM 2009).
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

    const MACHINE: Machine = Machine {
        latency: 2e-6,
        overhead: 5e-7,
        bandwidth: 1e9,
        taper: 1.0,
        ranks_per_node: 1.0,
        file_system: 1e11,
        rates: Rates::TYPICAL,
    };

    #[test]
    fn messages_travel_together_and_are_sent_one_by_one() {
        assert!((MACHINE.messages(3.0, 4e3) - 7.5e-6).abs() < 1e-12);
        assert_eq!(MACHINE.messages(0.0, 0.0), 0.0);
    }

    #[test]
    fn links_between_halves_of_the_network_are_shared() {
        let seconds = |taper| Machine { taper, ..MACHINE }.redistribution(3e9);
        assert_eq!([1.0, 2.0, 8.0].map(seconds), [3.0, 3.0, 12.0]);
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
