//! Options of `quad8-mpi partition`.

use std::path::PathBuf;

use clap::Args;

use crate::app::case::ChannelArgs;
use crate::mesh::partition::{PartitionOptions, Partitioner};

/// Largest number of parts: the ranks of the largest machines.
const MOST: i64 = 1 << 20;

/// Options of storing a partition.
#[derive(Debug, Clone, Args)]
pub struct PartitionArgs {
    /// Mesh, as for solve [default: a built-in Y-channel]
    pub(crate) mesh: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) channel: ChannelArgs,

    /// Number of parts: the ranks of the runs that will use it
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST))]
    pub(crate) parts: u32,

    /// File for the partition (HDF5)
    #[arg(short, long, value_name = "PARTS.h5", default_value = "parts.h5")]
    pub(crate) output: PathBuf,

    /// Method that partitions the mesh
    #[arg(long, value_enum, default_value_t = Partitioner::Auto)]
    pub(crate) partitioner: Partitioner,

    /// Seed of METIS
    #[arg(long, default_value_t = PartitionOptions::SEED, value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) seed: i32,

    /// Dataset (E) of an HDF5 mesh with a positive weight for each element (no unit) [default: all
    /// weigh the same]
    #[arg(long, value_name = "DATASET")]
    pub(crate) weights: Option<String>,

    /// Print only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
