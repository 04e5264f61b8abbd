//! Records as JSON files.

use std::fmt::Display;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};
use crate::io::file::{open, write_atomic, write_error};
use crate::parallel::Comm;
use crate::system::print;

/// Writes a value of rank 0 as JSON. **Collective.**
///
/// # Errors
/// A file that cannot be written; the same on every rank.
pub fn write_json_once(comm: &Comm, path: &Path, value: &impl Serialize) -> Result<()> {
    comm.agree(if comm.is_root() { write_json(path, value) } else { Ok(()) })
}

/// Returns whether a path stands for the standard output.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a value as JSON, or prints it where the path is -; for rank 0.
///
/// # Errors
/// A file that cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| write_error(path, e))?;
    if is_stdout(path) { print(text + "\n") } else { write_atomic(path, text + "\n") }
}

/// Reads a record from a JSON file.
///
/// # Errors
/// A file that cannot be opened, or that is no record.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&open::text(path)?).map_err(|e| not_record(path, e))
}

/// Returns the error of a file that is no record.
pub fn not_record(path: &Path, cause: impl Display) -> Error {
    Error::input(format!("{} is not a run record of quad8-mpi (--json writes them): {}", path.display(), cause))
}

/// Reads numbers, of which null stands for one that is not finite.
pub fn numbers_or_nan<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<f64>, D::Error> {
    let numbers = Vec::<Option<f64>>::deserialize(from)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}
