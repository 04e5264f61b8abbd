//! Stages of a run: what takes time in each, and the costs of those before and after the solution.

use serde::Serialize;

use crate::mesh::partition::MetisGraphs;
use crate::parallel::TimeSplit;
use crate::perf::model::cost::Solve;
use crate::perf::model::run::Run;

/// Stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading the mesh.
    Reading,
    /// Partition, distribution and numbering, with the refinement.
    Partition,
    /// Assembly, with the boundary conditions.
    Assembly,
    /// Setup of the preconditioner.
    Setup,
    /// Iterations of CG.
    Iterations,
    /// Recovery of the derived fields.
    Recovery,
    /// Writing the results.
    Writing,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 7] =
        [Self::Reading, Self::Partition, Self::Assembly, Self::Setup, Self::Iterations, Self::Recovery, Self::Writing];
    /// The solution.
    pub const SOLVE: [Self; 3] = [Self::Assembly, Self::Setup, Self::Iterations];

    /// Returns the seconds of the stage in a run; 0 where the run has no such stage.
    pub fn measured(self, run: &Run) -> f64 {
        let seconds = |stage| run.seconds(stage).max;
        match self {
            Self::Reading => seconds("load_mesh"),
            Self::Partition => seconds("partition"),
            Self::Assembly => seconds("assemble_system") + seconds("apply_bc"),
            Self::Setup => seconds("setup_preconditioner"),
            Self::Iterations => run.iterations as f64 * run.breakdown.iterations.mean.seconds.max,
            Self::Recovery => seconds("compute_derived"),
            Self::Writing => seconds("export"),
        }
    }

    /// Returns its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Partition => "partition",
            Self::Assembly => "assembly",
            Self::Setup => "setup",
            Self::Iterations => "iterations",
            Self::Recovery => "recovery",
            Self::Writing => "writing",
        }
    }
}

/// Seconds of the slowest rank in a stage.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct StageTime {
    /// Work of all ranks.
    pub work: f64,
    /// METIS, which one rank runs for all parts of a group.
    pub metis: f64,
    /// Messages from one rank to another.
    pub messages: f64,
    /// Collective operations.
    pub collectives: f64,
    /// Files.
    pub files: f64,
}

/// Name of a part of a stage, and its seconds.
type Part = (&'static str, fn(&StageTime) -> f64);

const PARTS: [Part; 5] = [
    ("work", |time| time.work),
    ("METIS", |time| time.metis),
    ("messages", |time| time.messages),
    ("collective operations", |time| time.collectives),
    ("files", |time| time.files),
];

impl StageTime {
    /// Returns the time of the whole stage.
    pub fn total(&self) -> f64 {
        PARTS.iter().map(|(_, of)| of(self)).sum()
    }

    /// Returns what takes most of the stage, and its seconds.
    pub fn limiting_factor(&self) -> (&'static str, f64) {
        let parts = PARTS.map(|(name, of)| (name, of(self)));
        parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("nothing", 0.0))
    }
}

/// What a stage communicates, counted in a run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Communication {
    /// Sums over all ranks.
    pub reductions: f64,
    /// Other collective operations.
    pub others: f64,
    /// Exchanges with ranks that are known.
    pub exchanges: f64,
    /// Bytes of an unknown that would leave a rank among very many.
    pub bytes: f64,
}

impl Communication {
    /// Counts a stage of a run in which a rank has this many neighbours in the mean.
    fn of(run: &Run, stage: &str, neighbours: f64) -> Self {
        let TimeSplit { halo, reductions, others, .. } = run.breakdown.stages.get(stage).copied().unwrap_or_default();
        let ranks = run.parallel.layout.ranks as f64;
        let left = (1.0 - 1.0 / ranks) * run.mesh_info.used_nodes as f64 / ranks;
        Self {
            reductions: reductions.count.mean,
            others: others.count.mean,
            exchanges: halo.count.mean / neighbours.max(1.0),
            bytes: if ranks > 1.0 { (halo.bytes.mean + others.bytes.mean) / left } else { 0.0 },
        }
    }
}

/// What the stages before and after the solution communicate.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StageCommunication {
    /// Reading the mesh.
    pub reading: Communication,
    /// Partition.
    pub partition: Communication,
    /// Recovery.
    pub recovery: Communication,
    /// Writing.
    pub writing: Communication,
}

impl StageCommunication {
    /// Counts of a mesh from a file on two ranks, the Y-channel with 1,020,897 unknowns.
    pub const TYPICAL: Self = Self {
        reading: Communication { reductions: 41.0, others: 6.0, exchanges: 0.0, bytes: 0.0 },
        partition: Communication { reductions: 35.0, others: 30.0, exchanges: 13.0, bytes: 93.5 },
        recovery: Communication { reductions: 4.0, others: 0.0, exchanges: 5.0, bytes: 0.4 },
        writing: Communication { reductions: 27.0, others: 12.0, exchanges: 13.0, bytes: 96.2 },
    };

    /// Counts the stages of a run in which a rank has this many neighbours in the mean.
    pub fn of(run: &Run, neighbours: f64) -> Self {
        let of = |stage| Communication::of(run, stage, neighbours);
        Self {
            reading: of("load_mesh"),
            partition: of("partition"),
            recovery: of("compute_derived"),
            writing: of("export"),
        }
    }
}

/// Bytes of a mesh file for an unknown: two coordinates, and the eight nodes of an element.
const MESH_BYTES: f64 = 16.0 + 64.0 / UNKNOWNS_AN_ELEMENT;
/// Bytes of a results file for an unknown: the mesh, and the fields at nodes and elements.
const RESULT_BYTES: f64 = 84.0;
/// Unknowns for each element of a large mesh.
pub const UNKNOWNS_AN_ELEMENT: f64 = 3.0;
/// Bytes of a block in messages for METIS: its group and weight, three links, and its part.
const BLOCK_BYTES: f64 = 8.0 + 3.0 * 12.0 + 4.0;
/// Bytes of an element in messages for METIS: four corners and its part.
const ELEMENT_BYTES: f64 = 16.0 + 4.0;
/// Bytes of a vertex while METIS runs.
const METIS_BYTES: f64 = 300.0;

impl Solve<'_> {
    /// Returns the seconds of a stage. The mesh is in a file where `has_files`.
    pub fn stage(&self, stage: Stage, counts: &StageCommunication, iterations: f64, has_files: bool) -> StageTime {
        let rates = self.machine.rates;
        let files = |bytes: f64| if has_files { self.files(bytes) } else { 0.0 };
        match stage {
            Stage::Reading => {
                let time = self.outside(&counts.reading, rates.reading, self.machine.broadcast(self.ranks()));
                StageTime { files: files(MESH_BYTES), ..time }
            }
            Stage::Partition => self.partition(&counts.partition),
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
        let sent = counts.bytes * unknowns * (1.0 - 1.0 / ranks) / self.machine.bandwidth;
        StageTime {
            work: self.interfaces.imbalance() * rate * unknowns,
            messages: counts.exchanges * self.halo_exchange(0, 8.0) + sent,
            collectives: counts.reductions * self.machine.reduction(ranks, 8.0) + counts.others * other,
            ..Default::default()
        }
    }

    /// Returns the seconds of the partition. Groups of parts are cut by sums over all ranks.
    fn partition(&self, counts: &Communication) -> StageTime {
        let time = self.outside(counts, self.machine.rates.partition, self.sparse_exchange());
        let graphs = self.metis_graphs();
        let (vertices, cuts) = (graphs.vertices as f64, graphs.count as f64 - 1.0);
        let gathered = vertices * if graphs.has_blocks { BLOCK_BYTES } else { ELEMENT_BYTES };
        let ranks = self.ranks();
        let sums = if cuts > 0.0 { (64.0 * ranks).log2() } else { 0.0 };
        StageTime {
            metis: self.machine.rates.metis * vertices,
            messages: time.messages + gathered * (1.0 - 1.0 / ranks) / self.machine.bandwidth,
            collectives: time.collectives + sums * self.machine.reduction(ranks, 8.0 * cuts),
            ..time
        }
    }

    fn metis_graphs(&self) -> MetisGraphs {
        MetisGraphs::new((self.levels[0].unknowns / UNKNOWNS_AN_ELEMENT) as u64, self.ranks() as usize)
    }

    /// Returns the seconds in which all ranks together read or write so many bytes of each unknown.
    fn files(&self, bytes: f64) -> f64 {
        let of_rank = self.machine.bandwidth.min(self.machine.file_system / self.ranks());
        bytes * self.unknowns() / of_rank
    }

    /// Returns the bytes of the rank that runs METIS, in the partition.
    pub fn metis_bytes(&self) -> f64 {
        METIS_BYTES * self.metis_graphs().vertices as f64
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
