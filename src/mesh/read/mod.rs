//! Reading meshes: HDF5 in slabs by all ranks together; Gmsh MSH 4.1, .npz and
//! .xlsx by rank 0, which deals them out. What a file is, its content says;
//! its name counts only where the content does not tell.

mod flaw;
mod format;
pub mod gmsh;
mod hdf5;
pub mod hdf5_tags;
pub mod npz;
#[cfg(test)]
mod smoke;
mod whole;
pub mod xlsx;

pub use flaw::Flaw;
pub use format::{Format, is_hdf5};
pub use whole::{WholeMesh, deal};

use std::fs;
use std::path::Path;

use super::{MeshSize, MeshSlab};
use crate::error::{Error, Result};
use crate::parallel::Comm;
use format::Parser;

/// Reads a mesh file of any known format. **Collective.**
///
/// # Errors
/// [`Error::Open`], [`Error::UnknownFormat`], [`Error::BadFile`], those of the
/// HDF5 reader and of [`MeshSlab::new`]; the same on every rank.
pub fn file(comm: &Comm, path: &Path) -> Result<MeshSlab> {
    match recognise(comm, path)? {
        Reading::Together => hdf5::read(comm, path),
        Reading::Root(format) => {
            let parser = format.and_then(|format| Some((format, format.parser()?)));
            let mesh = parser.map_or_else(|| Ok(WholeMesh::default()), |(format, parser)| parse(path, format, parser));
            deal(comm, comm.agree(mesh)?)
        }
    }
}

/// The size of a mesh, from the header alone where that tells it. **Collective.**
///
/// # Errors
/// As [`file()`].
pub fn size(comm: &Comm, path: &Path) -> Result<MeshSize> {
    match recognise(comm, path)? {
        Reading::Together => hdf5::size(comm, path),
        Reading::Root(_) => file(comm, path).map(|slab| MeshSize::of(&slab)),
    }
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

fn parse(path: &Path, format: Format, parser: Parser) -> Result<WholeMesh> {
    let bytes = fs::read(path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() })?;
    parser(&bytes).map_err(|flaw| Error::BadFile { path: path.into(), format: format.name(), flaw })
}
