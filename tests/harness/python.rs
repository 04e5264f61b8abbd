//! Python, where the machine has it with what a test wants.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn python() -> Command {
    Command::new(std::env::var_os("QUAD8_MPI_PYTHON").unwrap_or_else(|| "python3".into()))
}

/// Returns the folder of the Python that the environment names, where its packages have their commands.
pub fn folder() -> Option<PathBuf> {
    PathBuf::from(std::env::var_os("QUAD8_MPI_PYTHON")?).parent().map(Path::to_owned)
}

/// Whether Python can import these modules.
pub fn has(modules: &str) -> bool {
    let status =
        python().args(["-c", &format!("import {modules}")]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Says how to get these modules, if Python cannot import them.
pub fn missing(modules: &str) -> Option<&'static str> {
    (!has(modules)).then_some("no VTK, pyvista, meshio, h5py or matplotlib: tests/harness/readers.sh installs them")
}

/// Returns ParaView's Python, where `QUAD8_MPI_PVPYTHON` names one.
fn paraview() -> Option<OsString> {
    std::env::var_os("QUAD8_MPI_PVPYTHON").filter(|name| !name.is_empty())
}

/// Says how to get ParaView's Python, where no variable names one.
pub fn missing_paraview() -> Option<&'static str> {
    paraview().is_none().then_some("no ParaView: tests/harness/paraview.sh unpacks it, and QUAD8_MPI_PVPYTHON names it")
}

/// Runs Python, which must succeed, in a folder and returns what it printed.
pub fn run(args: &[&str], folder: &Path) -> String {
    run_command(python().args(args).env("MPLBACKEND", "Agg"), folder)
}

/// Runs ParaView's Python as [`run`] runs Python.
pub fn run_paraview(args: &[&str], folder: &Path) -> String {
    run_command(Command::new(paraview().expect("QUAD8_MPI_PVPYTHON")).args(args), folder)
}

fn run_command(command: &mut Command, folder: &Path) -> String {
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
