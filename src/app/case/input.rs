//! Finds the case file or the mesh that an argument names.

use std::path::Path;

use crate::app::case::{Case, ChannelArgs};
use crate::error::{Error, Result};
use crate::io::file::open_error;
use crate::io::mesh::{BUILT_IN, MeshSource};
use crate::mesh::Channel;
use crate::parallel::Comm;
use crate::system::nearest;

/// Returns whether an argument names a case file.
pub fn is_case(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// Returns the case of a case file, or the default case on a mesh, with the options of a channel.
/// `refine` is the number of refinements on the command line. **Collective.**
///
/// # Errors
/// Those of [`Case::read`]; a missing file whose name is near to another one; options that the mesh
/// does not take.
pub fn find_case(comm: &Comm, input: Option<&Path>, channel: &ChannelArgs, refine: Option<u32>) -> Result<Case> {
    let mut case = match input {
        Some(path) if is_case(path) => Case::read(comm, path)?,
        path => Case { mesh: MeshSource::find(comm, path), ..Case::default() },
    };
    comm.agree(match case.mesh.path() {
        Some(path) if comm.is_root() => suggest_for_missing(path),
        _ => Ok(()),
    })?;
    case.mesh.set(&channel.values())?;
    let wanted = refine.or((case.refine > 0).then_some(case.refine));
    let chosen = case.mesh.resolve_size(wanted);
    case.refine = wanted.or(chosen).unwrap_or(case.refine);
    Ok(case)
}

/// Names of the subcommands, which a missing file may be near to.
pub(crate) const SUBCOMMANDS: [&str; 14] = [
    "solve",
    "case",
    "check",
    "meshes",
    "partition",
    "convert",
    "plot",
    "view",
    "probe",
    "report",
    "bench",
    "model",
    "completions",
    "man",
];

fn suggest_for_missing(path: &Path) -> Result<()> {
    let meshes = BUILT_IN.iter().map(|mesh| mesh.name).chain(Channel::list().map(|(name, ..)| name));
    let known = SUBCOMMANDS.into_iter().chain(meshes);
    let near = path.file_name().and_then(|name| nearest(name.to_str()?, known));
    let Some(near) = near.filter(|_| !path.exists()) else { return Ok(()) };
    Err(if SUBCOMMANDS.contains(&near) {
        Error::input(format!("'{}' is neither a file nor a subcommand: did you mean {near}?", path.display()))
    } else {
        open_error(path, format!("No such file or directory; did you mean {near}?"))
    })
}
