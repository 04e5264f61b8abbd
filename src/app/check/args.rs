//! Options of `quad8-mpi check`.

use std::path::PathBuf;

use clap::Args;

use crate::app::case::ChannelArgs;
use crate::system::arguments::positive;

/// Options of a check.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Mesh file, the name of a built-in mesh, or a case file (.toml), which is checked with its
    /// mesh
    #[arg(value_name = "CASE.toml|MESH")]
    pub(crate) mesh: PathBuf,

    #[command(flatten)]
    pub(crate) channel: ChannelArgs,

    /// Multiply the coordinates of the mesh by this factor, as in --scale 0.001 for a mesh in
    /// millimetres [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) scale: Option<f64>,

    /// Also write the report to this file as JSON; - prints the JSON alone
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
