//! Places for outputs: what they are, by whatever name, and whether a file can go there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::error::{Error, Result};

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

/// The name of a file while it is being written.
pub fn partial(path: &Path) -> PathBuf {
    extended(path, ".partial")
}

/// The path with something after it.
pub fn extended(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// The folder of a file.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

/// Endings of other formats, which the results file must not have.
const OTHER_ENDINGS: [&str; 16] = [
    "csv", "json", "msh", "npz", "pdf", "png", "pvd", "pvtu", "svg", "toml", "txt", "vtk", "vtkhdf", "vtu", "xdmf",
    "xlsx",
];

/// Refuses a results file with the ending of another format.
///
/// # Errors
/// [`Error::OtherEnding`] with what to do instead.
pub fn refuse_other_ending(output: &Path) -> Result<()> {
    let ending = output.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    if !OTHER_ENDINGS.contains(&ending.as_str()) {
        return Ok(());
    }
    let results = output.with_extension("h5");
    let results = results.display();
    let remedy = match ending.as_str() {
        "png" | "svg" | "pdf" => format!("use -o {results}, then draw it with quad8-mpi plot {results}"),
        "vtkhdf" => format!("use -o {results} --format vtkhdf"),
        "csv" | "txt" | "json" | "toml" | "msh" | "npz" | "xlsx" => {
            format!("use -o {results}, which Python reads with h5py")
        }
        _ => format!("use -o {results}; the file for ParaView is written beside it"),
    };
    Err(Error::OtherEnding { path: output.into(), remedy })
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

/// That an output cannot be written.
pub fn failed(path: &Path, cause: impl ToString) -> Error {
    Error::Write { path: path.into(), cause: cause.to_string() }
}
