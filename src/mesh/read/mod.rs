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

use super::MeshSlab;
use crate::error::{Error, Result};
use crate::parallel::Comm;
use format::Parser;

/// Reads a mesh file of any known format. **Collective.**
///
/// # Errors
/// [`Error::Open`], [`Error::UnknownFormat`], [`Error::BadFile`], those of the
/// HDF5 reader and of [`MeshSlab::new`]; the same on every rank.
pub fn file(comm: &Comm, path: &Path) -> Result<MeshSlab> {
    let format = comm.agree(if comm.is_root() { Format::recognise(path) } else { Ok(Format::Hdf5) })?;
    // The other ranks do not look at a file that one reads for all.
    let is_serial = comm.broadcast(0, u8::from(format.parser().is_some())) == 1;
    if !is_serial {
        return hdf5::read(comm, path);
    }
    let mesh = format.parser().map_or_else(|| Ok(WholeMesh::default()), |parser| parse(path, format, parser));
    deal(comm, comm.agree(mesh)?)
}

fn parse(path: &Path, format: Format, parser: Parser) -> Result<WholeMesh> {
    let bytes = fs::read(path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() })?;
    parser(&bytes).map_err(|flaw| Error::BadFile { path: path.into(), format: format.name(), flaw })
}
