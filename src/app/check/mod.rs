//! `quad8-mpi check`: all errors and warnings of a mesh, without a solve, which would end at the
//! first error.

mod args;
mod report;
mod survey;

pub use args::CheckArgs;
pub(crate) use report::{AspectRatio, Boundary, MeshReport, Quality, Region, Report};

use std::path::Path;
use std::rc::Rc;

use crate::app::case::{find_case, is_case};
use crate::error::{ExitCode, Result};
use crate::io::mesh::{BUILT_IN, Naming};
use crate::io::record::{is_stdout, write_json};
use crate::mesh::Channel;
use crate::parallel::Comm;
use crate::system::print;

/// Checks a mesh, or a case with its mesh, and prints the report. **Collective.**
///
/// # Errors
/// A file that cannot be read or written, or a case file that cannot be parsed. The report contains
/// the errors of the mesh and of the case on it.
pub fn check(comm: &Rc<Comm>, args: &CheckArgs) -> Result<ExitCode> {
    let mut case = find_case(comm, Some(&args.mesh), &args.channel, None)?;
    case.scale = args.scale.or(case.scale);
    let source = &case.mesh;
    let report = match source.read_for(comm, &case).map(|slab| slab.scaled(comm, case.scale)) {
        Ok(mut slab) => survey::survey(comm, &case, is_case(&args.mesh), &mut slab)?,
        Err(error) if error.exit_code() == ExitCode::Input => {
            Report::refused(source.name(), &Naming::new(source).explain(comm, error))
        }
        Err(error) => return Err(error),
    };
    comm.agree(if comm.is_root() { deliver(&report, args.json.as_deref()) } else { Ok(()) })?;
    Ok(if report.errors.is_empty() { ExitCode::Success } else { ExitCode::Input })
}

fn deliver(report: &Report, json: Option<&Path>) -> Result<()> {
    match json {
        Some(path) if is_stdout(path) => return write_json(path, report),
        Some(path) => write_json(path, report)?,
        None => (),
    }
    print(report.to_string())
}

/// Prints the built-in meshes, on rank 0. **Collective.**
///
/// # Errors
/// A built-in mesh that is damaged in this build; a standard output that cannot be written; the
/// same on every rank.
pub fn list_meshes(comm: &Comm) -> Result<ExitCode> {
    comm.agree(if comm.is_root() { describe_meshes().and_then(print) } else { Ok(()) })?;
    Ok(ExitCode::Success)
}

fn describe_meshes() -> Result<String> {
    let mut text = format!("{:<14} {:>8} {:>8}  {:<40} what\n", "name", "elements", "nodes", "boundaries");
    for built_in in BUILT_IN {
        let mut mesh = built_in.parse()?;
        mesh.tags.boundary_names.sort();
        let boundaries = mesh.tags.boundary_names.join(", ");
        let (elements, nodes) = (mesh.elements.len(), mesh.coordinates.len());
        text += &format!("{:<14} {elements:>8} {nodes:>8}  {boundaries:<40} {}\n", built_in.name, built_in.description);
    }
    text += "\nAny of them at any size: quad8-mpi NAME --refine K has 4^K times the elements.\n\n";
    text += "Channels of other dimensions (m, degrees) and sizes: quad8-mpi NAME --set NAME=VALUE --nodes N\n";
    for (name, description, parameters) in Channel::list() {
        text += &format!("  {name:<14} {description}\n                 {parameters}\n");
    }
    Ok(text)
}

/// Largest number of errors of one kind in a report.
const MOST: usize = 10;
