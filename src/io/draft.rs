//! Files that get their name when they are complete.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hdf5::File;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, posix_fallocate};
use nix::sys::statvfs::statvfs;
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;

use crate::error::{Error, ExitCode, Result};
use crate::parallel::{Comm, abort, hdf5_rows};
use crate::streams::complain;

/// For what HDF5 stores besides the data.
const HEADERS: u64 = 64 * 1024;

/// The name while the file is being written.
pub fn partial(path: &Path) -> PathBuf {
    extended(path, ".partial")
}

fn extended(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Gives a complete file its name.
///
/// # Errors
/// [`Error::Write`]; what had the name before is untouched.
pub fn finish(path: &Path) -> Result<()> {
    fs::rename(partial(path), path).map_err(|e| failed(path, e))
}

/// The file that a link leads to, whether it exists or not; any other path as
/// it is.
pub fn followed(path: &Path) -> PathBuf {
    if path.is_symlink() { identity(path) } else { path.into() }
}

/// One path for all names of a file, whether it exists or not.
pub fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|e| {
        let folder = folder(path);
        match fs::read_link(path) {
            // To a file that will be there.
            Ok(target) if e.kind() == io::ErrorKind::NotFound => identity(&folder.join(target)),
            _ => folder.canonicalize().unwrap_or(folder.into()).join(path.file_name().unwrap_or_default()),
        }
    })
}

/// Refuses an output that is one of the inputs, by whatever name.
///
/// # Errors
/// [`Error::OutputIsInput`].
pub fn refuse_input<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let is_output = |input| identity(input) == identity(output);
    if inputs.into_iter().any(is_output) { Err(Error::OutputIsInput { path: output.into() }) } else { Ok(()) }
}

/// Refuses an output that cannot be an HDF5 file: where something is that is no
/// file, or under a name that HDF5 does not take.
///
/// # Errors
/// [`Error::Write`].
pub fn refuse_other_than_hdf5(output: &Path) -> Result<()> {
    if output.to_str().is_none() {
        return Err(failed(output, "its name is not UTF-8"));
    }
    match output.metadata() {
        Ok(there) if there.is_dir() => Err(failed(output, "it is a folder")),
        Ok(there) if !there.is_file() => Err(failed(output, "it is not a regular file")),
        _ => Ok(()),
    }
}

/// From now on a file that grows beyond what the process may write (`ulimit -f`)
/// is an error like a full disk, and not the end of the process.
pub fn survive_size_limits() {
    // Where it cannot be, the process ends, as others do.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Finds out whether a file can be created there.
///
/// # Errors
/// [`Error::Write`].
pub fn probe(output: &Path) -> Result<()> {
    let partial = partial(output);
    fs::File::create(&partial).and_then(|_| fs::remove_file(&partial)).map_err(|e| failed(output, e))
}

/// Refuses an output that the disk has no room for.
///
/// # Errors
/// [`Error::Write`].
pub fn check_room(output: &Path, bytes: u64) -> Result<()> {
    // A file system that does not know will tell when it is full.
    let Some(disk) = statvfs(folder(output)).ok().filter(|disk| disk.blocks() > 0) else { return Ok(()) };
    let room = disk.blocks_available().saturating_mul(disk.fragment_size());
    if bytes <= room {
        return Ok(());
    }
    let [bytes, room] = [bytes, room].map(|bytes| bytes as f64 / 1e6);
    Err(failed(output, format!("it takes at least {bytes:.1} MB, and the disk has {room:.1} MB left")))
}

fn failed(path: &Path, cause: impl ToString) -> Error {
    Error::Write { path: path.into(), cause: cause.to_string() }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
    let file = comm.agree(hdf5_rows::create(comm, &partial).map_err(|e| failed(path, e)))?;
    let reserve = || reserve(&partial, bytes + HEADERS).map_err(|e| failed(path, e));
    if let Err(error) = comm.agree(if comm.is_root() { reserve() } else { Ok(()) }) {
        // The error of the reservation is the one to report.
        let _ = file.close();
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    let result = fill(&file).unwrap_or_else(|cause| {
        let _ = fs::remove_file(&partial);
        clean();
        complain(&format!("error: {}", failed(path, cause)));
        abort(ExitCode::Io)
    });
    comm.agree(file.close().map_err(|e| failed(path, e)))?;
    Ok(result)
}

/// Writes a small file at once. Under its name it is always complete; a stream
/// in its place takes the bytes after what it has.
///
/// # Errors
/// [`Error::Write`]; the file that was there is untouched.
pub fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|place| path.starts_with(place));
    let written = if is_open || (path.exists() && !path.is_file()) {
        open_stream(path).and_then(|mut stream| stream.write_all(bytes.as_ref()))
    } else {
        let target = identity(path);
        // Several processes may write it at once, each a whole file.
        let partial = extended(&target, &format!(".{}.partial", process::id()));
        fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &target)).inspect_err(|_| {
            // The write has failed already; what is left of it only takes space.
            let _ = fs::remove_file(&partial);
        })
    };
    written.map_err(|e| failed(path, e))
}

/// A pipe that nobody reads is an error, instead of a wait for a reader that may never come.
fn open_stream(path: &Path) -> io::Result<fs::File> {
    let opened = fs::File::options().append(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let nobody = |e: &io::Error| e.raw_os_error() == Some(Errno::ENXIO as i32);
    let stream = opened.map_err(|e| if nobody(&e) { io::Error::other("nobody reads it") } else { e })?;
    fcntl(&stream, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(stream)
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
