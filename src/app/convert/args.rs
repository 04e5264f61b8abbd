//! Options of `quad8-mpi convert`.

use std::path::PathBuf;

use clap::Args;

use crate::app::case::ChannelArgs;
use crate::system::arguments::positive;

/// Options of `quad8-mpi convert`.
#[derive(Debug, Clone, Args)]
pub struct ConvertArgs {
    /// Mesh of any format that solve reads; for a table, a results file (HDF5)
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,

    /// HDF5 mesh (.h5), or results as .csv (two files, OUT_nodes.csv and OUT_elements.csv), .npz or
    /// .xlsx
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,

    /// Multiply the coordinates of the mesh by this factor, as in --scale 0.001 for a mesh in
    /// millimetres [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) scale: Option<f64>,

    #[command(flatten)]
    pub(crate) channel: ChannelArgs,

    /// Print only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
