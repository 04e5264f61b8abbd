//! Files that this program wrote and reads again.

use std::path::Path;

use hdf5::File;

use crate::error::{Error, Result};
use crate::io::file::open;
use crate::io::hdf5::transfer;
use crate::parallel::Comm;

/// Opens an HDF5 file, has it read, and closes it; what fails on the way makes
/// the file `damaged`. **Collective.**
///
/// # Errors
/// [`Error::Open`] where there is no such file, what `damaged` makes of a cause,
/// and those of `read`; the same on every rank.
pub fn read<T>(
    comm: &Comm,
    path: &Path,
    damaged: impl Fn(String) -> Error,
    read: impl FnOnce(&File) -> Result<T>,
) -> Result<T> {
    comm.agree(if comm.is_root() { open::open(path).map(drop) } else { Ok(()) })?;
    let file = comm.agree(transfer::open(comm, path).map_err(|e| damaged(e.to_string())))?;
    let result = read(&file);
    let closed = file.close().map_err(|e| damaged(e.to_string()));
    let result = result?;
    comm.agree(closed)?;
    Ok(result)
}
