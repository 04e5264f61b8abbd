//! Charts of convergence: the residual after each iteration.

use std::path::Path;

use tiny_skia::PathBuilder;

use crate::error::Result;
use crate::io::record::{MeshInfo, RunRecord, not_record, read};
use crate::plot::colour::{FAINT, INK, RED};
use crate::plot::figure::{Page, segment};
use crate::plot::scene::{Colour, Scene};
use crate::plot::text::{Anchor, Font};
use crate::plot::{nothing_to_show, ticks};
use crate::system::group;

const BLUE: Colour = [31, 119, 180, 255];

/// Draws the residuals of a run record on a logarithmic axis.
///
/// # Errors
/// The file cannot be opened, is no run record, or has no positive residual.
pub fn draw(path: &Path, width: u32) -> Result<Scene> {
    let run: RunRecord = read(path)?;
    if run.solver_config.rtol.is_nan() || run.solver_config.rtol <= 0.0 {
        return Err(not_record(path, "its rtol is not positive"));
    }
    let relative = run.relative_residuals();
    let positive = || relative.iter().copied().filter(|r| r.is_finite() && *r > 0.0);
    if positive().count() == 0 {
        return Err(nothing_to_show("residual_history"));
    }
    let low = positive().fold(run.solver_config.rtol, f64::min);
    let high = positive().fold(1.0, f64::max);
    Ok(Chart::new(&run, &relative, [low, high], width).page.scene)
}

/// Returns the title: problem, preconditioners and iterations.
fn title(run: &RunRecord) -> String {
    let RunRecord { mesh_info: MeshInfo { source, used_nodes, .. }, solver_config, converged, iterations, .. } = run;
    let mut methods: Vec<&str> = run.convergence.preconditioners.iter().map(|used| used.name.as_str()).collect();
    methods.dedup();
    let methods = if methods.is_empty() { solver_config.preconditioner.clone() } else { methods.join(", then ") };
    let outcome = if *converged { "converged" } else { "not converged" };
    let unknowns = group(*used_nodes);
    format!("{source}, {unknowns} unknowns: {methods}, {outcome} in {iterations} iterations")
}

struct Chart {
    page: Page,
    frame: [f32; 4],
    /// Powers of ten at the lower and the upper end.
    powers: [f64; 2],
    iterations: f64,
}

impl Chart {
    fn new(run: &RunRecord, relative: &[f64], [low, high]: [f64; 2], width: u32) -> Self {
        let em = width as f32 / 52.0;
        let height = (0.6 * width as f32).round();
        let page = Page { scene: Scene::new(width, height as u32), font: Font::new(), em };
        let y_ticks = ticks::logarithmic(low, high, 9);
        let left = page.y_axis_room(&y_ticks);
        let top = page.title_room();
        let frame = [left, top, width as f32 - left - 1.2 * em, height - top - page.x_axis_room()];
        let iterations = (relative.len() - 1).max(1) as f64;
        let powers = [low.log10() - 0.4, high.log10() + 0.4];
        let mut chart = Self { page, frame, powers, iterations };

        for &value in &y_ticks.values {
            chart.across(value, FAINT, 0.05);
        }
        chart.across(run.solver_config.rtol, RED, 0.08);
        chart.target(run);
        chart.page.title(frame, &title(run));
        chart.curve(relative);
        let [left, top, width, height] = chart.frame;
        let x_ticks = ticks::whole(relative.len() - 1, 10);
        let (x, y) = (chart.x(), chart.y());
        chart.page.x_axis(chart.frame, &x_ticks, "iteration", x);
        chart.page.y_axis(chart.frame, &y_ticks, "relative residual ‖r‖ / ‖b‖", y);
        chart.page.scene.stroke(segment([left, top], [left, top + height]), INK, 0.06 * em);
        chart.page.scene.stroke(segment([left, top + height], [left + width, top + height]), INK, 0.06 * em);
        chart
    }

    fn x(&self) -> impl Fn(f64) -> f32 + use<> {
        let ([left, _, width, _], iterations) = (self.frame, self.iterations);
        let margin = 0.02 * width;
        move |i| left + margin + (width - 2.0 * margin) * (i / iterations) as f32
    }

    fn y(&self) -> impl Fn(f64) -> f32 + use<> {
        let ([_, top, _, height], [low, high]) = (self.frame, self.powers);
        move |value| top + height * ((high - value.log10()) / (high - low)) as f32
    }

    /// Draws a line across the frame at a value.
    fn across(&mut self, value: f64, colour: Colour, thick: f32) {
        let [left, _, width, _] = self.frame;
        let y = self.y()(value);
        self.page.scene.stroke(segment([left, y], [left + width, y]), colour, thick * self.page.em);
    }

    /// Labels the tolerance.
    fn target(&mut self, run: &RunRecord) {
        let [left, ..] = self.frame;
        let em = self.page.em;
        let base = self.y()(run.solver_config.rtol) - 0.4 * em;
        let wanted = format!("wanted: {:e}", run.solver_config.rtol);
        self.page.scene.fill(self.page.font.text(&wanted, [left + 0.8 * em, base], 0.9 * em, Anchor::Start), RED);
    }

    fn curve(&mut self, relative: &[f64]) {
        /// Most iterations with a dot each.
        const DOTS: usize = 60;
        let (em, x, y) = (self.page.em, self.x(), self.y());
        let points = || relative.iter().enumerate().filter(|(_, r)| r.is_finite() && **r > 0.0);
        let (mut line, mut dots) = (PathBuilder::new(), PathBuilder::new());
        for (i, &r) in points() {
            let (x, y) = (x(i as f64), y(r));
            if line.is_empty() {
                line.move_to(x, y);
            } else {
                line.line_to(x, y);
            }
            dots.push_circle(x, y, 0.22 * em);
        }
        self.page.scene.stroke(line.finish(), BLUE, 0.12 * em);
        if relative.len() <= DOTS {
            self.page.scene.fill(dots.finish(), BLUE);
        }
    }
}
