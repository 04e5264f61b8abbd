//! Inputs of finite length: regular files, and texts up to a limit.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::Result;
use crate::io::file::open_error;

/// Longest text (bytes).
const LONGEST: u64 = 256 << 20;

/// Opens a regular file or a folder. Refuses pipes, which may block for ever, and devices, which
/// may have no end.
///
/// # Errors
/// The file cannot be opened, or is not a regular file.
pub fn open(path: &Path) -> Result<File> {
    let failed = |e: std::io::Error| open_error(path, e);
    let kind = fs::metadata(path).map_err(failed)?;
    if !(kind.is_file() || kind.is_dir()) {
        return Err(open_error(path, "it is not a regular file"));
    }
    File::open(path).map_err(failed)
}

/// Reads a text, possibly from a pipe.
///
/// # Errors
/// The text cannot be read, or is longer than 256 MiB.
pub fn text(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if length as u64 > LONGEST => Err(open_error(path, "it is longer than 256 MiB")),
        Ok(_) => Ok(bytes),
        Err(e) => Err(open_error(path, e)),
    }
}
