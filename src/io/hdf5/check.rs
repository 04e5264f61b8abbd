//! Checks of a dataset before it is read, and the errors of reading.

use std::fmt::Display;
use std::path::Path;

use hdf5::{Dataset, File};

use crate::error::{Error, Result};
use crate::io::LARGEST_DEFLATE_RATIO;

/// Refuses a dataset that declares far more than the file holds: filters compress by at most
/// 1032 : 1 (zlib, *Technical Details*).
///
/// # Errors
/// The dataset is larger than the file can hold.
pub fn check_stored(path: &Path, file: &File, dataset: &Dataset, name: &str) -> Result<()> {
    let claimed = declared_bytes(dataset);
    let stored = dataset.storage_size().min(file.size());
    if claimed <= stored.saturating_mul(LARGEST_DEFLATE_RATIO) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::input(format!("dataset '{name}' of {path} claims {claimed} bytes, the file holds {stored} of them")))
}

/// Returns the bytes of the values that a dataset declares.
pub fn declared_bytes(dataset: &Dataset) -> u64 {
    let value = dataset.dtype().map_or(1, |t| t.size() as u64);
    dataset.shape().iter().fold(value, |bytes, &n| bytes.saturating_mul(n as u64))
}

/// Returns the error of a dataset of another shape than `expected`.
pub fn bad_shape(path: &Path, name: &str, dataset: &Dataset, expected: &str) -> Error {
    let (path, shape) = (path.display(), dataset.shape());
    Error::input(format!("dataset '{name}' of {path} has shape {shape:?}: expected {expected}"))
}

/// Returns the error of a dataset that cannot be read.
pub fn read_error(path: &Path, name: &str, cause: impl Display) -> Error {
    Error::io(format!("cannot read dataset '{name}' of {}: {cause}", path.display()))
}
