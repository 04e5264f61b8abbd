//! Meshes inside the program.

use super::MeshSlab;
use super::gmsh;
use crate::error::Result;
use crate::parallel::Comm;

/// Made from meshes/y-channel.geo.
const Y_CHANNEL: &[u8] = include_bytes!("../../meshes/y-channel.msh");

/// The name of [`y_channel`] in case files.
pub const Y_CHANNEL_NAME: &str = "y-channel";

/// The default problem's mesh: a channel of 3.0 x 1.2 m with half-disc reliefs
/// on both walls and a divider with a rounded nose. Every rank reads the bytes
/// that it carries itself and keeps its slab. **Collective.**
///
/// # Errors
/// [`Error::BuiltIn`](crate::Error::BuiltIn) if the program was built with a damaged mesh.
pub fn y_channel(comm: &Comm) -> Result<MeshSlab> {
    let mesh = comm.agree(gmsh::parse(Y_CHANNEL))?;
    MeshSlab::generate(
        comm,
        mesh.coordinates.len() as u64,
        mesh.elements.len() as u64,
        |node| mesh.coordinates[node as usize],
        |element| mesh.elements[element as usize],
    )
}
