//! Charts of a scaling study: speed-ups over cores, both logarithmic.

use std::path::Path;

use tiny_skia::PathBuilder;

use crate::error::Result;
use crate::plot::colour::{Colours, FAINT, INK};
use crate::plot::figure::{Frame, Page, segment};
use crate::plot::nothing_to_show;
use crate::plot::scene::{Colour, Format, Scene};
use crate::plot::text::{Anchor, Font};
use crate::plot::ticks::Ticks;

/// Curve of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name in the legend.
    pub label: String,
    /// Style of the line.
    pub style: Stroke,
    /// Cores and speed-up, by cores.
    pub points: Vec<[f64; 2]>,
}

/// Style of a curve; colours are numbers of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// Thin line without dots.
    Thin,
    /// Thin dashed line without dots.
    Broken,
    /// Line with dots.
    Full {
        /// Colour of line and dots.
        colour: usize,
    },
    /// Dashed line with dots.
    Dashed {
        /// Colour of line and dots.
        colour: usize,
    },
    /// Dots alone.
    Dots {
        /// Colour of the dots.
        colour: usize,
    },
}

/// Draws curves over the number of cores and writes the picture.
///
/// # Errors
/// There is no positive finite point, or the picture has an unknown format or cannot be written.
pub fn speed_up(title: &str, curves: &[Curve], quantity: &str, width: u32, path: &Path) -> Result<()> {
    Format::of(path)?;
    let positive = |point: &&[f64; 2]| point.iter().all(|v| v.is_finite() && *v > 0.0);
    let points: Vec<[f64; 2]> = curves.iter().flat_map(|curve| &curve.points).filter(positive).copied().collect();
    if points.is_empty() {
        return Err(nothing_to_show("speed-up"));
    }
    let mut chart = Chart::new(&points, curves, quantity, width);
    chart.page.title(chart.frame, title);
    curves.iter().for_each(|curve| chart.curve(curve));
    chart.legend(curves);
    chart.page.scene.write(path)
}

struct Chart {
    page: Page,
    frame: Frame,
    /// Smallest and largest value of both axes.
    range: [[f64; 2]; 2],
}

impl Chart {
    fn new(points: &[[f64; 2]], curves: &[Curve], quantity: &str, width: u32) -> Self {
        let em = width as f32 / 52.0;
        let height = (0.7 * width as f32).round();
        let page = Page { scene: Scene::new(width, height as u32), font: Font::new(), em };
        let range = [0, 1].map(|axis| {
            let values = || points.iter().map(|point| point[axis]);
            // Space for a dot on either side.
            [0.92 * values().fold(f64::INFINITY, f64::min), 1.09 * values().fold(0.0, f64::max)]
        });
        let mut cores: Vec<f64> = points.iter().map(|point| point[0]).collect();
        cores.sort_by(f64::total_cmp);
        cores.dedup();
        let x_ticks = marks(thinned(cores));
        let y_ticks = marks(thinned(doublings(range[1])));
        let left = page.y_axis_room(&y_ticks);
        let legend = curves.iter().map(|curve| page.font.width(&curve.label, em)).fold(0.0, f32::max) + 5.6 * em;
        let top = page.title_room();
        let frame = [left, top, width as f32 - left - legend, height - top - page.x_axis_room()];
        let mut chart = Self { page, frame, range };
        let [left, top, width, height] = frame;
        for &value in &y_ticks.values {
            let y = chart.y()(value);
            chart.page.scene.stroke(segment([left, y], [left + width, y]), FAINT, 0.05 * em);
        }
        let (x, y) = (chart.x(), chart.y());
        chart.page.x_axis(frame, &x_ticks, "cores (ranks × threads)", x);
        chart.page.y_axis(frame, &y_ticks, quantity, y);
        chart.page.scene.stroke(segment([left, top], [left, top + height]), INK, 0.06 * em);
        chart.page.scene.stroke(segment([left, top + height], [left + width, top + height]), INK, 0.06 * em);
        chart
    }

    fn x(&self) -> impl Fn(f64) -> f32 + use<> {
        let ([left, _, width, _], [range, _]) = (self.frame, self.range);
        move |value| left + width * part(value, range)
    }

    fn y(&self) -> impl Fn(f64) -> f32 + use<> {
        let ([_, top, _, height], [_, range]) = (self.frame, self.range);
        move |value| top + height * (1.0 - part(value, range))
    }

    fn curve(&mut self, curve: &Curve) {
        let (x, y) = (self.x(), self.y());
        let points: Vec<[f32; 2]> = curve.points.iter().map(|[cores, value]| [x(*cores), y(*value)]).collect();
        self.draw(curve.style, &points);
    }

    fn draw(&mut self, style: Stroke, points: &[[f32; 2]]) {
        let em = self.page.em;
        let (colour, thick) = match style {
            Stroke::Thin | Stroke::Broken => (INK, 0.07),
            Stroke::Full { colour } | Stroke::Dashed { colour } | Stroke::Dots { colour } => (class(colour), 0.14),
        };
        let is_broken = matches!(style, Stroke::Broken | Stroke::Dashed { .. });
        for pair in points.windows(2).filter(|_| !matches!(style, Stroke::Dots { .. })) {
            let pieces = if is_broken { dashes(pair[0], pair[1], 0.45 * em) } else { vec![[pair[0], pair[1]]] };
            for [from, to] in pieces {
                self.page.scene.stroke(segment(from, to), colour, thick * em);
            }
        }
        if !matches!(style, Stroke::Thin | Stroke::Broken) {
            let mut dots = PathBuilder::new();
            points.iter().for_each(|[x, y]| dots.push_circle(*x, *y, 0.3 * em));
            self.page.scene.fill(dots.finish(), colour);
        }
    }

    /// Draws the legend to the right.
    fn legend(&mut self, curves: &[Curve]) {
        let em = self.page.em;
        let [left, top, width, _] = self.frame;
        for (row, curve) in curves.iter().enumerate() {
            let y = top + (1.2 + 1.5 * row as f32) * em;
            let x = left + width + 1.2 * em;
            self.draw(curve.style, &[[x, y], [x + 2.4 * em, y]]);
            let at = [x + 3.2 * em, y + 0.5 * self.page.font.digit_height(em)];
            self.page.scene.fill(self.page.font.text(&curve.label, at, em, Anchor::Start), INK);
        }
    }
}

fn class(colour: usize) -> Colour {
    let [r, g, b] = Colours::Classes.of(colour as f64);
    [r, g, b, 255]
}

/// Returns the position of a value on a logarithmic axis, from 0 to 1.
fn part(value: f64, [low, high]: [f64; 2]) -> f32 {
    ((value / low).ln() / (high / low).ln()) as f32
}

/// Returns the powers of two within a range.
fn doublings([low, high]: [f64; 2]) -> Vec<f64> {
    let powers = low.log2().ceil() as i32..=high.log2().floor() as i32;
    powers.map(|power| 2_f64.powi(power)).collect()
}

/// Thins values out to about ten.
fn thinned(values: Vec<f64>) -> Vec<f64> {
    let every = values.len().div_ceil(10).max(1);
    values.into_iter().step_by(every).collect()
}

fn marks(values: Vec<f64>) -> Ticks {
    let labels = values.iter().map(|value| format!("{value}")).collect();
    Ticks { values, labels, exponent: 0 }
}

/// Returns the dashes of a straight line, as long as the gaps between them (px).
fn dashes(from: [f32; 2], to: [f32; 2], length: f32) -> Vec<[[f32; 2]; 2]> {
    let whole = (to[0] - from[0]).hypot(to[1] - from[1]);
    let at = |distance: f32| [0, 1].map(|i| from[i] + (to[i] - from[i]) * (distance / whole).min(1.0));
    let count = (whole / (2.0 * length)).ceil() as usize;
    (0..count).map(|i| 2.0 * length * i as f32).map(|start| [at(start), at(start + length)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_drawn_for_half_its_length() {
        let pieces = dashes([0.0, 0.0], [30.0, 40.0], 5.0);
        let length: f32 = pieces.iter().map(|[a, b]| (b[0] - a[0]).hypot(b[1] - a[1])).sum();
        assert_eq!((pieces.len(), length.round()), (5, 25.0));
    }

    #[test]
    fn axes_are_marked_at_powers_of_two() {
        assert_eq!(doublings([0.9, 17.0]), [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(thinned((0..25).map(f64::from).collect()).len(), 9);
        assert!((part(4.0, [1.0, 16.0]) - 0.5).abs() < 1e-6);
    }
}
