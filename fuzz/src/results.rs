//! Results files.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

use clap::Parser;
use quad8_mpi::app::checkpoint::Interrupts;
use quad8_mpi::app::cli::{Cli, Command};
use quad8_mpi::app::solve;
use quad8_mpi::parallel::Comm;
use quad8_mpi::plot;

use super::{changed, files};

/// What pictures are made of.
const DATASETS: &[&str] = &["x", "y", "quad8", "u", "abs_vel_node", "pressure_node", "vel_node", "partition", "error"];
const FIELDS: [&str; 5] = ["speed", "pressure", "u", "partition", "error"];

/// The results of a small mesh.
fn results(comm: &Rc<Comm>) -> &'static Path {
    static RESULTS: OnceLock<PathBuf> = OnceLock::new();
    RESULTS.get_or_init(|| {
        let path = files::temporary("results.h5");
        let mesh = files::repository("tests/data/meshes/names.h5");
        let words = ["quad8-mpi", "--threads", "1", "--quiet", "--output"].map(Path::new);
        let Command::Solve(args) =
            Cli::parse_from(words.into_iter().chain([path.as_path(), mesh.as_path()])).into_command()
        else {
            unreachable!("a mesh is to be solved")
        };
        let interrupts = Interrupts::watch(None).expect("signals can be watched");
        solve::solve(comm, &args, &interrupts).expect("the mesh can be solved");
        path
    })
}

/// Draws a field. No file may make that panic or take memory beyond its size.
pub fn read(comm: &Rc<Comm>, bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let field = FIELDS[usize::from(choice) % FIELDS.len()];
    changed::with_changed_file(comm, results(comm), [DATASETS, &[]], bytes, |_, path| {
        let picture = files::temporary("picture.svg");
        let words = ["quad8-mpi", "plot", "--field", field, "--width", "200", "--mesh", "--arrows", "--streamlines"];
        let words = words.iter().chain(&["--contours", "3", "--quiet", "--output"]).map(Path::new);
        let Command::Plot(args) = Cli::parse_from(words.chain([picture.as_path(), path])).into_command() else {
            unreachable!("a picture is to be drawn")
        };
        let _ = plot::plot(&args);
    });
}
