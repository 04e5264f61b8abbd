//! `quad8-mpi view`: results and run records as one self-contained page for a browser.
//!
//! The page holds each field as a grid of samples, whose resolution fits its size. Its scripts and
//! styles are the files of this folder; the charts are uPlot's (`vendor/`).

mod args;
mod document;
mod outline;
mod raster;
mod run;

pub use args::ViewArgs;
pub(crate) use document::Document;

use serde_json::{Value, json};

use crate::error::{ExitCode, Result};
use crate::io::file::{refuse_input, write_atomic};
use crate::io::results::{ResultsMesh as Mesh, ResultsReader};
use crate::plot::PlotField;
use crate::plot::html::raster::Grid;
use crate::plot::sampling::Sampling;
use crate::plot::values::Values;
use crate::plot::view::{Bounds, check_view};
use crate::system::print;

/// Largest size of a page (bytes).
const LARGEST: usize = 6_000_000;
/// Numbers of samples of a field at first, on small and on large meshes.
const SAMPLES: [f64; 2] = [2e6, 4e6];
/// Number of samples below which a page is not made smaller.
const FEWEST: f64 = 1e4;

/// Writes the page that the command line asks for.
///
/// # Errors
/// The results or a record cannot be read, the window lies outside of the mesh, or the page cannot
/// be written.
pub fn view(args: &ViewArgs) -> Result<ExitCode> {
    let output = args.output();
    refuse_input(&output, args.inputs())?;
    let reader = ResultsReader::open(&args.results)?;
    let runs = args.runs.iter().map(|path| run::read(path)).collect::<Result<Vec<_>>>()?;
    let mesh = reader.mesh()?;
    let domain = Bounds::of(&mesh);
    check_view(domain, args.window, 1.0)?;
    let page = Page { reader: &reader, mesh: &mesh, summary: run::summary(args, &reader, &mesh, runs) };
    let text = page.write(domain.within(args.window))?;
    write_atomic(&output, text)?;
    if !args.quiet {
        print(format!("{}\n", output.display()))?;
    }
    Ok(ExitCode::Success)
}

/// What a page shows.
struct Page<'a> {
    reader: &'a ResultsReader,
    mesh: &'a Mesh,
    summary: Value,
}

impl Page<'_> {
    /// Returns the text of the page, sampled as finely as its size permits.
    fn write(&self, bounds: Bounds) -> Result<String> {
        let [small, large] = SAMPLES;
        let mut samples = ((2 * self.mesh.points.len()) as f64).clamp(small, large);
        loop {
            let text = self.document(&Grid::new(bounds, samples))?;
            if text.len() <= LARGEST || samples < FEWEST {
                return Ok(text);
            }
            samples *= (0.95 * LARGEST as f64 / text.len() as f64).min(0.9);
        }
    }

    fn document(&self, grid: &Grid) -> Result<String> {
        const KINDS: [PlotField; 6] = [
            PlotField::Speed,
            PlotField::Pressure,
            PlotField::U,
            PlotField::Flux,
            PlotField::Error,
            PlotField::Partition,
        ];
        let sampling = Sampling::new(self.mesh, &grid.view());
        let mut fields = Vec::new();
        for kind in KINDS.into_iter().filter(|kind| self.reader.has(kind.dataset())) {
            let values = Values::read(self.reader, self.mesh, kind)?.with_logarithms();
            fields.extend(raster::encode(values, &sampling, self.mesh));
        }
        let mut data = self.summary.clone();
        data["grid"] = json!(grid);
        data["fields"] = json!(fields);
        data["outline"] = json!(outline::outline(self.mesh, grid));
        data["boundaries"] = json!(outline::boundaries(self.reader, self.mesh, grid)?);
        data["palettes"] = document::palettes();
        Ok(Document {
            body: include_str!("view.html"),
            scripts: &[
                include_str!("raster.js"),
                include_str!("map.js"),
                include_str!("profile.js"),
                include_str!("run.js"),
                include_str!("times.js"),
                include_str!("view.js"),
            ],
            data: &data,
        }
        .write())
    }
}
