//! Sources of a mesh: a built-in mesh, a channel or a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::io::mesh::{BUILT_IN, BuiltIn, GivenNames, SMALL, file, preview};
use crate::mesh::{Channel, MeshHeader, MeshSlab};
use crate::parallel::Comm;
use crate::system::{did_you_mean, rounded};

/// Source of a mesh. In a case file it is the name of a built-in mesh or of a channel, or else the
/// path of a file; or a table with the name, the dimensions and the size of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub enum MeshSource {
    /// A built-in mesh.
    BuiltIn(BuiltIn),
    /// A channel of blocks.
    Channel(Channel),
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
        if exists { Self::File(path.to_owned()) } else { path.to_owned().into() }
    }

    /// Sets dimensions and the size of a channel; a built-in mesh becomes the channel of that name.
    ///
    /// # Errors
    /// The mesh is no channel, or a value is not valid.
    pub fn set(&mut self, values: &[(&str, f64)]) -> Result<()> {
        let channel = match self {
            _ if values.is_empty() => return Ok(()),
            Self::Channel(channel) => Some(channel.clone()),
            Self::BuiltIn(mesh) => Channel::find(mesh.name),
            Self::File(_) => None,
        };
        let name = self.name();
        let mut channel = channel.ok_or_else(|| not_a_channel(&name))?;
        channel.set(values.iter().copied())?;
        *self = Self::Channel(channel);
        Ok(())
    }

    /// Replaces the number of nodes of a channel by the size of its elements, as
    /// [`Channel::resolve_size`] does.
    pub fn resolve_size(&mut self, refine: Option<u32>) -> Option<u32> {
        match self {
            Self::Channel(channel) => channel.resolve_size(refine),
            Self::BuiltIn(_) | Self::File(_) => None,
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
            Self::BuiltIn(mesh) => without_data(mesh.name, given).and_then(|()| mesh.read(comm)),
            Self::Channel(channel) => without_data(channel.name(), given).and_then(|()| channel.read(comm)),
            Self::File(path) => file(comm, path, given),
        }
    }

    /// Reads the size and the names of the mesh, and the mesh itself where that is cheap, for a
    /// case with the names of `given`. **Collective.**
    ///
    /// # Errors
    /// As [`read_for`](Self::read_for), as far as the header of a large mesh shows.
    pub(crate) fn preview(&self, comm: &Comm, given: &dyn GivenNames) -> Result<(MeshHeader, Option<MeshSlab>)> {
        match self {
            Self::Channel(channel) if channel.size().elements > SMALL => {
                without_data(channel.name(), given).map(|()| (channel.header(), None))
            }
            Self::File(path) => preview(comm, path, given),
            Self::BuiltIn(_) | Self::Channel(_) => {
                self.read_for(comm, given).map(|slab| (MeshHeader::of(&slab), Some(slab)))
            }
        }
    }

    /// Returns the name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(mesh) => format!("built-in {}", mesh.name),
            Self::Channel(channel) => {
                let given = channel.given().map(|(name, value)| format!(" {name}={}", rounded(value, 4)));
                format!("channel {}{}", channel.name(), given.collect::<String>())
            }
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn(_) | Self::Channel(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// Returns the path of a file for changes.
    pub(crate) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::BuiltIn(_) | Self::Channel(_) => None,
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
        let name = path.to_str();
        let built_in = name.and_then(BuiltIn::find).map(Self::BuiltIn);
        built_in.or_else(|| name.and_then(Channel::find).map(Self::Channel)).unwrap_or(Self::File(path))
    }
}

/// Refuses data of a mesh that the program makes.
fn without_data(name: &str, given: &dyn GivenNames) -> Result<()> {
    match given.data().first() {
        Some(data) => Err(Error::input(format!("the built-in mesh {name} has no data, but k or f is '{data}'"))),
        None => Ok(()),
    }
}

fn no_channel(name: &str) -> Error {
    if BuiltIn::find(name).is_some() {
        return not_a_channel(name);
    }
    let channels: Vec<&str> = Channel::list().map(|(name, ..)| name).collect();
    let near = did_you_mean(name, channels.iter().copied());
    Error::input(format!("there is no channel '{name}': {near}the channels are {}", channels.join(", ")))
}

fn not_a_channel(name: &str) -> Error {
    let channels: Vec<&str> = Channel::list().map(|(name, ..)| name).collect();
    Error::input(format!(
        "dimensions and sizes are for channels ({}), not for {name}: --refine makes any mesh finer",
        channels.join(", ")
    ))
}

/// Source of a mesh in a case file.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a text in quotes, or a table with the name of a channel and numbers")]
enum Text {
    Name(PathBuf),
    Channel {
        channel: String,
        #[serde(flatten)]
        values: BTreeMap<String, f64>,
    },
}

impl TryFrom<Text> for MeshSource {
    type Error = Error;

    fn try_from(text: Text) -> Result<Self> {
        match text {
            Text::Name(path) => Ok(path.into()),
            Text::Channel { channel, values } => {
                let mut found = Channel::find(&channel).ok_or_else(|| no_channel(&channel))?;
                found.set(values.iter().map(|(name, value)| (name.as_str(), *value)))?;
                Ok(Self::Channel(found))
            }
        }
    }
}

impl From<MeshSource> for Text {
    fn from(source: MeshSource) -> Self {
        match source {
            MeshSource::BuiltIn(mesh) => Self::Name(mesh.name.into()),
            MeshSource::Channel(channel) => {
                let values = channel.given().map(|(name, value)| (name.to_owned(), value)).collect();
                Self::Channel { channel: channel.name().to_owned(), values }
            }
            MeshSource::File(path) => Self::Name(path),
        }
    }
}
