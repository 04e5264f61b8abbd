//! The picture of a prediction: efficiency over the number of ranks.

use std::path::Path;

use tiny_skia::PathBuilder;

use super::colour::{FAINT, INK};
use super::figure::{Frame, Page, segment};
use super::scene::{Colour, Format, Scene};
use super::text::{Anchor, Font};
use super::ticks::{self, Ticks};
use crate::console::group;
use crate::error::Result;
use crate::model::{Prediction, Row};

const BLUE: Colour = [31, 119, 180, 255];
const RED: Colour = [200, 60, 50, 255];
const GREY: Colour = [120, 120, 120, 255];

/// A curve: its colour, its name, and what it takes from a row.
type Curve = (Colour, &'static str, fn(&Row) -> f64);

const CURVES: [Curve; 3] = [
    (GREY, "parts alone, no messages", |row| 1.0 / row.imbalance),
    (RED, "coarse levels on all ranks", |row| row.spread_efficiency),
    (BLUE, "as the solver does", |row| row.efficiency),
];

/// Draws the prediction and writes the picture.
///
/// # Errors
/// [`Error::PictureFormat`](crate::Error::PictureFormat), [`Error::Write`](crate::Error::Write).
pub fn efficiency(prediction: &Prediction, path: &Path, width: u32) -> Result<()> {
    Format::of(path)?;
    draw(prediction, width).write(path)
}

fn draw(prediction: &Prediction, width: u32) -> Scene {
    let em = width as f32 / 52.0;
    let height = (0.6 * width as f32).round();
    let mut page = Page { scene: Scene::new(width, height as u32), font: Font::new(), em };
    let rows = &prediction.rows;
    let highest = rows.iter().flat_map(|row| CURVES.map(|(_, _, of)| of(row))).fold(1.0, f64::max);
    let y_ticks = ticks::linear(0.0, highest, 5);
    let left = page.y_axis_room(&y_ticks);
    let top = page.title_room();
    let frame = [left, top, width as f32 - left - 1.6 * em, height - top - page.x_axis_room()];
    let place = Place { frame, most: rows.last().map_or(1, |row| row.ranks), highest: 1.05 * highest };
    for &value in &y_ticks.values {
        let y = place.y(value);
        page.scene.stroke(segment([frame[0], y], [frame[0] + frame[2], y]), FAINT, 0.05 * em);
    }
    for (at, &curve) in CURVES.iter().enumerate() {
        draw_curve(&mut page, &place, rows, curve);
        name(&mut page, frame, CURVES.len() - 1 - at, curve);
    }
    let x_ticks = Ticks {
        values: rows.iter().map(|row| row.ranks as f64).collect(),
        labels: rows.iter().map(|row| row.ranks.to_string()).collect(),
        exponent: 0,
    };
    let (scaling, what) = if prediction.is_weak { ("weak", " a rank") } else { ("strong", "") };
    let unknowns = group(rows.first().map_or(0.0, |row| row.unknowns) as u64);
    page.title(
        frame,
        &format!("Model: {scaling} scaling of the built-in {}, {unknowns} unknowns{what}", prediction.mesh),
    );
    page.x_axis(frame, &x_ticks, "ranks", |ranks| place.x(ranks));
    page.y_axis(frame, &y_ticks, &format!("{scaling} efficiency of an iteration"), |value| place.y(value));
    let [left, top, width, height] = frame;
    page.scene.stroke(segment([left, top], [left, top + height]), INK, 0.06 * em);
    page.scene.stroke(segment([left, top + height], [left + width, top + height]), INK, 0.06 * em);
    page.scene
}

/// Where values lie on the page.
struct Place {
    frame: Frame,
    most: usize,
    highest: f64,
}

impl Place {
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

fn draw_curve(page: &mut Page, place: &Place, rows: &[Row], (colour, _, of): Curve) {
    let (mut line, mut dots) = (PathBuilder::new(), PathBuilder::new());
    for row in rows {
        let (x, y) = (place.x(row.ranks as f64), place.y(of(row)));
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

/// The name of a curve, in the lower left corner.
fn name(page: &mut Page, [left, top, _, height]: Frame, line: usize, (colour, text, _): Curve) {
    let em = page.em;
    let at = [left + 2.0 * em, top + height - (1.0 + 1.5 * line as f32) * em];
    page.scene.fill(page.font.text(text, at, em, Anchor::Start), colour);
}
