//! HDF5 files that get their final name when they are complete.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use hdf5::File;
use nix::errno::Errno;
use nix::fcntl::posix_fallocate;
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;

use crate::error::{Error, ExitCode, Result};
use crate::io::file::path::folder;
use crate::io::file::{partial, write_error};
use crate::io::hdf5::parallel_file;
use crate::parallel::{Comm, SpanKind, abort};
use crate::system::print_error;

/// Bytes that HDF5 stores besides the data.
const HEADERS: u64 = 64 * 1024;

/// Renames a complete file to its final name.
///
/// # Errors
/// The file cannot be renamed; a previous file of that name is unchanged.
pub fn finish(path: &Path) -> Result<()> {
    // The system frees the blocks of a replaced file when it is closed, and a thread does that: rank
    // 0 would take 8 ms for results of a million nodes, for which all others wait.
    let replaced = if path.is_file() { fs::File::open(path).ok() } else { None };
    fs::rename(partial(path), path).map_err(|e| write_error(path, e))?;
    if let Some(replaced) = replaced {
        let _ = thread::Builder::new().spawn(move || drop(replaced));
    }
    Ok(())
}

/// Turns a write beyond the size limit of the process (`ulimit -f`) into an error, as on a full
/// disk, instead of the end of the process.
pub fn survive_size_limits() {
    // Without the handler, the default action of the signal remains.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Checks that all ranks together can create a file under the temporary name of `path`: MPI-IO
/// may need more than a folder that can be written. **Collective.**
///
/// # Errors
/// The file cannot be created; the same on every rank.
pub fn probe(comm: &Comm, path: &Path) -> Result<()> {
    let partial = partial(path);
    let failed = |cause: String| {
        write_error(path, cause).with_note("MPI-IO needs a /dev/shm and a temporary folder that can be written")
    };
    let created = parallel_file::create(comm, &partial, failed);
    let closed = created.and_then(|file| comm.agree(file.close().map_err(|e| failed(e.to_string()))));
    // What stays would be replaced by the file itself.
    let _ = comm.is_root().then(|| fs::remove_file(&partial));
    closed
}

/// Creates an HDF5 file of about `bytes` under the temporary name of `path` and fills it by `fill`.
/// A failure of `fill` ends the job, after `clean` on that rank: other ranks may wait in a
/// collective transfer which this rank has left. **Collective.**
///
/// # Errors
/// The file cannot be created, reserved or closed; the same on every rank, and no file remains.
pub fn write<R>(
    comm: &Comm,
    path: &Path,
    bytes: u64,
    fill: impl FnOnce(&File) -> hdf5::Result<R>,
    clean: impl FnOnce(),
) -> Result<R> {
    let partial = partial(path);
    let file = parallel_file::create(comm, &partial, |cause| write_error(path, cause))?;
    let reserve = || comm.span(SpanKind::Reserve, 0, || reserve(&partial, bytes + HEADERS));
    let reserve = || reserve().map_err(|e| write_error(path, e));
    // The first error is the one to report.
    let discard = |_: &Error| drop(fs::remove_file(&partial));
    if let Err(error) = comm.agree(if comm.is_root() { reserve() } else { Ok(()) }) {
        let _ = file.close();
        discard(&error);
        return Err(error);
    }
    let result = fill(&file).unwrap_or_else(|cause| {
        let _ = fs::remove_file(&partial);
        clean();
        print_error(&format!("error: {}", write_error(path, cause)));
        abort(ExitCode::Io)
    });
    comm.agree(file.close().map_err(|e| write_error(path, e))).inspect_err(discard)?;
    Ok(result)
}

/// Reserves disk space before MPI-IO needs it: on a full disk, collective writes of Open MPI
/// return an error on some ranks only, or on none.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let file = fs::File::options().write(true).open(path)?;
    match posix_fallocate(&file, 0, bytes as i64) {
        // A file system without reservation can still write.
        Ok(()) | Err(Errno::EOPNOTSUPP | Errno::EINVAL) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Flushes the data that this host wrote to a file to the disk.
///
/// # Errors
/// An error of the operating system.
pub fn flush(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Flushes the folder of a file to the disk, and with it the names of its files.
///
/// # Errors
/// An error of the operating system.
pub fn flush_folder(path: &Path) -> io::Result<()> {
    flush(folder(path))
}
