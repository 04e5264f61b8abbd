//! Files that all ranks open together through MPI-IO.

use std::env::current_dir;
use std::path::Path;

use hdf5::File;

use crate::error::{Error, Result};
use crate::io::hdf5::hints::Hints;
use crate::parallel::Comm;

/// Opens a file for reading through MPI-IO. `failed` makes the error of a cause that belongs to the
/// file. **Collective.**
///
/// # Errors
/// An error of HDF5, or hints that cannot be read; the same on every rank.
pub fn open(comm: &Comm, path: &Path, failed: impl Fn(String) -> Error) -> Result<File> {
    let hints = Hints::read(comm)?;
    check_folder(comm, path).map_err(&failed)?;
    let handle = comm.raw()?;
    let opened = File::with_options().with_fapl(|b| hints.apply(b, handle)).open(path);
    comm.agree(opened.map_err(|e| failed(e.to_string())))
}

/// Creates a file for writing through MPI-IO; an existing file is replaced. `failed` makes the
/// error of a cause that belongs to the file. **Collective.**
///
/// # Errors
/// An error of HDF5, or hints that cannot be read; the same on every rank.
pub fn create(comm: &Comm, path: &Path, failed: impl Fn(String) -> Error) -> Result<File> {
    let hints = Hints::read(comm)?;
    check_folder(comm, path).map_err(&failed)?;
    let handle = comm.raw()?;
    let created = File::with_options().with_fapl(|b| hints.apply(b, handle).coll_metadata_write(true)).create(path);
    comm.agree(created.map_err(|e| failed(e.to_string())))
}

/// Checks that the working folder exists: without it Open MPI 4.1 crashes on a relative path.
/// **Collective.**
fn check_folder(comm: &Comm, path: &Path) -> std::result::Result<(), String> {
    let is_gone = path.is_relative() && current_dir().is_err();
    if comm.max(u8::from(is_gone)) > 0 { Err("the working folder is gone".into()) } else { Ok(()) }
}
