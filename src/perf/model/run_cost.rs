//! Cost of the stages of a run, also of those before and after the solution.

use crate::mesh::partition::MetisGraphs;
use crate::perf::model::cost::Solve;
use crate::perf::model::levels::Level;
use crate::perf::model::stages::{Communication, Stage, StageCommunication, StageTime};

/// Bytes of a mesh file for an unknown: two coordinates, and the eight nodes of an element.
const MESH_BYTES: f64 = 16.0 + 64.0 / UNKNOWNS_AN_ELEMENT;
/// Bytes of a results file for an unknown: the mesh, and the fields at nodes and elements.
const RESULT_BYTES: f64 = 84.0;
/// Unknowns for each element of a large mesh.
pub const UNKNOWNS_AN_ELEMENT: f64 = 3.0;
/// Bytes of a block that are gathered for METIS: its group and weight, and three links.
const BLOCK_BYTES: f64 = 8.0 + 3.0 * 12.0;
/// Bytes of an element that are gathered for METIS: four corners.
const ELEMENT_BYTES: f64 = 16.0;
/// Bytes of a vertex that goes from rank to rank: its rank, number and weight, and two or three links.
const VERTEX_BYTES: f64 = 12.0 + 2.5 * 12.0;
/// Bytes of a vertex while METIS runs.
const METIS_BYTES: f64 = 300.0;

impl Solve<'_> {
    /// Returns the seconds of a stage. Where `has_files`, the finest mesh is in a file, else the coarsest
    /// one is built in.
    pub fn stage(&self, stage: Stage, counts: &StageCommunication, iterations: f64, has_files: bool) -> StageTime {
        let rates = self.machine.rates;
        let files = |bytes: f64| if has_files { self.files(bytes) } else { 0.0 };
        match stage {
            Stage::Reading => {
                let time = self.outside(&counts.reading, rates.reading, self.machine.broadcast(self.ranks()));
                StageTime { files: files(MESH_BYTES), ..time }
            }
            Stage::Partition => self.partition(&counts.partition, has_files),
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
        let sent = (counts.bytes * unknowns * (1.0 - 1.0 / ranks) + counts.bytes_of_one) / self.machine.bandwidth;
        StageTime {
            work: self.interfaces.imbalance() * rate * unknowns,
            messages: counts.exchanges * self.halo_exchange(0, 8.0) + sent,
            collectives: counts.reductions * self.machine.reduction(ranks, 8.0) + counts.others * other,
            ..Default::default()
        }
    }

    /// Returns the seconds of the partition. Groups of parts are cut by sums over all ranks. Each
    /// round of bisections after the first, which a run on two ranks has too, agrees on errors and
    /// exchanges graphs and ratings.
    fn partition(&self, counts: &Communication, has_files: bool) -> StageTime {
        let time = self.outside(counts, self.machine.rates.partition, self.sparse_exchange());
        let graphs = self.metis_graphs(if has_files { self.finest() } else { self.base() });
        let (vertices, cuts) = (graphs.vertices as f64, graphs.count as f64 - 1.0);
        let ranks = self.ranks();
        let (rounds, copies) = graphs.rounds(ranks as usize);
        let sent = vertices
            * (if graphs.has_blocks { BLOCK_BYTES } else { ELEMENT_BYTES } * (1.0 - 1.0 / ranks)
                + VERTEX_BYTES * copies);
        let round = self.machine.reduction(ranks, 8.0) + 2.0 * self.sparse_exchange();
        let sums = if cuts > 0.0 { (64.0 * ranks).log2() } else { 0.0 };
        StageTime {
            metis: self.machine.rates.metis * vertices,
            messages: time.messages + sent / self.machine.bandwidth,
            collectives: time.collectives
                + sums * self.machine.reduction(ranks, 8.0 * cuts)
                + f64::from(rounds.saturating_sub(1)) * round,
            ..time
        }
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
