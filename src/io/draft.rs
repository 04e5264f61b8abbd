//! Files that get their name when they are complete.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hdf5::File;

use crate::error::{Error, ExitCode, Result};
use crate::parallel::{Comm, abort, hdf5_rows};
use crate::streams::complain;

/// For what HDF5 stores besides the data.
const HEADERS: u64 = 64 * 1024;

/// The name while the file is being written.
pub fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    partial.into()
}

/// One path for all names of a file, whether it exists or not.
pub fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = folder(path);
        folder.canonicalize().unwrap_or(folder.into()).join(path.file_name().unwrap_or_default())
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
    let failed = |cause: String| Error::Write { path: path.into(), cause };
    let file = comm.agree(hdf5_rows::create(comm, &partial).map_err(|e| failed(e.to_string())))?;
    let reserve = || reserve(&partial, bytes + HEADERS).map_err(|e| failed(e.to_string()));
    if let Err(error) = comm.agree(if comm.is_root() { reserve() } else { Ok(()) }) {
        // The error of the reservation is the one to report.
        let _ = file.close();
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    let result = fill(&file).unwrap_or_else(|cause| {
        let _ = fs::remove_file(&partial);
        clean();
        complain(&format!("error: {}", failed(cause.to_string())));
        abort(ExitCode::Io)
    });
    comm.agree(file.close().map_err(|e| failed(e.to_string())))?;
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
        fs::File::options().append(true).open(path).and_then(|mut stream| stream.write_all(bytes.as_ref()))
    } else {
        let target = identity(path);
        let partial = partial(&target);
        fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &target)).inspect_err(|_| {
            // The write has failed already; what is left of it only takes space.
            let _ = fs::remove_file(&partial);
        })
    };
    written.map_err(|e| Error::Write { path: path.into(), cause: e.to_string() })
}

/// Takes the space on the disk before MPI-IO needs it: Open MPI's collective
/// writes return an error on some ranks only, or on none, when it is full.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let file = fs::File::options().write(true).open(path)?;
    match nix::fcntl::posix_fallocate(&file, 0, bytes as i64) {
        // A file system that cannot reserve can still write.
        Ok(()) | Err(nix::errno::Errno::EOPNOTSUPP | nix::errno::Errno::EINVAL) => Ok(()),
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
