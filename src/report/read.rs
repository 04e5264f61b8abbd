//! Run records and records of the memory bandwidth, as far as a report needs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::timing::{Span, Split};

/// A file that a report understands.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Of a solve.
    Run(Box<Run>),
    /// Of a measurement of the memory bandwidth.
    Stream(Stream),
}

/// A run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Run {
    pub iterations: usize,
    pub converged: bool,
    pub breakdown: Breakdown,
    pub start_up: Span,
    pub mesh_info: MeshInfo,
    pub solver_config: SolverConfig,
    pub memory: Memory,
    pub parallel: Parallel,
}

/// Where the time went.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Breakdown {
    pub stages: BTreeMap<String, Split>,
}

/// The mesh.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MeshInfo {
    pub source: String,
    pub refine: u32,
    pub used_nodes: u64,
}

/// The options that make another problem of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SolverConfig {
    pub operator: String,
    pub preconditioner: String,
    pub rtol: f64,
}

/// Memory of the processes (bytes).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Memory {
    pub peak_bytes_sum: u64,
}

/// Ranks and threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Parallel {
    pub ranks: usize,
    pub threads_per_rank: usize,
}

/// The memory bandwidth.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stream {
    pub parallel: Parallel,
    pub stream: Kernels,
}

/// The memory bandwidth by kernel.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Kernels {
    pub triad: Bandwidth,
}

/// Of all ranks (GB/s).
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Bandwidth {
    pub total: f64,
}

impl Parallel {
    /// Threads of all ranks.
    pub fn cores(self) -> usize {
        self.ranks * self.threads_per_rank
    }
}

/// Reads a record of either kind.
///
/// # Errors
/// [`Error::Open`], [`Error::NotRecord`], [`Error::NotConverged`].
pub fn read(path: &Path) -> Result<Record> {
    let bytes = fs::read(path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() })?;
    let not_record = |cause: String| Error::NotRecord { path: path.into(), cause };
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| not_record(e.to_string()))?;
    if value.get("stream").is_some() {
        let stream: Stream = serde_json::from_value(value).map_err(|e| not_record(e.to_string()))?;
        let is_whole = stream.parallel.cores() > 0 && stream.stream.triad.total > 0.0;
        return if is_whole {
            Ok(Record::Stream(stream))
        } else {
            Err(not_record("its numbers are not positive".into()))
        };
    }
    let run: Run = serde_json::from_value(value).map_err(|e| not_record(e.to_string()))?;
    if run.parallel.cores() == 0 || run.mesh_info.used_nodes == 0 {
        return Err(not_record("its numbers are not positive".into()));
    }
    if !run.converged {
        return Err(Error::NotConverged { path: path.into() });
    }
    Ok(Record::Run(Box::new(run)))
}
