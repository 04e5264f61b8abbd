//! Options of `quad8-mpi check`.

use std::path::PathBuf;

use clap::Args;

/// Options of a check.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Mesh file, the name of a built-in mesh, or a case file (.toml), which is checked with its mesh
    #[arg(value_name = "CASE.toml|MESH")]
    pub mesh: PathBuf,

    /// Also write what was found to this file; - prints it, and nothing else
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}
