//! The part of a run record that the model is set by, or compared with.

use std::path::Path;

use serde::Deserialize;

use crate::error::Result;
use crate::la::LevelSize;
use crate::record::{self, MeshInfo, Parallel, not_record};
use crate::timing::{Span, Split};

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
    pub levels: Vec<Split>,
}

/// The iterations of CG.
#[derive(Debug, Clone, Deserialize)]
pub struct Iterations {
    /// One iteration in the mean.
    pub mean: Split,
}

/// Seconds of the stages that the model knows.
#[derive(Debug, Clone, Deserialize)]
pub struct Stages {
    pub assemble_system: Span,
    pub apply_bc: Span,
    pub setup_preconditioner: Span,
}

impl Run {
    /// Reads a run record.
    ///
    /// # Errors
    /// [`Error::Open`](crate::Error::Open); [`Error::NotRecord`](crate::Error::NotRecord), also for a run
    /// without multigrid.
    pub fn read(path: &Path) -> Result<Self> {
        let run: Self = record::read(path)?;
        let Self { convergence: Hierarchy { levels }, breakdown, iterations, .. } = &run;
        if levels.len() < run.refinements() + 2 || levels.len() != breakdown.levels.len() || *iterations == 0 {
            return Err(not_record(path, "the model is of multigrid, which this run did not use"));
        }
        Ok(run)
    }

    /// Refinements of the mesh.
    pub fn refinements(&self) -> usize {
        self.mesh_info.refine as usize
    }
}
