//! Options of `quad8-mpi view`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::plot::view::Bounds;

/// Options of `quad8-mpi view`.
#[derive(Debug, Clone, Args)]
pub struct ViewArgs {
    /// Results file of a solve (HDF5)
    #[arg(default_value = "quad8.h5")]
    pub(crate) results: PathBuf,

    /// Run records (written by --json), to show convergence, stages, levels and what limited the
    /// run
    #[arg(value_name = "RUN.json")]
    pub(crate) runs: Vec<PathBuf>,

    /// The page [default: the results with the extension html]
    #[arg(short, long, value_name = "OUT.html")]
    output: Option<PathBuf>,

    /// Show this part of the plane only (m), in more detail
    #[arg(long, value_name = "X0,Y0,X1,Y1", allow_hyphen_values = true)]
    pub(crate) window: Option<Bounds>,

    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl ViewArgs {
    /// Returns the path of the page.
    pub(crate) fn output(&self) -> PathBuf {
        self.output.clone().unwrap_or_else(|| self.results.with_extension("html"))
    }

    /// Iterates over the files that are read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.runs.iter().chain([&self.results]).map(PathBuf::as_path)
    }
}
