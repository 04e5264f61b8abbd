//! Runs Python and ParaView's Python, where the machine has them with the modules of a test.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the Python of the tests.
pub fn path() -> PathBuf {
    std::env::var_os("QUAD8_MPI_PYTHON").unwrap_or_else(|| "python3".into()).into()
}

/// Returns Python with the package of this project.
fn python() -> Command {
    let mut python = Command::new(path());
    python.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/python"));
    python
}

/// Returns the folder of the Python that QUAD8_MPI_PYTHON names, which holds the commands of its
/// packages.
pub fn folder() -> Option<PathBuf> {
    PathBuf::from(std::env::var_os("QUAD8_MPI_PYTHON")?).parent().map(Path::to_owned)
}

/// Returns whether Python can import these modules.
pub fn has(modules: &str) -> bool {
    let status =
        python().args(["-c", &format!("import {modules}")]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Returns how to install these modules, if Python cannot import them.
pub fn missing(modules: &str) -> Option<&'static str> {
    (!has(modules))
        .then_some("no VTK, pyvista, meshio, h5py, SciPy or matplotlib: tests/harness/readers.sh installs them")
}

/// Returns ParaView's Python, where `QUAD8_MPI_PVPYTHON` names one.
fn paraview() -> Option<OsString> {
    std::env::var_os("QUAD8_MPI_PVPYTHON").filter(|name| !name.is_empty())
}

/// Returns how to install ParaView, if QUAD8_MPI_PVPYTHON does not name its Python.
pub fn missing_paraview() -> Option<&'static str> {
    paraview().is_none().then_some("no ParaView: tests/harness/paraview.sh unpacks it, and QUAD8_MPI_PVPYTHON names it")
}

/// Runs Python in a folder, which must succeed, and returns its output.
pub fn run(args: &[&str], folder: &Path) -> String {
    run_command(python().args(args).env("MPLBACKEND", "Agg"), folder)
}

/// Runs ParaView's Python like [`run`].
pub fn run_paraview(args: &[&str], folder: &Path) -> String {
    run_command(Command::new(paraview().expect("QUAD8_MPI_PVPYTHON")).args(args), folder)
}

fn run_command(command: &mut Command, folder: &Path) -> String {
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
