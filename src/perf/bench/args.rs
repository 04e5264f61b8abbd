//! Options of `quad8-mpi bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::parallel::MOST_THREADS;
use crate::system::arguments::finite;

/// Options of `quad8-mpi bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// The measurement.
    #[command(subcommand)]
    pub what: Benchmark,
}

/// Measurements.
#[derive(Debug, Clone, Subcommand)]
pub enum Benchmark {
    /// Memory bandwidth of all ranks and threads together, by the copy and the triad of STREAM
    Stream(StreamArgs),
    /// Time of messages between all ranks: latency, overhead and bandwidth of an exchange with
    /// neighbours, and a sum
    Messages(MessagesArgs),
}

/// Options of the bandwidth measurement.
#[derive(Debug, Clone, Args)]
pub struct StreamArgs {
    /// Size of each of the three arrays on each host, shared by its ranks, in MiB [default: four
    /// times the last-level caches of the host]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) size: Option<u64>,

    /// Runs of each kernel; the best counts
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) repeats: u32,

    /// Threads per rank [default: as for a solve]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_THREADS)))]
    pub(crate) threads: Option<u16>,

    /// Also write the result as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Print only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Options of the measurement of messages.
#[derive(Debug, Clone, Args)]
pub struct MessagesArgs {
    /// Work of each rank before each exchange, in microseconds, which is not part of the result:
    /// where ranks share cores they wait for a core
    #[arg(long, value_name = "US", default_value_t = 0.0, value_parser = work)]
    pub(crate) work: f64,

    /// Measurements of each kind; the median counts
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) repeats: u32,

    /// Also write the result as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Print only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn work(text: &str) -> Result<f64, &'static str> {
    finite(text).and_then(|work| if (0.0..=1e6).contains(&work) { Ok(work) } else { Err("must be 0 to 1000000") })
}
