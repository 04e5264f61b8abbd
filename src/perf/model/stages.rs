//! Stages of a run: what takes time in each, and what those before and after the solution
//! communicate.

use serde::Serialize;

use crate::io::record::Stage;
use crate::mesh::partition::MetisGraphs;
use crate::parallel::TimeSplit;
use crate::perf::model::levels::UNKNOWNS_AN_ELEMENT;
use crate::perf::model::run::Run;

impl Stage {
    /// The solution.
    pub const SOLVE: [Self; 3] = [Self::Assembly, Self::Setup, Self::Iterations];

    /// Returns the seconds of the stage in a run; 0 where the run has no such stage.
    pub fn measured(self, run: &Run) -> f64 {
        match self {
            Self::Iterations => run.iterations as f64 * run.breakdown.iterations.mean.seconds.max,
            _ => self.keys().iter().map(|key| run.seconds(key).max).sum(),
        }
    }
}

/// Seconds of the slowest rank in a stage.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct StageTime {
    /// Work of all ranks.
    pub work: f64,
    /// METIS, which divides a group of parts on more and more of its ranks.
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
        largest(PARTS.map(|(name, of)| (name, of(self))))
    }
}

/// Returns the largest of several costs, each given by its name and seconds.
pub fn largest<const N: usize>(costs: [(&'static str, f64); N]) -> (&'static str, f64) {
    costs.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("nothing", 0.0))
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
    /// Bytes that one rank sends more than the mean, with any number of ranks.
    pub bytes_of_one: f64,
}

impl Communication {
    /// Counts a stage of one part, in a run in which a rank has this many neighbours in the mean.
    fn of(run: &Run, stage: Stage, neighbours: f64) -> Self {
        let TimeSplit { halo, reductions, others, .. } = split(run, stage);
        let ranks = run.parallel.layout.ranks as f64;
        let left = (1.0 - 1.0 / ranks) * run.mesh_info.used_nodes as f64 / ranks;
        Self {
            reductions: reductions.count.mean,
            others: others.count.mean,
            exchanges: halo.count.mean / neighbours.max(1.0),
            bytes: if ranks > 1.0 { (halo.bytes.mean + others.bytes.mean) / left } else { 0.0 },
            bytes_of_one: 0.0,
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
    /// Rounds of bisections in the partition.
    pub rounds: u32,
}

impl StageCommunication {
    /// Counts of a mesh from a file on two ranks, the Y-channel with 1,020,897 unknowns. The bytes
    /// of the partition are those on 16, since two ranks keep most of the elements that they read.
    pub const TYPICAL: Self = Self {
        reading: Communication { reductions: 17.0, others: 6.0, exchanges: 0.0, bytes: 0.0, bytes_of_one: 0.0 },
        partition: Communication { reductions: 31.0, others: 23.0, exchanges: 7.5, bytes: 99.0, bytes_of_one: 0.0 },
        recovery: Communication { reductions: 4.0, others: 0.0, exchanges: 5.0, bytes: 0.3, bytes_of_one: 0.0 },
        writing: Communication { reductions: 11.0, others: 12.0, exchanges: 13.0, bytes: 97.7, bytes_of_one: 0.0 },
        rounds: 1,
    };

    /// Counts the stages of a run in which a rank has this many neighbours in the mean.
    pub fn of(run: &Run, neighbours: f64) -> Self {
        let of = |stage| Communication::of(run, stage, neighbours);
        // The mesh is partitioned before it is refined.
        let partitioned = (run.mesh_info.used_nodes / UNKNOWNS_AN_ELEMENT as u64) >> (2 * run.mesh_info.refine);
        let sent = split(run, Stage::Reading).others.bytes;
        Self {
            // Rank 0 makes a built-in mesh and sends it to the others.
            reading: Communication { bytes_of_one: sent.max - sent.mean, ..of(Stage::Reading) },
            partition: of(Stage::Partition),
            recovery: of(Stage::Recovery),
            writing: of(Stage::Writing),
            rounds: MetisGraphs::new(partitioned, run.parallel.layout.ranks).rounds(),
        }
    }
}

/// Returns the time and the messages of a stage of one part in a run.
fn split(run: &Run, stage: Stage) -> TimeSplit {
    stage.keys().first().and_then(|key| run.breakdown.stages.get(*key)).copied().unwrap_or_default()
}
