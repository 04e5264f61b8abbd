//! Where a mesh comes from: a built-in one, or a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::io::mesh::{BUILT_IN, BuiltIn, file, preview};
use crate::mesh::{GivenNames, MeshHeader, MeshSlab};
use crate::parallel::Comm;

/// Where a mesh comes from. In a case file it is the name of a built-in mesh, or
/// else the path of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum MeshSource {
    /// A mesh in the program itself.
    BuiltIn(BuiltIn),
    /// A file of any format that can be read.
    File(PathBuf),
}

impl MeshSource {
    /// What an argument means: the file of that name if there is one, else the
    /// built-in mesh of that name; without an argument the first built-in mesh.
    /// **Collective.**
    pub fn find(comm: &Comm, argument: Option<&Path>) -> Self {
        let Some(path) = argument else { return Self::default() };
        // One rank looks: others may not see the file.
        let exists = comm.broadcast(0, u8::from(comm.is_root() && path.exists())) == 1;
        match path.to_str().and_then(BuiltIn::find) {
            Some(mesh) if !exists => Self::BuiltIn(mesh),
            _ => Self::File(path.to_owned()),
        }
    }

    /// Reads this rank's slab. **Collective.**
    ///
    /// # Errors
    /// Whatever is wrong with the file, the same on every rank.
    pub fn read(&self, comm: &Comm) -> Result<MeshSlab> {
        self.read_for(comm, &())
    }

    /// Reads this rank's slab for a case. **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read), and where the case gives two conditions or materials to one part of the mesh.
    pub fn read_for(&self, comm: &Comm, given: &dyn GivenNames) -> Result<MeshSlab> {
        match self {
            Self::BuiltIn(mesh) => mesh.read(comm),
            Self::File(path) => file(comm, path, given),
        }
    }

    /// Returns the size and the names of the mesh, and the mesh itself where reading it costs little. **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn preview(&self, comm: &Comm) -> Result<(MeshHeader, Option<MeshSlab>)> {
        match self {
            Self::BuiltIn(mesh) => mesh.read(comm).map(|slab| (MeshHeader::of(&slab), Some(slab))),
            Self::File(path) => preview(comm, path),
        }
    }

    /// The name to show.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(mesh) => format!("built-in {}", mesh.name),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// The file, if it is one, to be changed.
    pub fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

/// The first built-in mesh.
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
