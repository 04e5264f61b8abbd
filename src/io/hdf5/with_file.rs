//! Files that an earlier run of this program wrote.

use std::path::Path;

use hdf5::File;

use crate::error::{Error, Result};
use crate::io::file::open;
use crate::io::hdf5::parallel_file;
use crate::parallel::Comm;

/// Opens an HDF5 file, reads it by `read`, and closes it. `damaged` makes the error of a file that
/// HDF5 cannot open or close. **Collective.**
///
/// # Errors
/// The file does not exist, is damaged, or `read` fails; the same on every rank.
pub(crate) fn with_file<T>(
    comm: &Comm,
    path: &Path,
    damaged: impl Fn(String) -> Error,
    read: impl FnOnce(&File) -> Result<T>,
) -> Result<T> {
    comm.agree(if comm.is_root() { open::open(path).map(drop) } else { Ok(()) })?;
    let file = parallel_file::open(comm, path, &damaged)?;
    let result = read(&file);
    let closed = file.close().map_err(|e| damaged(e.to_string()));
    let result = result?;
    comm.agree(closed)?;
    Ok(result)
}
