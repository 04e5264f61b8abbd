//! Options of `quad8-mpi model`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::io::mesh::{BUILT_IN, BuiltIn};
use crate::system::arguments::{finite, positive};

/// Options of the performance model.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// Built-in mesh whose refinements are split
    #[arg(default_value = BUILT_IN[0].name, value_parser = mesh_name)]
    pub(crate) mesh: BuiltIn,

    /// Unknowns of one rank: weak scaling
    #[arg(long, value_name = "N", default_value_t = 250_000.0, value_parser = positive)]
    pub(crate) unknowns_per_rank: f64,

    /// Unknowns of all ranks together: strong scaling
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "unknowns_per_rank")]
    pub(crate) unknowns: Option<f64>,

    /// Most ranks
    #[arg(long, value_name = "P", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    pub(crate) ranks: u32,

    /// A cluster by name; the options below override its numbers
    #[arg(long, value_enum, default_value_t = Cluster::Ib100)]
    pub(crate) cluster: Cluster,

    /// Latency of a message, in microseconds
    #[arg(long, value_name = "US", value_parser = positive)]
    pub(crate) latency: Option<f64>,

    /// Work of a rank for each of its messages, in microseconds
    #[arg(long, value_name = "US", value_parser = finite)]
    pub(crate) overhead: Option<f64>,

    /// Bandwidth of a node's network, in Gbit/s
    #[arg(long, value_name = "B", value_parser = positive)]
    pub(crate) bandwidth: Option<f64>,

    /// Bandwidth of half of the nodes together over that between the two halves of the network
    #[arg(long, value_name = "T", default_value_t = 1.0, value_parser = positive)]
    pub(crate) taper: f64,

    /// Ranks that share the bandwidth of a node
    #[arg(long, value_name = "R", value_parser = positive)]
    pub(crate) ranks_per_node: Option<f64>,

    /// Bandwidth of the file system, in GB/s
    #[arg(long, value_name = "B", value_parser = positive)]
    pub(crate) file_system: Option<f64>,

    /// Run records (--json of a solve) of a full node that set the speed of a rank; of several
    /// equal runs the median counts [default: that of a core of an EPYC]
    #[arg(long, value_name = "RUN.json", num_args = 1..)]
    pub(crate) record: Vec<PathBuf>,

    /// Records of `bench stream` on the machine of that run, with as many ranks as the run and as
    /// those that are compared: data transfer is scaled by the measured bandwidth of a rank
    #[arg(long, value_name = "STREAM.json", num_args = 1.., requires = "record")]
    pub(crate) stream: Vec<PathBuf>,

    /// Records of `bench messages` with as many ranks as those that are compared, which then
    /// replace the numbers of the cluster
    #[arg(long, value_name = "MESSAGES.json", num_args = 1.., requires = "compare")]
    pub(crate) messages: Vec<PathBuf>,

    /// Cores of a host, which more ranks than that share in the runs that are compared [default: as
    /// many as ranks]
    #[arg(long, value_name = "C", requires = "compare", value_parser = positive)]
    pub(crate) cores: Option<f64>,

    /// Leave work out and only compare, with runs on a simulated network
    #[arg(long, requires = "compare", conflicts_with_all = ["record", "output"])]
    pub(crate) network: bool,

    /// Run records to compare the model with, too
    #[arg(long, value_name = "RUN.json", num_args = 1..)]
    pub(crate) compare: Vec<PathBuf>,

    /// Fewest unknowns a rank, in the mean, on aggregated levels, which otherwise move to fewer
    /// ranks [default: as the solver does]
    #[arg(long, value_name = "N", value_parser = finite)]
    pub(crate) fewest: Option<f64>,

    /// Picture of the efficiency (.png or .svg)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Width of the picture, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1200, value_parser = width)]
    pub(crate) width: u32,

    /// Also write all numbers to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn width(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|width| (200..=20_000).contains(width)).ok_or("must be 200 to 20000 pixels")
}

fn mesh_name(name: &str) -> Result<BuiltIn, String> {
    let names = BUILT_IN.map(|mesh| mesh.name).join(", ");
    BuiltIn::find(name).ok_or_else(|| format!("the built-in meshes are {names}"))
}

/// Clusters with numbers in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cluster {
    /// 100 Gbit/s, 2 us, 0.3 us of work for each message, nodes of 64 ranks, files at 100 GB/s
    Ib100,
    /// 10 Gbit/s, 20 us, 5 us of work for each message (TCP), nodes of 16 ranks, files at 1 GB/s
    Ethernet10,
}

impl Cluster {
    /// Returns latency (us), work for a message (us), bandwidth of a node (Gbit/s), ranks of a node
    /// and bandwidth of the file system (GB/s).
    pub fn numbers(self) -> [f64; 5] {
        match self {
            Self::Ib100 => [2.0, 0.3, 100.0, 64.0, 100.0],
            Self::Ethernet10 => [20.0, 5.0, 10.0, 16.0, 1.0],
        }
    }
}
