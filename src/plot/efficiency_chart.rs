//! Charts of efficiencies over the number of ranks.

use std::path::Path;

use tiny_skia::PathBuilder;

use crate::error::Result;
use crate::plot::colour::{FAINT, INK, RED};
use crate::plot::figure::{Frame, Page, segment};
use crate::plot::scene::{Colour, Format, Scene};
use crate::plot::text::{Anchor, Font};
use crate::plot::ticks;
use crate::plot::ticks::Ticks;

const BLUE: Colour = [31, 119, 180, 255];
const GREY: Colour = [120, 120, 120, 255];

/// Efficiencies by name over the number of ranks.
pub struct Efficiencies<'a> {
    /// Title.
    pub title: &'a str,
    /// Label of the axis of efficiencies.
    pub quantity: &'a str,
    /// Numbers of ranks, ascending.
    pub ranks: &'a [usize],
    /// Curves of the best case, of the alternative, and of the program: a value for each number of
    /// ranks.
    pub curves: [(&'static str, Vec<f64>); 3],
}

const COLOURS: [Colour; 3] = [GREY, RED, BLUE];

/// Draws efficiencies and writes the picture.
///
/// # Errors
/// The picture has an unknown format or cannot be written.
pub fn efficiency(efficiencies: &Efficiencies, path: &Path, width: u32) -> Result<()> {
    Format::of(path)?;
    draw(efficiencies, width).write(path)
}

fn draw(&Efficiencies { title, quantity, ranks, ref curves }: &Efficiencies, width: u32) -> Scene {
    let em = width as f32 / 52.0;
    let height = (0.6 * width as f32).round();
    let mut page = Page { scene: Scene::new(width, height as u32), font: Font::new(), em };
    let highest = curves.iter().flat_map(|(_, values)| values).copied().fold(1.0, f64::max);
    let y_ticks = ticks::linear(0.0, highest, 5);
    let left = page.y_axis_room(&y_ticks);
    let top = page.title_room();
    let frame = [left, top, width as f32 - left - 1.6 * em, height - top - page.x_axis_room()];
    let axes = Axes { frame, most: ranks.last().map_or(1, |&ranks| ranks), highest: 1.05 * highest };
    for &value in &y_ticks.values {
        let y = axes.y(value);
        page.scene.stroke(segment([frame[0], y], [frame[0] + frame[2], y]), FAINT, 0.05 * em);
    }
    for (at, ((text, values), colour)) in curves.iter().zip(COLOURS).enumerate() {
        let points = ranks.iter().zip(values).map(|(&ranks, &value)| [axes.x(ranks as f64), axes.y(value)]);
        draw_curve(&mut page, points, colour);
        name(&mut page, frame, curves.len() - 1 - at, text, colour);
    }
    let x_ticks = Ticks {
        values: ranks.iter().map(|&ranks| ranks as f64).collect(),
        labels: ranks.iter().map(usize::to_string).collect(),
        exponent: 0,
    };
    page.title(frame, title);
    page.x_axis(frame, &x_ticks, "ranks", |ranks| axes.x(ranks));
    page.y_axis(frame, &y_ticks, quantity, |value| axes.y(value));
    let [left, top, width, height] = frame;
    page.scene.stroke(segment([left, top], [left, top + height]), INK, 0.06 * em);
    page.scene.stroke(segment([left, top + height], [left + width, top + height]), INK, 0.06 * em);
    page.scene
}

/// Map from values to the page.
struct Axes {
    frame: Frame,
    most: usize,
    highest: f64,
}

impl Axes {
    fn x(&self, ranks: f64) -> f32 {
        let [left, _, width, _] = self.frame;
        let margin = 0.03 * width;
        let all = (self.most as f64).log2().max(1.0);
        left + margin + (width - 2.0 * margin) * (ranks.log2() / all) as f32
    }

    fn y(&self, value: f64) -> f32 {
        let [_, top, _, height] = self.frame;
        top + height * (1.0 - value / self.highest) as f32
    }
}

fn draw_curve(page: &mut Page, points: impl Iterator<Item = [f32; 2]>, colour: Colour) {
    let (mut line, mut dots) = (PathBuilder::new(), PathBuilder::new());
    for [x, y] in points {
        if line.is_empty() {
            line.move_to(x, y);
        } else {
            line.line_to(x, y);
        }
        dots.push_circle(x, y, 0.25 * page.em);
    }
    page.scene.stroke(line.finish(), colour, 0.14 * page.em);
    page.scene.fill(dots.finish(), colour);
}

/// Draws the name of a curve in the lower left corner.
fn name(page: &mut Page, [left, top, _, height]: Frame, line: usize, text: &str, colour: Colour) {
    let em = page.em;
    let at = [left + 2.0 * em, top + height - (1.0 + 1.5 * line as f32) * em];
    page.scene.fill(page.font.text(text, at, em, Anchor::Start), colour);
}
