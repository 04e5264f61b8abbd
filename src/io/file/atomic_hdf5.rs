//! Files that get their name when they are complete.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hdf5::File;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;

use crate::error::{Error, ExitCode, Result};
use crate::io::file::path::folder;
use crate::io::file::{failed, partial};
use crate::io::hdf5::transfer;
use crate::parallel::{Comm, abort};
use crate::system::print_error;

/// For what HDF5 stores besides the data.
const HEADERS: u64 = 64 * 1024;

/// Gives a complete file its name.
///
/// # Errors
/// [`Error::Write`]; what had the name before is untouched.
pub fn finish(path: &Path) -> Result<()> {
    fs::rename(partial(path), path).map_err(|e| failed(path, e))
}

/// From now on a file that grows beyond what the process may write (`ulimit -f`)
/// is an error like a full disk, and not the end of the process.
pub fn survive_size_limits() {
    // Where it cannot be, the process ends, as others do.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Creates an HDF5 file of about `bytes` under the temporary name of `path` and
/// lets `fill` fill it. Where `fill` fails, the job ends, after `clean` on that
/// rank: the other ranks may be waiting in a collective transfer that this one
/// will never join. **Collective.**
///
/// # Errors
/// [`Error::Write`], the same on every rank; nothing is left.
pub fn write<R>(
    comm: &Comm,
    path: &Path,
    bytes: u64,
    fill: impl FnOnce(&File) -> hdf5::Result<R>,
    clean: impl FnOnce(),
) -> Result<R> {
    let partial = partial(path);
    let file = comm.agree(transfer::create(comm, &partial).map_err(|e| failed(path, e)))?;
    let reserve = || reserve(&partial, bytes + HEADERS).map_err(|e| failed(path, e));
    // The error that comes first is the one to report.
    let discard = |_: &Error| drop(fs::remove_file(&partial));
    if let Err(error) = comm.agree(if comm.is_root() { reserve() } else { Ok(()) }) {
        let _ = file.close();
        discard(&error);
        return Err(error);
    }
    let result = fill(&file).unwrap_or_else(|cause| {
        let _ = fs::remove_file(&partial);
        clean();
        print_error(&format!("error: {}", failed(path, cause)));
        abort(ExitCode::Io)
    });
    comm.agree(file.close().map_err(|e| failed(path, e))).inspect_err(discard)?;
    Ok(result)
}

/// Takes the space on the disk before MPI-IO needs it: Open MPI's collective
/// writes return an error on some ranks only, or on none, when it is full.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let file = fs::File::options().write(true).open(path)?;
    match posix_fallocate(&file, 0, bytes as i64) {
        // A file system that cannot reserve can still write.
        Ok(()) | Err(Errno::EOPNOTSUPP | Errno::EINVAL) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Has what this host wrote to a file brought to the disk.
///
/// # Errors
/// The system's own.
pub fn flush(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Has the names in the folder of a file brought to the disk.
///
/// # Errors
/// The system's own.
pub fn flush_folder(path: &Path) -> io::Result<()> {
    flush(folder(path))
}
