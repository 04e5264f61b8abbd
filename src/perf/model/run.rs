//! Run records of solves with multigrid, which set the rates of the model or are compared with it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::io::record::{RunRecord, not_record, read};

/// Stages that the model predicts.
const STAGES: [&str; 3] = ["assemble_system", "apply_bc", "setup_preconditioner"];

/// Record of a solve with multigrid.
#[derive(Debug, Clone)]
pub struct Run(RunRecord);

impl Deref for Run {
    type Target = RunRecord;

    fn deref(&self) -> &RunRecord {
        &self.0
    }
}

impl Run {
    /// Reads a run record.
    ///
    /// # Errors
    /// A file that cannot be opened, or that is no run record; a run without multigrid.
    pub fn read(path: &Path) -> Result<Self> {
        let run = Self(read(path)?);
        if let Some(missing) = STAGES.iter().find(|stage| !run.timing_metrics.contains_key(**stage)) {
            return Err(not_record(path, format!("it has no time of {missing}")));
        }
        run.check_single_solve(path)?;
        let levels = run.convergence.levels.len();
        if levels < run.refinements() + 2 || levels != run.breakdown.levels.len() || run.iterations == 0 {
            return Err(not_record(path, "the model is of multigrid, which this run did not use"));
        }
        Ok(run)
    }

    /// Reads records of equal runs.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); a run on another mesh or other ranks than the first.
    pub fn read_equal(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let runs: Vec<Self> = paths.iter().map(|path| Self::read(path)).collect::<Result<_>>()?;
        match runs.iter().position(|run| !run.is_like(&runs[0])) {
            Some(other) => Err(not_record(&paths[other], "it is of another mesh or other ranks than the first")),
            None => Ok(runs),
        }
    }

    /// Returns whether the other run solved the same mesh on the same ranks.
    pub fn is_like(&self, other: &Self) -> bool {
        self.mesh_info.is_same_mesh(&other.mesh_info) && self.parallel.layout == other.parallel.layout
    }

    /// Returns the refinements of the mesh.
    pub fn refinements(&self) -> usize {
        self.mesh_info.refine as usize
    }
}
