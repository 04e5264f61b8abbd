//! Cost of the stages of a run, also of those before and after the solution.

use crate::io::record::Stage;
use crate::mesh::partition::MetisGraphs;
use crate::perf::model::cost::Solve;
use crate::perf::model::levels::{Level, UNKNOWNS_AN_ELEMENT};
use crate::perf::model::stages::{Communication, StageCommunication, StageTime};

/// Bytes of a mesh file for an unknown: two coordinates, and the eight nodes of an element.
const MESH_BYTES: f64 = 16.0 + 64.0 / UNKNOWNS_AN_ELEMENT;
/// Bytes of a results file for an unknown: the mesh, and the fields at nodes and elements.
const RESULT_BYTES: f64 = 84.0;
/// Bytes of a link between two vertices. A block has three links, an element two, each counted at
/// one end.
const LINK_BYTES: f64 = 12.0;
/// Bytes of a block that are gathered for METIS: its group and weight, and its links.
const BLOCK_BYTES: f64 = 8.0 + 3.0 * LINK_BYTES;
/// Bytes of an element that are gathered for METIS: four corners.
const ELEMENT_BYTES: f64 = 16.0;
/// Bytes of a vertex that goes from rank to rank, without its links: its rank, number and weight.
const VERTEX_BYTES: f64 = 12.0;
/// Bytes of a vertex while METIS runs.
const METIS_BYTES: f64 = 300.0;

impl Solve<'_> {
    /// Returns the seconds of a stage. Where `has_files`, the finest mesh is in a file, else the
    /// coarsest one is built in.
    pub fn stage(&self, stage: Stage, counts: &StageCommunication, iterations: f64, has_files: bool) -> StageTime {
        let rates = self.machine.rates;
        let files = |bytes: f64| if has_files { self.files(bytes) } else { 0.0 };
        match stage {
            Stage::Reading => {
                let time = self.outside(&counts.reading, rates.reading, self.machine.broadcast(self.ranks()));
                StageTime { files: files(MESH_BYTES), ..time }
            }
            Stage::Partition => self.partition(counts, has_files),
            Stage::Assembly => self.assembly(),
            Stage::Setup => self.setup(),
            Stage::Iterations => {
                let one = self.iteration();
                StageTime {
                    work: iterations * (one.work + one.imbalance + one.direct),
                    messages: iterations * (one.mesh_messages + one.coarse_messages),
                    collectives: iterations * one.reductions,
                    ..Default::default()
                }
            }
            Stage::Recovery => self.outside(&counts.recovery, rates.recovery, self.sparse_exchange()),
            Stage::Writing => {
                let time = self.outside(&counts.writing, rates.writing, self.sparse_exchange());
                StageTime { files: files(RESULT_BYTES), ..time }
            }
        }
    }

    /// Returns the seconds of a stage outside the solution, whose other collective operations take
    /// `other` each.
    fn outside(&self, counts: &Communication, rate: f64, other: f64) -> StageTime {
        let ranks = self.ranks();
        let unknowns = self.unknowns();
        let sent = self.machine.redistribution(counts.bytes * unknowns * (1.0 - 1.0 / ranks))
            + counts.bytes_of_one / self.machine.bandwidth;
        StageTime {
            work: self.interfaces.imbalance() * rate * unknowns,
            messages: counts.exchanges * self.halo_exchange(0, 8.0) + sent,
            collectives: counts.reductions * self.machine.reduction(ranks, 8.0) + counts.others * other,
            ..Default::default()
        }
    }

    /// Returns the seconds of the partition. Groups of parts are cut by sums over all ranks. Each
    /// round of bisections more than the run that was counted has agrees on errors and exchanges
    /// graphs and ratings.
    fn partition(&self, counts: &StageCommunication, has_files: bool) -> StageTime {
        let time = self.outside(&counts.partition, self.machine.rates.partition, self.sparse_exchange());
        let graphs = self.metis_graphs(if has_files { self.finest() } else { self.base() });
        let ranks = self.ranks();
        let round = self.machine.reduction(ranks, 8.0) + 2.0 * self.sparse_exchange();
        let cuts = graphs.count as f64 - 1.0;
        let sums = if cuts > 0.0 { (64.0 * ranks).log2() } else { 0.0 };
        StageTime {
            metis: self.machine.rates.metis * graphs.vertices as f64,
            messages: time.messages + self.graph_messages(&graphs),
            collectives: time.collectives
                + sums * self.machine.reduction(ranks, 8.0 * cuts)
                + f64::from(graphs.rounds().saturating_sub(counts.rounds)) * round,
            ..time
        }
    }

    /// Returns the seconds in which graphs go to their first ranks, from there to those of the
    /// other trials, and after each round but the last, from the rank of the best bisection to
    /// those of all trials of its halves. The ranks of a node that send at a time share its
    /// network.
    fn graph_messages(&self, graphs: &MetisGraphs) -> f64 {
        let (gathered, links) = if graphs.has_blocks { (BLOCK_BYTES, 3.0) } else { (ELEMENT_BYTES, 2.0) };
        // One rank for all parts of a graph sends in the first round, twice as many in each further
        // one.
        let share = |round: u32| {
            let of_node = self.machine.ranks_per_node / graphs.parts as f64;
            of_node.max(0.5_f64.powi(round as i32)) / self.machine.ranks_per_node
        };
        let trials = graphs.trials as f64;
        let halves: f64 = (0..graphs.rounds().saturating_sub(1)).map(share).sum();
        let vertex = gathered * (1.0 - 1.0 / self.ranks()) * share(0)
            + (VERTEX_BYTES + links * LINK_BYTES) * ((trials - 1.0) * share(0) + (trials - 0.5) * halves);
        graphs.vertices as f64 * vertex / self.machine.bandwidth
    }

    /// Returns the graphs of the mesh of a level.
    fn metis_graphs(&self, mesh: &Level) -> MetisGraphs {
        MetisGraphs::new((mesh.unknowns / UNKNOWNS_AN_ELEMENT) as u64, self.ranks() as usize)
    }

    /// Returns the seconds in which all ranks together read or write so many bytes of each unknown.
    fn files(&self, bytes: f64) -> f64 {
        let of_rank = self.machine.bandwidth.min(self.machine.file_system / self.ranks());
        bytes * self.unknowns() / of_rank
    }

    /// Returns the bytes of the rank that runs METIS, in the partition.
    pub fn metis_bytes(&self) -> f64 {
        METIS_BYTES * self.metis_graphs(self.finest()).vertices as f64
    }

    fn sparse_exchange(&self) -> f64 {
        self.machine.sparse_exchange(self.ranks())
    }

    fn ranks(&self) -> f64 {
        self.levels[0].ranks
    }

    /// Returns the unknowns of a rank.
    fn unknowns(&self) -> f64 {
        self.levels[0].unknowns / self.ranks()
    }
}
