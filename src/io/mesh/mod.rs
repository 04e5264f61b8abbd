//! Reading meshes: HDF5 in slabs by all ranks together; Gmsh MSH 4.1, .npz and
//! .xlsx by rank 0, which deals them out. What a file is, its content says;
//! its name counts only where the content does not tell.

mod builtin;
#[cfg(test)]
mod damaged_inputs;
mod format;
mod format_error;
pub mod gmsh;
mod hdf5;
pub mod hdf5_names;
mod naming;
pub mod npz;
mod serial_mesh;
mod source;
mod unchanged;
mod weights;
pub mod xlsx;

pub use builtin::{BUILT_IN, BuiltIn};
pub use format::{Format, is_hdf5};
pub use format_error::Flaw;
pub use hdf5::check_stored;
pub use hdf5_names::{BOUNDARIES, NAME, REGIONS};
pub use naming::Naming;
pub use serial_mesh::{WholeMesh, deal};
pub use source::MeshSource;
pub use weights::read_weights;

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::io::mesh::unchanged::Version;
use crate::mesh::{GivenNames, MeshHeader, MeshSlab};
use crate::parallel::{Comm, fault_injection, work};

/// Reads a mesh file of any known format for a case that gives conditions and materials to some names.
/// **Collective.**
///
/// # Errors
/// [`Error::Open`], [`Error::UnknownFormat`], [`Error::BadFile`],
/// [`Error::ChangedMeanwhile`], those of the HDF5 reader and of
/// [`MeshSlab::new`]; the same on every rank.
pub fn file(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<MeshSlab> {
    let version = Version::of(comm, path);
    let mesh = parse_file(comm, path, given);
    // Before any flaw that the change has made.
    comm.agree(version.check(comm, path))?;
    mesh
}

fn parse_file(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<MeshSlab> {
    match recognise(comm, path)? {
        Reading::Together => hdf5::read(comm, path),
        Reading::Root(format) => {
            let parser = format.and_then(|format| Some((format, format.parser()?)));
            let mesh = match parser {
                Some((format, parser)) => parse(comm, path, format, |bytes| parser(bytes, given)),
                None => Ok(WholeMesh::default()),
            };
            let slab = deal(comm, comm.agree(mesh)?)?;
            let has_unit = comm.broadcast(0, u8::from(format == Some(Format::Xlsx))) == 1;
            Ok(MeshSlab { has_unit, ..slab })
        }
    }
}

/// Elements up to which a preview reads an HDF5 file whole.
const SMALL: u64 = 1_000_000;

/// Returns the size and the names of a mesh, and the mesh itself unless it is a large file whose header tells them.
/// **Collective.**
///
/// # Errors
/// As [`file()`].
pub fn preview(comm: &Comm, path: &Path) -> Result<(MeshHeader, Option<MeshSlab>)> {
    if let Reading::Together = recognise(comm, path)? {
        let header = hdf5::header(comm, path)?;
        if header.size.elements > SMALL {
            return Ok((header, None));
        }
    }
    file(comm, path, &()).map(|slab| (MeshHeader::of(&slab), Some(slab)))
}

/// Who reads a file.
enum Reading {
    /// All ranks together: HDF5.
    Together,
    /// Rank 0 for all, which alone knows the format.
    Root(Option<Format>),
}

/// The other ranks do not look at a file that one reads for all. **Collective.**
fn recognise(comm: &Comm, path: &Path) -> Result<Reading> {
    let format = comm.agree(if comm.is_root() { Format::recognise(path).map(Some) } else { Ok(None) })?;
    let is_serial = format.is_some_and(|format| format.parser().is_some());
    let is_serial = comm.broadcast(0, u8::from(is_serial)) == 1;
    Ok(if is_serial { Reading::Root(format) } else { Reading::Together })
}

fn parse(
    comm: &Comm,
    path: &Path,
    format: Format,
    parser: impl Fn(&[u8]) -> std::result::Result<WholeMesh, Flaw>,
) -> Result<WholeMesh> {
    fault_injection::point(comm, "reading");
    let bytes = fs::read(path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() })?;
    let size = bytes.len() as u64;
    work::expect(size, size, work::BYTES);
    parser(&bytes).map_err(|flaw| Error::BadFile { path: path.into(), format: format.name(), flaw: flaw.to_string() })
}
