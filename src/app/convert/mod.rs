//! `quad8-mpi convert`: a mesh as HDF5, or results in the formats of the Python programs.

mod args;

pub use args::ConvertArgs;

use std::path::Path;
use std::rc::Rc;

use crate::app::case::find_case;
use crate::error::{Error, ExitCode, Result};
use crate::io::console::Console;
use crate::io::file::{Lock, probe, refuse_input, refuse_other_than_hdf5, resolve_symlink};
use crate::io::mesh::{GivenNames, write_mesh};
use crate::io::results::{ExportFormat, ResultsReader};
use crate::mesh::MeshSlab;
use crate::parallel::Comm;
use crate::system::plural;

/// Converts a mesh or results to the format of the extension of the output. **Collective.**
///
/// # Errors
/// The extension is unknown, the input cannot be read, or the output cannot be written; the same on
/// every rank.
pub fn convert(comm: &Rc<Comm>, args: &ConvertArgs) -> Result<ExitCode> {
    let console = Console::new(comm.is_root() && !args.quiet);
    let output = resolve_symlink(&args.output);
    match format(&output)? {
        None => mesh(comm, args, &output, &console)?,
        Some(format) => {
            if let Some(option) = args.scale.map(|_| "--scale").or(args.channel.first_given()) {
                return Err(Error::input(format!("{option} changes a mesh: the output is no mesh (.h5)")));
            }
            comm.agree(if comm.is_root() { table(&args.input, &output, format) } else { Ok(()) })?;
            let files: Vec<String> = format.files(&output).iter().map(|path| path.display().to_string()).collect();
            console.line("files", &files.join(", "));
        }
    }
    Ok(ExitCode::Success)
}

/// Returns the format of results that the extension means; none for a mesh.
fn format(output: &Path) -> Result<Option<ExportFormat>> {
    match output.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase().as_str() {
        "h5" | "hdf5" | "hdf" => Ok(None),
        "csv" => Ok(Some(ExportFormat::Csv)),
        "npz" => Ok(Some(ExportFormat::Npz)),
        "xlsx" => Ok(Some(ExportFormat::Xlsx)),
        _ => Err(Error::input(format!(
            "{}: the ending of the output must be .h5 for a mesh, or .csv, .npz or .xlsx for results",
            output.display()
        ))),
    }
}

/// Writes a mesh. **Collective.**
fn mesh(comm: &Comm, args: &ConvertArgs, output: &Path, console: &Console) -> Result<()> {
    let case = find_case(comm, Some(&args.input), &args.channel, Some(0))?;
    let (source, scale) = (case.mesh, args.scale.or(case.scale));
    let lock = || {
        refuse_input(output, source.path())?;
        refuse_other_than_hdf5(output)?;
        let lock = Lock::new(output)?;
        probe(output)?;
        Ok(Some(lock))
    };
    let _lock = comm.agree(if comm.is_root() { lock() } else { Ok(None) })?;
    let mut slab = source.read_for(comm, &AllData)?.scaled(comm, scale);
    let dropped = drop_unwritable(&mut slab);
    slab.has_unit |= scale.is_some();
    console.warn(&slab.warnings);
    console.warn(&dropped);
    write_mesh(comm, output, &slab)?;
    let [elements, nodes] = [(slab.elements.total(), "element"), (slab.nodes.total(), "node")];
    console
        .line("mesh", &format!("{}: {}, {}", source.name(), plural(elements.0, elements.1), plural(nodes.0, nodes.1)));
    let names = [("boundaries", &slab.tags.boundary_names), ("regions", &slab.tags.region_names)];
    let data: Vec<String> = slab.data.iter().map(|data| data.name.clone()).collect();
    for (what, names) in names.into_iter().chain([("data", &data)]).filter(|(_, names)| !names.is_empty()) {
        console.line(what, &names.join(", "));
    }
    console.line("files", &output.display().to_string());
    Ok(())
}

/// Conversion of a mesh with all its data.
struct AllData;

impl GivenNames for AllData {
    fn takes_all_data(&self) -> bool {
        true
    }
}

/// Drops data whose names are those of the mesh itself or no names of datasets, and returns the
/// warnings.
fn drop_unwritable(slab: &mut MeshSlab) -> Vec<String> {
    let is_writable = |name: &str| {
        !["", ".", "..", "x", "y", "quad8", "boundaries", "regions"].contains(&name) && !name.contains(['/', '\0'])
    };
    let (kept, dropped): (Vec<_>, Vec<_>) = slab.data.drain(..).partition(|data| is_writable(&data.name));
    slab.data = kept;
    dropped.iter().map(|data| format!("data '{}' are left out: no dataset can have this name", data.name)).collect()
}

/// Writes results in another format, on one rank.
fn table(input: &Path, output: &Path, format: ExportFormat) -> Result<()> {
    format.files(output).iter().try_for_each(|file| refuse_input(file, [input]))?;
    format.write(&ResultsReader::open(input)?, output)
}
