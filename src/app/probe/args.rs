//! Options of `quad8-mpi probe`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedI64ValueParser;

use crate::system::arguments::finite;

/// Bounds of the number of points on a line.
pub(crate) const POINTS_OF_LINE: [u32; 2] = [2, 10_000_000];
/// Number of points on a line unless another one is given.
pub(crate) const DEFAULT_POINTS: u32 = 100;

/// Options of `quad8-mpi probe`.
#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// Results file of a solve (HDF5)
    #[arg(default_value = "quad8.h5")]
    pub(crate) results: PathBuf,

    /// Point (m); may be repeated
    #[arg(long, value_name = "X,Y", value_parser = point, allow_hyphen_values = true)]
    pub(crate) at: Vec<[f64; 2]>,

    /// Text file with a point on each line: x and y (m), with a comma or a space between; a heading
    /// is optional
    #[arg(long, value_name = "FILE")]
    pub(crate) points: Option<PathBuf>,

    /// Line between two points (m); may be repeated
    #[arg(long, value_name = "X,Y:X,Y", value_parser = line, allow_hyphen_values = true)]
    pub(crate) line: Vec<[[f64; 2]; 2]>,

    /// Number of points on each line, its two ends among them
    #[arg(short = 'n', long, value_name = "N", default_value_t = DEFAULT_POINTS, value_parser = points_of_line())]
    pub(crate) number: u32,

    /// Named boundary, at all its nodes; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) boundary: Vec<String>,

    /// Flow through each boundary instead
    #[arg(long, conflicts_with_all = ["at", "points", "line", "boundary"])]
    pub(crate) flows: bool,

    /// Write the table to this file instead of the standard output
    #[arg(short, long, value_name = "FILE.csv")]
    pub(crate) output: Option<PathBuf>,
}

/// Reads the coordinates of a point.
pub fn point(text: &str) -> Result<[f64; 2], String> {
    let (x, y) = text.split_once(',').ok_or("must be X,Y, as in 0,0.5")?;
    let number = |text: &str| finite(text.trim()).map_err(|cause| format!("'{text}': {cause}"));
    Ok([number(x)?, number(y)?])
}

fn points_of_line() -> RangedI64ValueParser<u32> {
    let [least, most] = POINTS_OF_LINE.map(i64::from);
    clap::value_parser!(u32).range(least..=most)
}

fn line(text: &str) -> Result<[[f64; 2]; 2], String> {
    let (from, to) = text.split_once(':').ok_or("must be X,Y:X,Y, as in 0,0:3,1.2")?;
    Ok([point(from)?, point(to)?])
}
