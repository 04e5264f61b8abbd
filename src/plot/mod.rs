//! Pictures of results: a field sampled inside the curved elements, the
//! convergence of a run, or the speed-ups of many, as PNG or SVG. Runs on one process, without MPI.

mod colour;
mod contour;
mod efficiency;
mod field;
mod figure;
mod flow;
mod lines;
mod residuals;
mod results;
mod sampling;
mod scene;
mod speed_up;
mod text;
mod ticks;
mod view;

pub use efficiency::{Efficiencies, efficiency};

use crate::cli::PlotArgs;
use crate::error::{ExitCode, Result};
use crate::io::refuse_input;
use crate::streams::print;
use results::ResultsReader;
use scene::Format;
pub use speed_up::{Curve, Stroke, speed_up};

/// Draws what the command line asks for.
///
/// # Errors
/// Whatever is wrong with the file, the field or the place of the picture.
pub fn plot(args: &PlotArgs) -> Result<ExitCode> {
    let input = args.input();
    let output = args.output.clone().unwrap_or_else(|| input.with_extension("png"));
    Format::of(&output)?;
    refuse_input(&output, [input])?;
    let scene = match &args.residuals {
        Some(record) => residuals::draw(record, args.width)?,
        None => field::draw(&ResultsReader::open(input)?, args)?,
    };
    scene.write(&output)?;
    if !args.quiet {
        print(format!("{}\n", output.display()))?;
    }
    Ok(ExitCode::Success)
}
