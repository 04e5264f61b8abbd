//! Run records and records of the memory bandwidth, as far as a report needs them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::io::record::read::{MeshInfo, Parallel};
use crate::io::record::{Stream, not_record, read as record};
use crate::parallel::{MinMeanMax, TimeSplit};

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
    pub start_up: MinMeanMax,
    pub mesh_info: MeshInfo,
    pub solver_config: SolverConfig,
    pub memory: Memory,
    pub parallel: Parallel,
}

/// Where the time went.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Breakdown {
    pub stages: BTreeMap<String, TimeSplit>,
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

/// Reads a record of either kind.
///
/// # Errors
/// [`Error::Open`], [`Error::NotRecord`], [`Error::NotConverged`].
pub fn read(path: &Path) -> Result<Record> {
    let value: Value = record::read(path)?;
    if value.get("stream").is_some() {
        let stream: Stream = serde_json::from_value(value).map_err(|e| not_record(path, e))?;
        return Ok(Record::Stream(stream.checked(path)?));
    }
    let run: Run = serde_json::from_value(value).map_err(|e| not_record(path, e))?;
    if run.parallel.cores() == 0 || run.mesh_info.used_nodes == 0 {
        return Err(not_record(path, "its numbers are not positive"));
    }
    if !run.converged {
        return Err(Error::NotConverged { path: path.into() });
    }
    Ok(Record::Run(Box::new(run)))
}
