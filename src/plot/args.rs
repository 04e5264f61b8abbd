//! Options of `quad8-mpi plot`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::plot::colour_range::ColourRange;
use crate::plot::view::Bounds;
use crate::system::arguments::{positive, value_name};

/// Options of `quad8-mpi plot`.
#[derive(Debug, Clone, Args)]
pub struct PlotArgs {
    /// Results file of a solve (HDF5)
    #[arg(default_value = "quad8.h5")]
    results: PathBuf,

    /// Draw the convergence in this run record (written by --json) instead
    #[arg(long, value_name = "RUN.json", conflicts_with_all = [
        "results", "field", "contours", "mesh", "arrows", "streamlines", "window", "range", "stretch", "minus",
    ])]
    pub(crate) residuals: Option<PathBuf>,

    /// The picture, PNG or SVG by its extension [default: the input with the extension png]
    #[arg(short, long, value_name = "OUT.png")]
    pub(crate) output: Option<PathBuf>,

    /// What the colours show
    #[arg(long, value_enum, default_value_t = PlotField::Speed)]
    pub(crate) field: PlotField,

    /// Contour lines of u [default: 15 with --field u, else none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) contours: Option<u32>,

    /// Draw the edges of the elements
    #[arg(long)]
    pub(crate) mesh: bool,

    /// Draw arrows of the velocity, with --field flux of the flux
    #[arg(long)]
    pub(crate) arrows: bool,

    /// Draw streamlines
    #[arg(long)]
    pub(crate) streamlines: bool,

    /// Part of the plane to draw, by two corners of a rectangle, in metres [default: all elements]
    #[arg(long, value_name = "X0,Y0,X1,Y1", value_parser = Bounds::from_str, allow_hyphen_values = true)]
    pub(crate) window: Option<Bounds>,

    /// Values at the ends of the colours: two numbers, or two percentiles of the drawn area, as in
    /// 1%,99% [default: the smallest and the largest drawn value]
    #[arg(long, value_name = "LOW,HIGH", value_parser = ColourRange::from_str, allow_hyphen_values = true)]
    pub(crate) range: Option<ColourRange>,

    /// Draw y so many times longer than x, for thin domains
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = positive, allow_negative_numbers = true)]
    pub(crate) stretch: f64,

    /// Draw the difference to these results on the same mesh, by colours around zero
    #[arg(long, value_name = "OTHER.h5", conflicts_with_all = ["contours", "arrows", "streamlines"])]
    pub(crate) minus: Option<PathBuf>,

    /// Width of the picture, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1600, value_parser = clap::value_parser!(u32).range(200..=20_000))]
    pub(crate) width: u32,

    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl PlotArgs {
    /// Returns the file to draw.
    pub(crate) fn input(&self) -> &Path {
        self.residuals.as_ref().unwrap_or(&self.results)
    }
}

/// Fields of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlotField {
    /// Magnitude of the velocity
    Speed,
    /// Magnitude of the flux density -k grad u, where the results hold it
    Flux,
    /// Pressure
    Pressure,
    /// The solution
    U,
    /// The rank that owned each element
    Partition,
    /// Estimated error of each element
    Error,
}

impl PlotField {
    /// Returns the name on the command line.
    pub(crate) fn key(self) -> String {
        value_name(&self)
    }

    /// Returns the dataset of the values.
    pub(crate) fn dataset(self) -> &'static str {
        match self {
            Self::Speed => "abs_vel_node",
            Self::Flux => "flux_node",
            Self::Pressure => "pressure_node",
            Self::U => "u",
            Self::Partition => "partition",
            Self::Error => "error",
        }
    }
}
