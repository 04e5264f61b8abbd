//! Sources of a mesh: a built-in mesh or a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::io::mesh::{BUILT_IN, BuiltIn, file, preview};
use crate::mesh::{GivenNames, MeshHeader, MeshSlab};
use crate::parallel::Comm;

/// Source of a mesh. In a case file it is the name of a built-in mesh, or else the path of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum MeshSource {
    /// A built-in mesh.
    BuiltIn(BuiltIn),
    /// A file of any known format.
    File(PathBuf),
}

impl MeshSource {
    /// Interprets an argument: the file of that name if there is one, else the built-in mesh of
    /// that name; without an argument the first built-in mesh. **Collective.**
    pub fn find(comm: &Comm, argument: Option<&Path>) -> Self {
        let Some(path) = argument else { return Self::default() };
        // Rank 0 decides: other ranks may have no access to the file.
        let exists = comm.broadcast(0, u8::from(comm.is_root() && path.exists())) == 1;
        match path.to_str().and_then(BuiltIn::find) {
            Some(mesh) if !exists => Self::BuiltIn(mesh),
            _ => Self::File(path.to_owned()),
        }
    }

    /// Reads this rank's slab. **Collective.**
    ///
    /// # Errors
    /// The mesh cannot be read or is not valid; the same on every rank.
    pub fn read(&self, comm: &Comm) -> Result<MeshSlab> {
        self.read_for(comm, &())
    }

    /// Reads this rank's slab for a case with the names of `given`. **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read), or the case gives two conditions or materials to one part of the
    /// mesh, or takes data that the mesh does not have.
    pub(crate) fn read_for(&self, comm: &Comm, given: &dyn GivenNames) -> Result<MeshSlab> {
        match self {
            Self::BuiltIn(mesh) => match given.data().first() {
                Some(name) => {
                    Err(Error::input(format!("the built-in mesh {} has no data, but k or f is '{name}'", mesh.name)))
                }
                None => mesh.read(comm),
            },
            Self::File(path) => file(comm, path, given),
        }
    }

    /// Reads the size and the names of the mesh, and the mesh itself where that is cheap.
    /// **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn preview(&self, comm: &Comm) -> Result<(MeshHeader, Option<MeshSlab>)> {
        match self {
            Self::BuiltIn(mesh) => mesh.read(comm).map(|slab| (MeshHeader::of(&slab), Some(slab))),
            Self::File(path) => preview(comm, path),
        }
    }

    /// Returns the name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(mesh) => format!("built-in {}", mesh.name),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// Returns the path of a file for changes.
    pub(crate) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

/// Returns the first built-in mesh.
impl Default for MeshSource {
    fn default() -> Self {
        Self::BuiltIn(BUILT_IN[0])
    }
}

impl From<PathBuf> for MeshSource {
    fn from(path: PathBuf) -> Self {
        match path.to_str().and_then(BuiltIn::find) {
            Some(mesh) => Self::BuiltIn(mesh),
            None => Self::File(path),
        }
    }
}

impl From<MeshSource> for PathBuf {
    fn from(source: MeshSource) -> Self {
        match source {
            MeshSource::BuiltIn(mesh) => mesh.name.into(),
            MeshSource::File(path) => path,
        }
    }
}
