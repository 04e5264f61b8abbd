//! The run record: what a run did and how long it took, as JSON.
//!
//! This folder has the one schema of all records: what is written here is what `quad8-mpi report`,
//! `model` and `plot` read. A record of an older version may lack the keys that have a default.
//! Values that no reader uses are written only, because a value that is not finite stands as null
//! in JSON.

mod accuracy;
mod bench;
pub(crate) mod conditions;
mod convergence;
mod json;
mod sections;
mod stage;

pub use accuracy::{Accuracy, RefinementLevel};
pub(crate) use bench::{Bandwidth, Bandwidths, BenchParallel, MessageCosts, MessagesRecord, StreamRecord};
pub(crate) use conditions::UNNAMED;
pub use conditions::{BoundaryCondition, ConditionSource};
pub use convergence::Convergence;
pub(crate) use json::{is_stdout, not_record, read, write_json, write_json_once};
pub use sections::{Layout, Libraries, Memory, MeshInfo, Parallel, RestartedFrom, SolutionStats, SolverConfig};
pub(crate) use stage::Stage;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::la::cg::{ConvergedReason, ResidualReplacement};
use crate::parallel::{Breakdown, MinMeanMax, RankTimes, Stages, Timings};
use crate::post::FlowReport;
use crate::problem::{Geometry, Labels, Physics};

/// Record of one run. The names are the keys in JSON, which scripts rely on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of the program.
    #[serde(skip_deserializing)]
    pub version: &'static str,
    /// Versions of the libraries.
    #[serde(skip_deserializing)]
    pub libraries: Libraries,
    /// Seconds of each stage over the ranks.
    #[serde(default)]
    pub timing_metrics: Timings,
    /// Seconds from the start of the process to the start of the run, MPI's own start included.
    #[serde(default)]
    pub start_up: MinMeanMax,
    /// Computing and communication of the stages, the iterations and the levels.
    pub breakdown: Breakdown,
    /// Iterations of CG.
    pub iterations: usize,
    /// Whether the tolerance was reached.
    #[serde(default)]
    pub converged: bool,
    /// Reason of the end of the iteration; none in a record that was read.
    #[serde(skip_deserializing)]
    pub outcome: Option<ConvergedReason>,
    /// The solution in numbers.
    #[serde(skip_deserializing)]
    pub solution_stats: SolutionStats,
    /// The mesh in numbers.
    pub mesh_info: MeshInfo,
    /// Smallest and largest k at the Gauss points.
    #[serde(skip_deserializing)]
    pub conductivity_range: [f64; 2],
    /// Options of the run.
    #[serde(default)]
    pub solver_config: SolverConfig,
    /// Case file that solves the same again.
    #[serde(default)]
    pub case: String,
    /// The physics that the equation describes.
    #[serde(default)]
    pub physics: Physics,
    /// Geometry of the domain.
    #[serde(default)]
    pub geometry: Geometry,
    /// Names and units of the computed quantities.
    #[serde(skip_deserializing)]
    pub names: Labels,
    /// The condition on each part of the boundary.
    #[serde(skip_deserializing)]
    pub conditions: Vec<BoundaryCondition>,
    /// Flow through each named boundary, and their balance.
    #[serde(skip_deserializing)]
    pub flow: FlowReport,
    /// Rate of convergence, and the levels of the preconditioner.
    #[serde(default)]
    pub convergence: Convergence,
    /// Solutions of a run with `--until-error`; the other sections are those of the last one.
    #[serde(default)]
    pub accuracy: Option<Accuracy>,
    /// Memory of the processes.
    #[serde(default)]
    pub memory: Memory,
    /// Ranks, threads and the partition.
    pub parallel: Parallel,
    /// The checkpoint from which the iteration continued, if any.
    #[serde(default)]
    pub restart: Option<RestartedFrom>,
    /// Restarts of the recurrence, because it had left the true residual.
    #[serde(skip_deserializing)]
    pub repairs: Vec<ResidualReplacement>,
    /// ||r|| at the start and after each iteration.
    #[serde(default, deserialize_with = "json::numbers_or_nan")]
    pub residual_history: Vec<f64>,
    /// The factor that limited the speed of the run most.
    #[serde(default)]
    pub limited_by: String,
    /// Warnings of the run.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl RunRecord {
    /// Checks that the times of the record, from this file, are those of one solve.
    ///
    /// # Errors
    /// A run with `--until-error` that refined the mesh.
    pub(crate) fn check_single_solve(&self, path: &Path) -> Result<()> {
        if self.accuracy.as_ref().is_none_or(|accuracy| accuracy.levels.len() < 2) {
            return Ok(());
        }
        let path = path.display();
        Err(Error::input(format!(
            "the run in {path} solved on several meshes (--until-error), so its times are not those of one solve: leave \
             it out"
        )))
    }

    /// Adds the times and the memory, which are known at the end of the run.
    #[must_use]
    pub(crate) fn complete(self, times: (Stages, RankTimes), memory: Memory) -> Self {
        let timing_metrics = times.0.iter().map(|(stage, split)| (stage.clone(), split.seconds)).collect();
        Self { timing_metrics, breakdown: self.breakdown.with_stages(times), memory, ..self }
    }

    /// Returns the residuals at the start and after each iteration, relative to ||b||.
    pub(crate) fn relative_residuals(&self) -> Vec<f64> {
        relative_residuals(&self.residual_history, self.convergence.rhs_norm)
    }

    /// Returns the seconds of a stage over the ranks; zeros where the run did not have the stage.
    pub(crate) fn seconds(&self, stage: &str) -> MinMeanMax {
        self.timing_metrics.get(stage).copied().unwrap_or_default()
    }
}

/// Divides residuals by ||b||, or by the first of them where ||b|| is 0 or not known. The first one
/// is smaller than ||b|| where the iteration starts from an initial guess.
pub(crate) fn relative_residuals(history: &[f64], rhs_norm: f64) -> Vec<f64> {
    let scale = if rhs_norm > 0.0 { rhs_norm } else { history.first().copied().unwrap_or(1.0) };
    history.iter().map(|residual| residual / scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::TimeSplit;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let layout = Layout { ranks: 3, threads_per_rank: 2, hosts: 1 };
        let split = TimeSplit { seconds: MinMeanMax { min: 1.0, mean: 2.0, max: 3.0 }, ..<_>::default() };
        let record = RunRecord {
            iterations: 8,
            converged: true,
            mesh_info: MeshInfo { source: "a mesh".to_owned(), refine: 2, used_nodes: 73, ..MeshInfo::default() },
            solver_config: SolverConfig { operator: "elements".to_owned(), rtol: 1e-8, ..SolverConfig::default() },
            parallel: Parallel { layout, first_host: "here".to_owned(), edge_cut: Some(5), ..Parallel::default() },
            residual_history: vec![1.0, f64::NAN],
            ..RunRecord::default()
        };
        let by_rank = RankTimes { ranks: vec![0, 2], ..RankTimes::default() };
        let stages = Stages::from([("solve_system".to_owned(), split)]);
        let record = record.complete((stages, by_rank), Memory::default());
        let text = serde_json::to_string(&record).unwrap();
        assert!(
            text.contains(r#""parallel":{"ranks":3,"threads_per_rank":2,"hosts":1,"first_host":"here","edge_cut":5,"#)
        );
        let read: RunRecord = serde_json::from_str(&text).unwrap();
        assert!(
            read.mesh_info.is_same_mesh(&record.mesh_info) && read.solver_config.is_same_method(&record.solver_config)
        );
        assert_eq!((read.iterations, read.converged, read.parallel.layout), (8, true, layout));
        assert_eq!((read.seconds("solve_system"), read.breakdown.stages), (split.seconds, record.breakdown.stages));
        assert_eq!(read.breakdown.by_rank, record.breakdown.by_rank);
        assert!(read.residual_history[0] == 1.0 && read.residual_history[1].is_nan());
    }

    #[test]
    fn residuals_are_relative_to_the_right_hand_side() {
        assert_eq!(relative_residuals(&[0.5, 0.25], 2.0), [0.25, 0.125]);
        assert_eq!(relative_residuals(&[0.5, 0.25], 0.0), [1.0, 0.5]);
    }

    #[test]
    fn keys_with_a_default_may_be_missing() {
        let text = r#"{
            "iterations": 8,
            "breakdown": { "stages": {}, "iterations": { "mean": MEAN, "compute": [], "halo": [], "reductions": [] }, "levels": [] },
            "mesh_info": { "source": "a mesh", "refine": 0, "used_nodes": 73 },
            "parallel": { "ranks": 2, "threads_per_rank": 1, "hosts": 2 },
            "a key of a later version": 1
        }"#;
        let mean = serde_json::to_string(&TimeSplit::default()).unwrap();
        let read: RunRecord = serde_json::from_str(&text.replace("MEAN", &mean)).unwrap();
        assert_eq!((read.parallel.layout.cores(), read.convergence.levels.len()), (2, 0));
        for key in ["iterations", "breakdown", "mesh_info", "parallel"] {
            let mut record = serde_json::to_value(&read).unwrap();
            record.as_object_mut().unwrap().remove(key);
            let error = serde_json::from_value::<RunRecord>(record).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{key}`")), "{error}");
        }
    }
}
