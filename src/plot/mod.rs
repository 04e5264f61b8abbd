//! Pictures of results as PNG or SVG: a field sampled inside the curved elements, the convergence
//! of a run, or the speed-ups of many runs; and pages of results for a browser. Runs on one
//! process, without MPI.

mod args;
mod colour;
mod colour_range;
mod contour;
mod difference;
mod efficiency_chart;
mod field_map;
mod figure;
mod html;
mod lines;
mod residual_chart;
mod sampling;
mod scene;
mod speed_up_chart;
mod streamlines;
mod text;
mod ticks;
mod values;
mod view;

pub use args::PlotArgs;
pub(crate) use args::PlotField;
pub(crate) use efficiency_chart::{Efficiencies, efficiency};
pub(crate) use html::Document;
pub use html::{ViewArgs, view};
pub(crate) use speed_up_chart::{Curve, Stroke, speed_up};

use std::path::Path;

use crate::error::{Error, ExitCode, Result};
use crate::io::file::refuse_input;
use crate::io::results::ResultsReader;
use crate::plot::scene::Format;
use crate::system::{print, rounded};

/// Draws the picture that the command line asks for.
///
/// # Errors
/// The file or the field cannot be read, or the picture has an unknown format or cannot be written.
pub fn plot(args: &PlotArgs) -> Result<ExitCode> {
    let input = args.input();
    let output = args.output.clone().unwrap_or_else(|| input.with_extension("png"));
    Format::of(&output)?;
    refuse_input(&output, [Some(input), args.minus.as_deref()].into_iter().flatten())?;
    let scene = match &args.residuals {
        Some(record) => residual_chart::draw(record, args.width)?,
        None => field_map::draw(&open(input)?, args)?,
    };
    scene.write(&output)?;
    if !args.quiet {
        print(format!("{}\n", output.display()))?;
    }
    Ok(ExitCode::Success)
}

/// Opens results. The error about a run record names the option that draws it.
fn open(path: &Path) -> Result<ResultsReader> {
    let is_record = path.extension().is_some_and(|extension| extension == "json");
    ResultsReader::open(path)
        .map_err(|e| if is_record { e.with_note("--residuals RUN.json draws a run record") } else { e })
}

/// Returns the mark of results that did not converge, if they did not.
fn not_converged(reader: &ResultsReader) -> Option<String> {
    reader.unconverged().map(|residual| format!("not converged, relative residual {}", rounded(residual, 3)))
}

fn nothing_to_show(name: &str) -> Error {
    Error::input(format!("'{name}' holds no finite values within a finite range: there is nothing to draw"))
}
