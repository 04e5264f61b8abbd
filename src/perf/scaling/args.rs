//! Options of `quad8-mpi report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of `quad8-mpi report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Run records (solve --json) and records of the memory bandwidth (bench stream --json), in any
    /// order
    #[arg(required = true, value_name = "RUN.json")]
    pub(crate) runs: Vec<PathBuf>,

    /// One problem on ever more cores [default: what the runs look like]
    #[arg(long, conflicts_with = "weak")]
    pub(crate) strong: bool,

    /// A problem that grows with the cores [default: what the runs look like]
    #[arg(long)]
    pub(crate) weak: bool,

    /// Which table: of the scaling, of the stages of each run, or of an iteration
    #[arg(long, value_enum, default_value_t = ReportTable::Scaling)]
    pub(crate) table: ReportTable,

    /// How the table is written
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,

    /// Put beside it what the Numba program claims for its threads
    #[arg(long)]
    pub(crate) claims: bool,

    /// Write the table to this file [default: print it]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Also draw the speed-up, as PNG or SVG
    #[arg(long, value_name = "OUT.png")]
    pub(crate) plot: Option<PathBuf>,

    /// Width of the picture, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1600, value_parser = clap::value_parser!(u32).range(200..=20_000))]
    pub(crate) width: u32,
}

/// Tables of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportTable {
    /// Per stage: time, speed-up, efficiency, imbalance, share of communication, messages and bytes
    Scaling,
    /// Per run: assembly, setup and iterations, recovery, total, number of iterations, peak memory,
    /// start-up
    Stages,
    /// Per run: time of an iteration, bytes moved and their share of the memory bandwidth, messages
    /// and sums
    Iteration,
}

/// Format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// In columns
    Text,
    /// Markdown
    Md,
    /// Comma-separated values
    Csv,
    /// All tables and charts as one page for a browser
    Html,
}
