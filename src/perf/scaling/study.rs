//! Scaling studies: groups of run records and their figures.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::io::record::{Layout, RunRecord, Stage, StreamRecord};
use crate::parallel::{TOTAL, TimeSplit};
use crate::perf::median;
use crate::perf::scaling::read::Record;

/// Kind of scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The problem stays the same.
    Strong,
    /// The problem grows with the cores.
    Weak,
}

/// Stages of a report: name, and the keys of the run record that it sums up.
pub const STAGES: [(&str, &[&str]); 8] = [
    name_and_keys(Stage::Reading),
    name_and_keys(Stage::Partition),
    name_and_keys(Stage::Assembly),
    name_and_keys(Stage::Setup),
    name_and_keys(Stage::Iterations),
    name_and_keys(Stage::Recovery),
    name_and_keys(Stage::Writing),
    (WHOLE_RUN, &[TOTAL]),
];

/// Name of the whole run.
pub const WHOLE_RUN: &str = "total";

const fn name_and_keys(stage: Stage) -> (&'static str, &'static [&'static str]) {
    (stage.name(), stage.keys())
}

/// Point of a study: the medians of runs of one problem on the same ranks, threads and hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Ranks, threads and hosts.
    pub parallel: Layout,
    /// The mesh and its refinement.
    pub problem: String,
    /// Nodes that elements use.
    pub unknowns: u64,
    /// Number of runs.
    pub runs: usize,
    /// Iterations of CG.
    pub iterations: f64,
    /// Peak memory of all ranks (bytes).
    pub memory: f64,
    /// Seconds from the start of the process to the start of the work.
    pub start_up: f64,
    /// Figures of [`STAGES`], in that order.
    pub stages: Vec<Figures>,
    /// Figures of an iteration of CG.
    pub iteration: IterationFigures,
}

/// Figures of an iteration of CG, of all ranks together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IterationFigures {
    /// Seconds of the slowest rank.
    pub seconds: f64,
    /// Bytes that are read and written, by a count of the arrays in each loop.
    pub moved: f64,
    /// Messages to neighbours.
    pub messages: f64,
    /// Bytes in these messages.
    pub sent: f64,
    /// Sums over all ranks.
    pub reductions: f64,
}

/// Figures of a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// Seconds of the slowest rank.
    pub seconds: f64,
    /// Computing time of the slowest rank over the mean.
    pub imbalance: f64,
    /// Part of the time in communication, mean over the ranks.
    pub communication: f64,
    /// Messages to neighbours, of all ranks together.
    pub messages: f64,
    /// Bytes in these messages.
    pub bytes: f64,
}

/// A scaling study.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// Kind of scaling.
    pub kind: Kind,
    /// Points by cores, then ranks; the first one is the reference of the others.
    pub points: Vec<Point>,
    /// Bandwidth by ranks, threads and hosts (GB/s), the best of the measurements.
    pub stream: BTreeMap<Layout, f64>,
}

/// Largest ratio of unknowns a core in a weak study: sizes of built-in meshes differ by factors of
/// about three.
const ALIKE: f64 = 4.0;

impl Study {
    /// Groups records by ranks, threads and hosts.
    ///
    /// # Errors
    /// The runs do not belong to one study.
    pub fn new(records: Vec<Record>, kind: Option<Kind>) -> Result<Self> {
        let mut stream = BTreeMap::new();
        let mut groups: BTreeMap<(usize, Layout), Vec<RunRecord>> = BTreeMap::new();
        for record in records {
            match record {
                Record::Stream(StreamRecord { parallel, stream: kernels, .. }) => {
                    let best: &mut f64 = stream.entry(parallel.layout).or_default();
                    *best = best.max(kernels.triad.total);
                }
                Record::Run(run) => {
                    let layout = run.parallel.layout;
                    groups.entry((layout.cores(), layout)).or_default().push(*run);
                }
            }
        }
        let runs: Vec<&RunRecord> = groups.values().flatten().collect();
        let Some(first) = runs.first() else {
            return Err(no_study("no run record is among them"));
        };
        if let Some(other) = runs.iter().find(|run| !run.solver_config.is_same_method(&first.solver_config)) {
            let [one, other] = [first, other].map(|run| {
                let config = &run.solver_config;
                format!("{} and {} to {:e}", config.operator, config.preconditioner, config.rtol)
            });
            return Err(no_study(&format!("some solve with {one}, some with {other}")));
        }
        for group in groups.values() {
            if let Some(other) = group.iter().find(|run| !run.mesh_info.is_same_mesh(&group[0].mesh_info)) {
                let Layout { ranks, threads_per_rank, .. } = other.parallel.layout;
                let why = format!("on {ranks} x {threads_per_rank} cores they solve different meshes");
                return Err(no_study(&why));
            }
        }
        let kind = match kind {
            Some(kind) => kind,
            None => kind_of(&runs)?,
        };
        if kind == Kind::Strong && runs.iter().any(|run| !run.mesh_info.is_same_mesh(&first.mesh_info)) {
            return Err(no_study("strong scaling needs the same mesh in all of them"));
        }
        let points = groups.into_values().map(|group| Point::new(&group)).collect();
        Ok(Self { kind, points, stream })
    }

    /// Returns the speed-up of a stage of a point over one core, if the first point has an
    /// efficiency of 1. For different problems it compares unknowns a second.
    pub fn speed_up(&self, point: &Point, stage: usize) -> f64 {
        let first = &self.points[0];
        let rate = |point: &Point| point.unknowns as f64 / point.stages[stage].seconds;
        first.parallel.cores() as f64 * rate(point) / rate(first)
    }

    /// Returns the efficiency: the speed-up over the number of cores.
    pub fn efficiency(&self, point: &Point, stage: usize) -> f64 {
        self.speed_up(point, stage) / point.parallel.cores() as f64
    }

    /// Returns the speed-up of the memory bandwidth, where it was measured for this point and for
    /// the first one.
    pub fn bandwidth_speed_up(&self, point: &Point) -> Option<f64> {
        let first = self.points[0].parallel;
        Some(first.cores() as f64 * self.bandwidth(point.parallel)? / self.bandwidth(first)?)
    }

    /// Returns the bandwidth (GB/s) of these ranks and threads, else of the same cores in another
    /// combination; none where it was not measured.
    pub fn bandwidth(&self, parallel: Layout) -> Option<f64> {
        let like = |other: &&Layout| other.cores() == parallel.cores();
        let others = || self.stream.keys().filter(like).map(|other| self.stream[other]);
        self.stream.get(&parallel).copied().or_else(|| others().max_by(f64::total_cmp))
    }
}

fn no_study(why: &str) -> Error {
    Error::input(format!("these runs are no scaling study: {why}"))
}

/// Determines the kind of scaling from the meshes and the unknowns a core.
fn kind_of(runs: &[&RunRecord]) -> Result<Kind> {
    if runs.iter().all(|run| run.mesh_info.is_same_mesh(&runs[0].mesh_info)) {
        return Ok(Kind::Strong);
    }
    let loads = || runs.iter().map(|run| run.mesh_info.used_nodes as f64 / run.parallel.layout.cores() as f64);
    let (least, most) = (loads().fold(f64::INFINITY, f64::min), loads().fold(0.0, f64::max));
    if most < ALIKE * least {
        return Ok(Kind::Weak);
    }
    let why = format!(
        "the meshes differ, and so do the unknowns a core, from {least:.0} to {most:.0} (--weak takes them so)"
    );
    Err(no_study(&why))
}

impl Point {
    /// Returns the mean load of a rank.
    pub fn unknowns_per_rank(&self) -> u64 {
        self.unknowns / self.parallel.ranks.max(1) as u64
    }

    fn new(runs: &[RunRecord]) -> Self {
        let median_of = |value: &dyn Fn(&RunRecord) -> f64| median(runs.iter().map(value).collect());
        let mesh = &runs[0].mesh_info;
        let ranks = runs[0].parallel.layout.ranks as f64;
        let figures = |parts: &[&str]| {
            let each: Vec<Figures> = runs.iter().map(|run| Figures::new(run, parts, ranks)).collect();
            let of = |value: fn(&Figures) -> f64| median(each.iter().map(value).collect());
            Figures {
                seconds: of(|f| f.seconds),
                imbalance: of(|f| f.imbalance),
                communication: of(|f| f.communication),
                messages: of(|f| f.messages),
                bytes: of(|f| f.bytes),
            }
        };
        Self {
            parallel: runs[0].parallel.layout,
            problem: format!("{}, --refine {}", mesh.source, mesh.refine),
            unknowns: mesh.used_nodes,
            runs: runs.len(),
            iterations: median_of(&|run| run.iterations as f64),
            memory: median_of(&|run| run.memory.peak_bytes_sum as f64),
            start_up: median_of(&|run| run.start_up.max),
            stages: STAGES.iter().map(|(_, parts)| figures(parts)).collect(),
            iteration: IterationFigures {
                seconds: median_of(&|run| run.breakdown.iterations.mean.seconds.max),
                moved: median_of(&|run| run.breakdown.iterations.bytes as f64),
                messages: median_of(&|run| ranks * run.breakdown.iterations.mean.halo.count.mean),
                sent: median_of(&|run| ranks * run.breakdown.iterations.mean.halo.bytes.mean),
                reductions: median_of(&|run| run.breakdown.iterations.mean.reductions.count.max),
            },
        }
    }

    /// Returns the figures of a stage of [`STAGES`] by its name.
    pub fn stage(&self, name: &str) -> Figures {
        let at = STAGES.iter().position(|stage| stage.0 == name);
        at.map_or(Figures::default(), |at| self.stages[at])
    }
}

impl Figures {
    fn new(run: &RunRecord, parts: &[&str], ranks: f64) -> Self {
        let sum = |value: fn(&TimeSplit) -> f64| {
            parts.iter().filter_map(|part| run.breakdown.stages.get(*part)).map(value).sum::<f64>()
        };
        let part = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
        let waiting = sum(|s| s.halo.seconds.mean + s.reductions.seconds.mean + s.others.seconds.mean);
        Self {
            seconds: sum(|s| s.seconds.max),
            imbalance: part(sum(|s| s.compute.max), sum(|s| s.compute.mean)),
            communication: part(waiting, sum(|s| s.seconds.mean)),
            messages: ranks * sum(|s| s.halo.count.mean),
            bytes: ranks * sum(|s| s.halo.bytes.mean),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
