//! Inputs that come to an end: regular files, and texts of a bounded length.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Most bytes of a text.
const LONGEST: u64 = 256 << 20;

/// Opens a file. A pipe may wait for its other end for ever, and a device need
/// not have an end.
///
/// # Errors
/// [`Error::Open`].
pub fn open(path: &Path) -> Result<File> {
    let failed = |e: std::io::Error| no_entry(path, e);
    let kind = fs::metadata(path).map_err(failed)?;
    if !(kind.is_file() || kind.is_dir()) {
        return Err(no_entry(path, "it is not a regular file"));
    }
    File::open(path).map_err(failed)
}

/// Reads a text, which may come through a pipe.
///
/// # Errors
/// [`Error::Open`].
pub fn text(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > LONGEST => Err(no_entry(path, "it is longer than 256 MiB")),
        Ok(_) => Ok(bytes),
        Err(e) => Err(no_entry(path, e)),
    }
}

fn no_entry(path: &Path, cause: impl ToString) -> Error {
    Error::Open { path: path.into(), cause: cause.to_string() }
}
