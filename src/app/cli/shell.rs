//! Versions, completions and manual page of the command line.

use std::path::Path;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::app::cli::Cli;
use crate::error::{ExitCode, Result};
use crate::io::file::write_error;
use crate::io::record::Libraries;
use crate::system::print;

/// Options of `quad8-mpi completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionArgs {
    /// Shell to complete for
    pub(crate) shell: Shell,
}

/// Returns version, commit and libraries, for --version.
pub fn long_version() -> String {
    let Libraries { mpi, hdf5, metis } = Libraries::in_use();
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("QUAD8_MPI_COMMIT"));
    format!("{version}\ncommit {commit}\nMPI    {mpi}\nHDF5   {hdf5}\nMETIS  {metis}")
}

/// Prints the completions of a shell.
///
/// # Errors
/// A standard output that cannot be written.
pub fn completions(args: &CompletionArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "quad8-mpi", &mut script);
    print(script)?;
    Ok(ExitCode::Success)
}

/// Prints the manual page, in roff.
///
/// # Errors
/// A standard output that cannot be written.
pub fn manual() -> Result<ExitCode> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.map_err(|e| write_error(Path::new("the manual page"), e))?;
    print(page)?;
    Ok(ExitCode::Success)
}
