//! Predictions for each number of ranks, and comparisons with measured runs.

use std::rc::Rc;

use serde::Serialize;

use crate::error::Result;
use crate::io::mesh::BuiltIn;
use crate::io::record::{Layout, MessageCosts, Stage};
use crate::parallel::Comm;
use crate::perf::median;
use crate::perf::model::bandwidth::MemoryBandwidth;
use crate::perf::model::cost::Solve;
use crate::perf::model::levels::{CoarseningRatios, Level};
use crate::perf::model::machine::{Machine, Rates};
use crate::perf::model::memory::peak_bytes;
use crate::perf::model::message_costs::Messages;
use crate::perf::model::partitions::Partitions;
use crate::perf::model::run::Run;
use crate::perf::model::stages::{StageCommunication, StageTime};
use crate::perf::model::{Interfaces, Iteration, ModelArgs};

/// Parameters of the model besides a partition.
pub struct Model {
    /// Machine.
    pub machine: Machine,
    /// Coarsening from level to level.
    pub ratios: CoarseningRatios,
    /// Iterations of a solve.
    pub iterations: f64,
    /// Communication of the stages before and after the solution.
    pub stages: StageCommunication,
    /// Fewest unknowns a rank on aggregated levels.
    pub fewest: f64,
    /// Memory bandwidth (GB/s) of a rank in the run that sets the rates, and that of other ranks,
    /// where measured.
    pub bandwidth: Option<(f64, MemoryBandwidth)>,
    /// Measured costs of messages, by the number of ranks.
    pub messages: Messages,
    /// Cores of a host, which more ranks share.
    pub cores: Option<f64>,
}

/// Prediction of the scaling on a machine.
#[derive(Debug, Clone, Serialize)]
pub struct Prediction {
    /// Name of the built-in mesh.
    pub mesh: &'static str,
    /// Machine.
    pub machine: Machine,
    /// Whether the unknowns grow with the ranks.
    pub is_weak: bool,
    /// One row for each number of ranks.
    pub rows: Vec<Row>,
    /// One comparison for each group of equal measured runs.
    pub compared: Vec<Comparison>,
}

/// Prediction for one number of ranks.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// MPI ranks.
    pub ranks: usize,
    /// Unknowns over all ranks.
    pub unknowns: f64,
    /// Largest number of neighbours of a part.
    pub neighbours: f64,
    /// Largest number of values that a part receives in an exchange on the finest level.
    pub values: f64,
    /// Elements of the largest part over the mean.
    pub imbalance: f64,
    /// Levels of multigrid.
    pub levels: Vec<Level>,
    /// Time of each stage.
    pub stages: Vec<StageRow>,
    /// Efficiency of assembly, setup and all iterations together.
    pub stages_efficiency: f64,
    /// Efficiency of all stages together.
    pub run_efficiency: f64,
    /// Memory of the fullest rank at its peak (bytes).
    pub peak_bytes: f64,
    /// Time of one iteration.
    pub iteration: Iteration,
    /// Efficiency of an iteration: the time of one rank over that of these ranks; for strong
    /// scaling, over that of these ranks times their number.
    pub efficiency: f64,
    /// Time of one iteration with coarse levels on all ranks.
    pub spread: Iteration,
    /// Efficiency with coarse levels on all ranks.
    pub spread_efficiency: f64,
}

/// Time of a stage.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StageRow {
    /// Stage.
    pub stage: Stage,
    /// Seconds of its parts.
    #[serde(flatten)]
    pub time: StageTime,
}

impl Row {
    /// Returns the seconds of these stages.
    pub fn seconds(&self, stages: &[Stage]) -> f64 {
        self.stages.iter().filter(|row| stages.contains(&row.stage)).map(|row| row.time.total()).sum()
    }
}

/// Measured runs of one mesh on as many ranks, and the model's seconds for them.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Name of the mesh.
    pub source: String,
    /// Number of refinements.
    pub refine: u32,
    /// MPI ranks.
    pub ranks: usize,
    /// Number of runs.
    pub runs: usize,
    /// Seconds of the stages of these runs, of one iteration, and of all stages.
    pub stages: Vec<ComparedTime>,
    /// Counted messages between neighbours in one iteration, and their bytes, of all ranks.
    pub counted: [f64; 2],
    /// Predicted messages and bytes.
    pub expected: [f64; 2],
}

/// Measured and predicted seconds.
#[derive(Debug, Clone, Serialize)]
pub struct ComparedTime {
    /// Name of the stage.
    pub name: &'static str,
    /// Measured seconds, the median of the runs.
    pub measured: f64,
    /// Predicted seconds.
    pub predicted: f64,
}

/// Partitions the mesh of a run, if it is built in.
///
/// # Errors
/// The mesh cannot be partitioned.
pub fn interfaces(alone: &Rc<Comm>, run: &Run) -> Result<Option<Interfaces>> {
    let mesh = run.mesh_info.source.strip_prefix("built-in ").and_then(BuiltIn::find);
    mesh.map(|mesh| Partitions::new(alone, mesh)?.partition(0, run.parallel.layout.ranks)).transpose()
}

impl Model {
    /// Predicts a row for each power of four, and for the largest number of ranks.
    ///
    /// # Errors
    /// The mesh cannot be refined or partitioned.
    pub fn rows(&self, alone: &Rc<Comm>, args: &ModelArgs) -> Result<Vec<Row>> {
        let mut partitions = Partitions::new(alone, args.mesh)?;
        let most = args.ranks as usize;
        let mut counts: Vec<usize> = (0..).map(|power| 4_usize.pow(power)).take_while(|&ranks| ranks < most).collect();
        counts.push(most);
        let mut rows: Vec<Row> = Vec::new();
        for ranks in counts {
            let interfaces = partitions.partition(partitions.levels_for(ranks), ranks)?;
            let unknowns = args.unknowns.unwrap_or(args.unknowns_per_rank * ranks as f64);
            let mut row = self.row(&interfaces, unknowns);
            let one = rows.first().map_or_else(|| [row.iteration, row.spread], |row| [row.iteration, row.spread]);
            let shared = if args.unknowns.is_some() { ranks as f64 } else { 1.0 };
            let efficiency =
                |stages| rows.first().map_or(1.0, |first| first.seconds(stages) / row.seconds(stages)) / shared;
            [row.stages_efficiency, row.run_efficiency] = [&Stage::SOLVE[..], &Stage::ALL].map(efficiency);
            row.efficiency = one[0].total() / row.iteration.total() / shared;
            row.spread_efficiency = one[1].total() / row.spread.total() / shared;
            rows.push(row);
        }
        Ok(rows)
    }

    fn row(&self, interfaces: &Interfaces, unknowns: f64) -> Row {
        let ranks = interfaces.parts();
        let refine = (unknowns / interfaces.nodes).log(4.0).round().max(0.0) as u32;
        let levels_of = |fewest| self.ratios.levels(unknowns, refine, ranks as f64, fewest);
        let levels = levels_of(self.fewest);
        let solve = Solve { machine: &self.machine, interfaces, levels: &levels };
        let iteration = solve.iteration();
        let spread = Solve { levels: &levels_of(0.0), ..solve }.iteration();
        let parts: Vec<_> = interfaces.divided((unknowns / interfaces.nodes).sqrt()).collect();
        Row {
            ranks,
            unknowns,
            neighbours: parts.iter().map(|part| part.neighbours).fold(0.0, f64::max),
            values: parts.iter().map(|part| part.values).fold(0.0, f64::max).round(),
            imbalance: interfaces.imbalance(),
            stages: Stage::ALL
                .into_iter()
                .map(|stage| StageRow { stage, time: solve.stage(stage, &self.stages, self.iterations, true) })
                .collect(),
            stages_efficiency: 1.0,
            run_efficiency: 1.0,
            peak_bytes: peak_bytes(&solve, self.machine.ranks_per_node),
            levels: levels.clone(),
            iteration,
            efficiency: 1.0,
            spread,
            spread_efficiency: 1.0,
        }
    }

    /// Predicts the times of each group of equal runs, with their mesh, ranks and levels. Runs on
    /// meshes that are not built in are left out.
    ///
    /// # Errors
    /// The mesh cannot be partitioned.
    pub fn compare(&self, alone: &Rc<Comm>, runs: &[Run]) -> Result<Vec<Comparison>> {
        let mut groups: Vec<Vec<&Run>> = Vec::new();
        for run in runs {
            match groups.iter_mut().find(|group| run.is_like(group[0])) {
                Some(group) => group.push(run),
                None => groups.push(vec![run]),
            }
        }
        let mut compared = Vec::new();
        for group in groups {
            let Some(interfaces) = interfaces(alone, group[0])? else { continue };
            compared.push(self.comparison(&interfaces, &group));
        }
        Ok(compared)
    }

    fn comparison(&self, interfaces: &Interfaces, runs: &[&Run]) -> Comparison {
        let run = runs[0];
        let levels = self.ratios.as_solved(run, self.fewest);
        let machine = self.machine_for(run.parallel.layout);
        let solve = Solve { machine: &machine, interfaces, levels: &levels };
        let counts = StageCommunication::of(run, interfaces.neighbours());
        let iterations = run.iterations as f64;
        let is_there = |stage: &Stage| runs.iter().all(|run| stage.measured(run) > 0.0);
        let stages: Vec<Stage> = Stage::ALL.into_iter().filter(is_there).collect();
        let predicted = |stage: Stage| solve.stage(stage, &counts, iterations, false).total();
        let measured = |stage: Stage| median(runs.iter().map(|run| stage.measured(run)).collect());
        let one = |&stage: &Stage| {
            let (name, count) =
                if stage == Stage::Iterations { ("iteration", iterations) } else { (stage.name(), 1.0) };
            ComparedTime { name, measured: measured(stage) / count, predicted: predicted(stage) / count }
        };
        let mut times: Vec<ComparedTime> = stages.iter().map(one).collect();
        let all = |run: &Run| stages.iter().map(|stage| stage.measured(run)).sum();
        times.push(ComparedTime {
            name: "total",
            measured: median(runs.iter().map(|run| all(run)).collect()),
            predicted: stages.iter().map(|&stage| predicted(stage)).sum(),
        });
        let mean = run.breakdown.iterations.mean;
        Comparison {
            source: run.mesh_info.source.clone(),
            refine: run.mesh_info.refine,
            ranks: run.parallel.layout.ranks,
            runs: runs.len(),
            stages: times,
            counted: [mean.halo.count.mean, mean.halo.bytes.mean].map(|each| each * run.parallel.layout.ranks as f64),
            expected: solve.sent(),
        }
    }

    /// Returns the machine with the rates and the message costs of these ranks.
    fn machine_for(&self, layout: Layout) -> Machine {
        let rates = self.rates_for(layout);
        match self.messages.among(layout) {
            Some(MessageCosts { latency, overhead, bandwidth, .. }) => {
                Machine { latency, overhead, bandwidth, rates, ..self.machine }
            }
            None => Machine { rates, ..self.machine },
        }
    }

    /// Returns the rates of a rank among these.
    fn rates_for(&self, layout: Layout) -> Rates {
        let cores = self.cores.unwrap_or(f64::INFINITY);
        let crowd = (layout.cores_per_host() as f64 / cores).max(1.0);
        // Where it was not measured the bandwidth is no bound.
        let bandwidth = |(own, memory): &(f64, MemoryBandwidth)| [*own, memory.of_rank(layout)];
        self.machine.rates.shared(self.bandwidth.as_ref().map_or([f64::MAX; 2], bandwidth), crowd)
    }
}
