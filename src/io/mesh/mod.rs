//! Meshes from files and built-in meshes. All ranks read slabs of an HDF5 file together; rank 0
//! reads Gmsh MSH 4.1, .npz and .xlsx and scatters the mesh. The format is detected from the
//! content, and from the file name where the content fits several formats.

mod builtin;
#[cfg(test)]
pub(crate) mod damaged_inputs;
mod format;
mod format_error;
mod given_names;
pub mod gmsh;
mod hdf5_names;
mod hdf5_reader;
mod hdf5_writer;
mod naming;
pub mod npz;
mod serial_mesh;
mod source;
mod unchanged;
mod weights;
pub mod xlsx;

pub(crate) use builtin::BUILT_IN;
pub use builtin::BuiltIn;
pub(crate) use format::{Format, is_hdf5};
pub use format_error::FormatError;
pub use given_names::GivenNames;
pub(crate) use hdf5_names::{BOUNDARIES, NAME, REGIONS, write_list};
pub(crate) use hdf5_writer::write_mesh;
pub(crate) use naming::Naming;
pub use serial_mesh::SerialMesh;
pub(crate) use serial_mesh::scatter;
pub use source::MeshSource;
pub use weights::read_weights;

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::io::file::open_error;
use crate::io::mesh::unchanged::FileVersion;
use crate::mesh::{MeshHeader, MeshSlab};
use crate::parallel::{Comm, fault_injection, work};
use crate::system::available_memory;

/// Reads a mesh file of any known format. `given` has the names of boundaries and regions with
/// conditions and materials in the case. **Collective.**
///
/// # Errors
/// The file cannot be read, has an unknown format, was changed while it was read, or holds no valid
/// mesh; the same on every rank.
pub fn file(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<MeshSlab> {
    let version = FileVersion::of(comm, path);
    let mesh = parse_file(comm, path, given);
    // This error comes before errors of a mesh that was changed while it was read.
    comm.agree(version.check(comm, path))?;
    mesh
}

fn parse_file(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<MeshSlab> {
    match detect(comm, path)? {
        Reading::Together => hdf5_reader::read(comm, path, given),
        Reading::Root(format) => {
            let parser = format.and_then(|format| Some((format, format.parser()?)));
            let mesh = match parser {
                Some((format, parser)) => parse(comm, path, format, |bytes| parser(bytes, given)),
                None => Ok(SerialMesh::default()),
            };
            let slab = scatter(comm, comm.agree(mesh)?)?;
            let has_unit = comm.broadcast(0, u8::from(format == Some(Format::Xlsx))) == 1;
            Ok(MeshSlab { has_unit, ..slab })
        }
    }
}

/// Largest HDF5 mesh (elements) that a preview reads whole.
const SMALL: u64 = 1_000_000;

/// Reads the size and the names of a mesh, and the mesh itself unless it is a large HDF5 file, for
/// a case with the names of `given`. **Collective.**
///
/// # Errors
/// As [`file()`].
pub(crate) fn preview(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<(MeshHeader, Option<MeshSlab>)> {
    if let Reading::Together = detect(comm, path)? {
        let header = hdf5_reader::header(comm, path, given)?;
        if header.size.elements > SMALL {
            return Ok((header, None));
        }
    }
    file(comm, path, given).map(|slab| (MeshHeader::of(&slab), Some(slab)))
}

/// How a file is read.
enum Reading {
    /// By all ranks together: HDF5.
    Together,
    /// By rank 0, which alone has the format.
    Root(Option<Format>),
}

/// Detects the format of a file on rank 0; the other ranks need no access to it. **Collective.**
fn detect(comm: &Comm, path: &Path) -> Result<Reading> {
    let format = comm.agree(if comm.is_root() { Format::detect(path).map(Some) } else { Ok(None) })?;
    let is_serial = format.is_some_and(|format| format.parser().is_some());
    let is_serial = comm.broadcast(0, u8::from(is_serial)) == 1;
    Ok(if is_serial { Reading::Root(format) } else { Reading::Together })
}

fn parse(
    comm: &Comm,
    path: &Path,
    format: Format,
    parser: impl Fn(&[u8]) -> std::result::Result<SerialMesh, FormatError>,
) -> Result<SerialMesh> {
    fault_injection::point(comm, "reading");
    check_memory(path)?;
    let bytes = fs::read(path).map_err(|e| open_error(path, e))?;
    let size = bytes.len() as u64;
    work::expect(size, size, work::BYTES);
    parser(&bytes).map_err(|flaw| bad_file(path, format.name(), &flaw))
}

/// Refuses a file that one rank cannot hold: its bytes and the mesh in them, which take at least as
/// much.
fn check_memory(path: &Path) -> Result<()> {
    let size = fs::metadata(path).map_err(|e| open_error(path, e))?.len();
    let needed = size.saturating_mul(2);
    let Some(available) = available_memory().filter(|&available| needed > available) else { return Ok(()) };
    let [size, needed, available] = [size, needed, available].map(|bytes| bytes as f64 / 1e9);
    let path = path.display();
    Err(Error::input(format!(
        "{path} has {size:.1} GB: one rank reads it whole, which takes {needed:.1} GB of memory or more, and its host has \
         {available:.1} GB left. Convert it on a host with more: quad8-mpi convert {path} MESH.h5; all ranks read HDF5, \
         each a part"
    )))
}

fn bad_file(path: &Path, format: &str, flaw: &FormatError) -> Error {
    Error::input(format!("{} cannot be used as a {format} mesh: {flaw}", path.display()))
}
