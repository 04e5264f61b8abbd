//! Paths of outputs, and checks whether a file can be written there.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::error::{Error, Result};

/// Returns the target of a symbolic link, which need not exist; any other path unchanged.
pub fn resolve_symlink(path: &Path) -> PathBuf {
    if path.is_symlink() { canonical(path) } else { path.into() }
}

/// Returns the canonical path of a file, which need not exist.
pub fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|e| {
        let folder = folder(path);
        match fs::read_link(path) {
            // A link to a file that does not exist yet.
            Ok(target) if e.kind() == io::ErrorKind::NotFound => canonical(&folder.join(target)),
            _ => folder.canonicalize().unwrap_or(folder.into()).join(path.file_name().unwrap_or_default()),
        }
    })
}

/// Returns the temporary name of a file while it is being written.
pub fn partial(path: &Path) -> PathBuf {
    with_suffix(path, ".partial")
}

/// Returns the path with a suffix appended.
pub fn with_suffix(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Returns the folder of a file.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses an output that is one of the inputs, compared by canonical path.
///
/// # Errors
/// The output is an input.
pub fn refuse_input<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let is_output = |input| canonical(input) == canonical(output);
    if inputs.into_iter().any(is_output) {
        let path = output.display();
        return Err(Error::input(format!("the output {path} is an input of this run: choose another name for it")));
    }
    Ok(())
}

/// Refuses an output that cannot be an HDF5 file: a folder or a device of that name exists, or the
/// name is not UTF-8, which HDF5 requires.
///
/// # Errors
/// The output cannot be written.
pub fn refuse_other_than_hdf5(output: &Path) -> Result<()> {
    if output.to_str().is_none() {
        return Err(write_error(output, "its name is not UTF-8"));
    }
    match output.metadata() {
        Ok(there) if there.is_dir() => Err(write_error(output, "it is a folder")),
        Ok(there) if !there.is_file() => Err(write_error(output, "it is not a regular file")),
        _ => Ok(()),
    }
}

/// File name extensions of other formats, which a results file must not have.
const OTHER_ENDINGS: [&str; 16] = [
    "csv", "json", "msh", "npz", "pdf", "png", "pvd", "pvtu", "svg", "toml", "txt", "vtk", "vtkhdf", "vtu", "xdmf",
    "xlsx",
];

/// Refuses a results file with the file name extension of another format.
///
/// # Errors
/// The extension is one of another format; the message says what to do instead.
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
        "csv" | "npz" | "xlsx" => {
            let path = output.display();
            format!("use -o {results}, then convert it with quad8-mpi convert {results} {path}")
        }
        "txt" | "json" | "toml" | "msh" => {
            format!("use -o {results}, which Python reads with h5py")
        }
        _ => format!("use -o {results}; the file for ParaView is written beside it"),
    };
    let path = output.display();
    Err(Error::input(format!("{path} would hold HDF5, which its ending does not say: {remedy}")))
}

/// Checks that a file can be created at `output`.
///
/// # Errors
/// The file cannot be created.
pub fn probe(output: &Path) -> Result<()> {
    let partial = partial(output);
    fs::File::create(&partial).and_then(|_| fs::remove_file(&partial)).map_err(|e| write_error(output, e))
}

/// Checks that the disk has room for an output of so many bytes.
///
/// # Errors
/// The output is larger than the free space.
pub fn check_room(output: &Path, bytes: u64) -> Result<()> {
    // A file system that reports no size passes; a full disk is an error of the write.
    let Some(disk) = statvfs(folder(output)).ok().filter(|disk| disk.blocks() > 0) else { return Ok(()) };
    let room = disk.blocks_available().saturating_mul(disk.fragment_size());
    if bytes <= room {
        return Ok(());
    }
    let [bytes, room] = [bytes, room].map(megabytes);
    Err(write_error(output, format!("it takes at least {bytes}, and the disk has {room} left")))
}

/// Formats a number of bytes in MB, GB or TB.
fn megabytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    let (unit, name) = [(1e12, "TB"), (1e9, "GB")].into_iter().find(|(unit, _)| bytes >= *unit).unwrap_or((1e6, "MB"));
    format!("{:.1} {name}", bytes / unit)
}

/// Returns the error of an input that cannot be opened.
pub fn open_error(path: &Path, cause: impl Display) -> Error {
    Error::io(format!("cannot open {}: {cause}", path.display()))
}

/// Returns the error of an output that cannot be written.
pub fn write_error(path: &Path, cause: impl Display) -> Error {
    Error::io(format!("cannot write {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_have_large_units() {
        let shown = [300_000, 1_700_000_000, 2_500_000_000_000].map(megabytes);
        assert_eq!(shown, ["0.3 MB", "1.7 GB", "2.5 TB"]);
    }
}
