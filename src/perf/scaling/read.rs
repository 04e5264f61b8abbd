//! The records that a report reads: of runs, and of the memory bandwidth.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::io::record::{RunRecord, StreamRecord, not_record, read as read_json};

/// A record for a report.
#[derive(Debug, Clone)]
pub enum Record {
    /// Record of a solve.
    Run(Box<RunRecord>),
    /// Record of the memory bandwidth.
    Stream(StreamRecord),
}

/// Reads a record of either kind.
///
/// # Errors
/// A file that cannot be opened, or that is no record; a run that did not converge, or solved on
/// several meshes.
pub fn read(path: &Path) -> Result<Record> {
    let value: Value = read_json(path)?;
    if value.get("stream").is_some() {
        let stream: StreamRecord = serde_json::from_value(value).map_err(|e| not_record(path, e))?;
        return Ok(Record::Stream(stream.checked(path)?));
    }
    let run: RunRecord = serde_json::from_value(value).map_err(|e| not_record(path, e))?;
    if run.parallel.layout.cores() == 0 || run.mesh_info.used_nodes == 0 {
        return Err(not_record(path, "its numbers are not positive"));
    }
    if !run.converged {
        let path = path.display();
        return Err(Error::input(format!(
            "the run in {path} did not converge, so its times say nothing: leave it out"
        )));
    }
    run.check_single_solve(path)?;
    Ok(Record::Run(Box::new(run)))
}
