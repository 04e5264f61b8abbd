//! Files that all ranks open together through MPI-IO.

use std::env::current_dir;
use std::path::Path;

use hdf5::File;

use crate::io::hdf5::hints::Hints;
use crate::parallel::Comm;

/// Opens a file for reading through MPI-IO. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn open(comm: &Comm, path: &Path) -> hdf5::Result<File> {
    check_folder(comm, path)?;
    let (handle, hints) = (handle(comm)?, Hints::read(comm)?);
    File::with_options().with_fapl(|b| hints.apply(b, handle)).open(path)
}

/// Creates a file for writing through MPI-IO; an existing file is replaced. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn create(comm: &Comm, path: &Path) -> hdf5::Result<File> {
    check_folder(comm, path)?;
    let (handle, hints) = (handle(comm)?, Hints::read(comm)?);
    File::with_options().with_fapl(|b| hints.apply(b, handle).coll_metadata_write(true)).create(path)
}

/// Returns the MPI communicator.
fn handle(comm: &Comm) -> hdf5::Result<mpi::ffi::MPI_Comm> {
    comm.raw().map_err(|error| error.to_string().into())
}

/// Checks that the working folder exists: without it Open MPI 4.1 crashes on a relative path.
/// **Collective.**
fn check_folder(comm: &Comm, path: &Path) -> hdf5::Result<()> {
    let is_gone = path.is_relative() && current_dir().is_err();
    if comm.max(u8::from(is_gone)) > 0 { Err("the working folder is gone".into()) } else { Ok(()) }
}
