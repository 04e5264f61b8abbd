//! The part of a run record that the model is set by, or compared with.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::la::LevelSize;
use crate::timing::{Span, Split};

/// What a run did and how long it took.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// Iterations of CG.
    pub iterations: u64,
    /// See [`Mesh`].
    pub mesh_info: Mesh,
    /// See [`Ranks`].
    pub parallel: Ranks,
    /// See [`Hierarchy`].
    pub convergence: Hierarchy,
    /// See [`Breakdown`].
    pub breakdown: Breakdown,
    /// Seconds of the stages.
    pub timing_metrics: Stages,
}

/// The mesh that was solved.
#[derive(Debug, Clone, Deserialize)]
pub struct Mesh {
    /// Where it came from.
    pub source: String,
    /// Levels of refinement.
    pub refine: usize,
    /// Unknowns.
    pub used_nodes: u64,
}

/// Who solved it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Ranks {
    /// MPI ranks.
    pub ranks: usize,
    /// Threads of each.
    pub threads_per_rank: usize,
    /// Hosts that they are on.
    pub hosts: usize,
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
    /// [`Error::Open`]; [`Error::NotRecord`], also for a run without multigrid.
    pub fn read(path: &Path) -> Result<Self> {
        let run: Self = read(path)?;
        let Self { convergence: Hierarchy { levels }, breakdown, mesh_info, iterations, .. } = &run;
        if levels.len() < mesh_info.refine + 2 || levels.len() != breakdown.levels.len() || *iterations == 0 {
            let cause = "the model is of multigrid, which this run did not use".to_owned();
            return Err(Error::NotRecord { path: path.into(), cause });
        }
        Ok(run)
    }
}

/// Reads what is wanted of a record.
///
/// # Errors
/// [`Error::Open`], [`Error::NotRecord`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() })?;
    serde_json::from_str(&text).map_err(|e| Error::NotRecord { path: path.into(), cause: e.to_string() })
}
