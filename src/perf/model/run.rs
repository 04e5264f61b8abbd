//! The part of a run record that the model is set by, or compared with.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Result;
use crate::io::record::read::{MeshInfo, Parallel};
use crate::io::record::{not_record, read};
use crate::la::LevelSize;
use crate::parallel::{MinMeanMax, TimeSplit};

/// What a run did and how long it took.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// Iterations of CG.
    pub iterations: u64,
    /// See [`MeshInfo`].
    pub mesh_info: MeshInfo,
    /// See [`Parallel`].
    pub parallel: Parallel,
    /// See [`Hierarchy`].
    pub convergence: Hierarchy,
    /// See [`Breakdown`].
    pub breakdown: Breakdown,
    /// Seconds of the stages.
    pub timing_metrics: Stages,
}

/// The levels of multigrid.
#[derive(Debug, Clone, Deserialize)]
pub struct Hierarchy {
    /// Their sizes, finest first.
    pub levels: Vec<LevelSize>,
}

/// Where the time of the iterations went.
#[derive(Debug, Clone, Deserialize)]
pub struct Breakdown {
    /// See [`Iterations`].
    pub iterations: Iterations,
    /// The levels of multigrid, finest first, over the whole solve.
    pub levels: Vec<TimeSplit>,
}

/// The iterations of CG.
#[derive(Debug, Clone, Deserialize)]
pub struct Iterations {
    /// One iteration in the mean.
    pub mean: TimeSplit,
}

/// Seconds of the stages that the model knows.
#[derive(Debug, Clone, Deserialize)]
pub struct Stages {
    pub assemble_system: MinMeanMax,
    pub apply_bc: MinMeanMax,
    pub setup_preconditioner: MinMeanMax,
}

impl Run {
    /// Reads a run record.
    ///
    /// # Errors
    /// [`Error::Open`](crate::error::Error::Open); [`Error::NotRecord`](crate::error::Error::NotRecord), also for a run
    /// without multigrid.
    pub fn read(path: &Path) -> Result<Self> {
        let run: Self = read::read(path)?;
        let Self { convergence: Hierarchy { levels }, breakdown, iterations, .. } = &run;
        if levels.len() < run.refinements() + 2 || levels.len() != breakdown.levels.len() || *iterations == 0 {
            return Err(not_record(path, "the model is of multigrid, which this run did not use"));
        }
        Ok(run)
    }

    /// Reads records of equal runs.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); [`Error::NotRecord`](crate::error::Error::NotRecord), also for a run that is not like
    /// the first.
    pub fn read_equal(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let runs: Vec<Self> = paths.iter().map(|path| Self::read(path)).collect::<Result<_>>()?;
        match runs.iter().position(|run| !run.is_like(&runs[0])) {
            Some(other) => Err(not_record(&paths[other], "it is of another mesh or other ranks than the first")),
            None => Ok(runs),
        }
    }

    /// Whether the other is of the same mesh on the same ranks.
    pub fn is_like(&self, other: &Self) -> bool {
        self.mesh_info == other.mesh_info && self.parallel == other.parallel
    }

    /// Refinements of the mesh.
    pub fn refinements(&self) -> usize {
        self.mesh_info.refine as usize
    }
}
