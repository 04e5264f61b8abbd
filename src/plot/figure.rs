//! Axes, colour bars, and the space that they need.

use colorous::Gradient;
use tiny_skia::{Path, PathBuilder, Pixmap, Rect};

use crate::plot::colour::{CLASSES, Colours, FAINT, INK, RED};
use crate::plot::scene::{Colour, Scene};
use crate::plot::text::{Anchor, Font};
use crate::plot::ticks;
use crate::plot::ticks::Ticks;

/// Page with its font and its unit of length.
pub struct Page {
    /// Drawing.
    pub scene: Scene,
    /// Font of all text.
    pub font: Font,
    /// Size of the text (px); all distances are multiples of it.
    pub em: f32,
}

/// Rectangle on the page: left, top, width, height (px).
pub type Frame = [f32; 4];

impl Page {
    /// Draws an axis below a frame: `place` maps values to x (px).
    pub fn x_axis(
        &mut self,
        [left, top, width, height]: Frame,
        ticks: &Ticks,
        label: &str,
        place: impl Fn(f64) -> f32,
    ) {
        let em = self.em;
        let bottom = top + height;
        for (&value, text) in ticks.values.iter().zip(&ticks.labels) {
            let x = place(value);
            self.scene.stroke(segment([x, bottom], [x, bottom + 0.3 * em]), INK, 0.06 * em);
            self.scene.fill(self.font.text(text, [x, bottom + 1.25 * em], em, Anchor::Middle), INK);
        }
        let text = with_exponent(label, ticks.exponent);
        self.scene.fill(self.font.text(&text, [left + 0.5 * width, bottom + 2.65 * em], em, Anchor::Middle), INK);
    }

    /// Draws an axis to the left of a frame: `place` maps values to y (px).
    pub fn y_axis(&mut self, [left, top, _, height]: Frame, ticks: &Ticks, label: &str, place: impl Fn(f64) -> f32) {
        let em = self.em;
        let half = 0.5 * self.font.digit_height(em);
        for (&value, text) in ticks.values.iter().zip(&ticks.labels) {
            let y = place(value);
            self.scene.stroke(segment([left - 0.3 * em, y], [left, y]), INK, 0.06 * em);
            self.scene.fill(self.font.text(text, [left - 0.5 * em, y + half], em, Anchor::End), INK);
        }
        let at = [left - 0.5 * em - self.widest(ticks) - 0.7 * em, top + 0.5 * height];
        let text = with_exponent(label, ticks.exponent);
        self.scene.fill(self.font.text_upwards(&text, at, em, Anchor::Middle), INK);
    }

    /// Draws a title above a frame, smaller where it would not fit.
    pub fn title(&mut self, frame: Frame, text: &str) {
        self.heading(frame, text, INK);
    }

    /// Draws a warning above a frame, in place of a title.
    pub fn warning(&mut self, frame: Frame, text: &str) {
        self.heading(frame, text, RED);
    }

    fn heading(&mut self, [left, top, width, _]: Frame, text: &str, colour: Colour) {
        let em = self.em;
        let size = (1.1 * em).min(1.1 * em * width / self.font.width(text, 1.1 * em).max(1.0));
        let at = [left + 0.5 * width, top - 0.9 * em];
        self.scene.fill(self.font.text(text, at, size, Anchor::Middle), colour);
    }

    /// Returns about `count` ticks for a horizontal axis of this length (px), or as many as leave a
    /// space between their labels.
    pub fn spaced_ticks(&self, [low, high]: [f64; 2], length: f32, count: usize) -> Ticks {
        let fits = |ticks: &Ticks| {
            let apart = ticks.values.windows(2).map(|pair| (pair[1] - pair[0]) / (high - low)).fold(1.0, f64::min);
            self.widest(ticks) + 0.7 * self.em < length * apart as f32
        };
        let mut ticks = (1..=count).rev().map(|count| ticks::linear(low, high, count));
        ticks.find(fits).unwrap_or_else(|| ticks::linear(low, high, 1).first())
    }

    /// Returns the space above a frame for a title (px).
    pub fn title_room(&self) -> f32 {
        2.4 * self.em
    }

    /// Returns the space to the left of a frame for an axis (px).
    pub fn y_axis_room(&self, ticks: &Ticks) -> f32 {
        self.widest(ticks) + 2.4 * self.em
    }

    /// Returns the space below a frame for an axis (px).
    pub fn x_axis_room(&self) -> f32 {
        3.2 * self.em
    }

    /// Draws a frame.
    pub fn frame(&mut self, frame: Frame) {
        self.scene.stroke(rectangle(frame), FAINT, 0.06 * self.em);
    }

    /// Draws a colour bar: upright to the right of a frame, or horizontal below it.
    pub fn bar(&mut self, frame: Frame, bar: &Bar) {
        let em = self.em;
        let [left, top, width, height] = frame;
        let image = bar.image([width, height].map(|v| v.round().max(1.0) as u32));
        if let Some(image) = image {
            self.scene.image(image, left.round() as u32, top.round() as u32);
        }
        self.scene.stroke(rectangle([left.round(), top.round(), width.round(), height.round()]), INK, 0.05 * em);
        let label = with_exponent(&bar.label, bar.ticks.exponent);
        let half = 0.5 * self.font.digit_height(em);
        for (&value, text) in bar.ticks.values.iter().zip(&bar.ticks.labels) {
            let part = bar.part(value);
            if bar.upright {
                let (x, y) = (left + width, top + height * (1.0 - part));
                self.scene.stroke(segment([x, y], [x + 0.3 * em, y]), INK, 0.06 * em);
                self.scene.fill(self.font.text(text, [x + 0.5 * em, y + half], em, Anchor::Start), INK);
            } else {
                let (x, y) = (left + width * part, top + height);
                self.scene.stroke(segment([x, y], [x, y + 0.3 * em]), INK, 0.06 * em);
                self.scene.fill(self.font.text(text, [x, y + 1.25 * em], em, Anchor::Middle), INK);
            }
        }
        if bar.upright {
            let at = [left + width + self.widest(&bar.ticks) + 1.9 * em, top + 0.5 * height];
            self.scene.fill(self.font.text_upwards(&label, at, em, Anchor::Middle), INK);
        } else {
            let at = [left + 0.5 * width, top + height + 2.65 * em];
            self.scene.fill(self.font.text(&label, at, em, Anchor::Middle), INK);
        }
    }

    /// Returns the space to the right of a frame for an upright bar (px).
    pub fn bar_room(&self, bar: &Bar) -> f32 {
        self.widest(&bar.ticks) + 4.6 * self.em
    }

    fn widest(&self, ticks: &Ticks) -> f32 {
        ticks.labels.iter().map(|label| self.font.width(label, self.em)).fold(0.0, f32::max)
    }
}

/// Colour bar.
pub struct Bar {
    /// Colours of the bar.
    pub colours: Colours,
    /// Whether it is upright; otherwise horizontal.
    pub upright: bool,
    range: [f64; 2],
    is_logarithmic: bool,
    ticks: Ticks,
    label: String,
}

impl Bar {
    /// Creates a bar without ticks from a smallest to a largest value, or from a smallest to a
    /// largest power of ten.
    pub fn map(gradient: Gradient, range: [f64; 2], is_logarithmic: bool, label: &str) -> Self {
        let colours = Colours::Map { gradient, range };
        Self { colours, upright: true, range, is_logarithmic, ticks: Ticks::default(), label: label.to_owned() }
    }

    /// Creates a bar for whole numbers from 0.
    pub fn classes(count: usize, label: &str) -> Self {
        let shown = count.min(CLASSES);
        let values = (0..shown).map(|c| c as f64).collect();
        // Further classes repeat the colours.
        let text = |c: usize| if c + CLASSES < count { format!("{c}, {}, ...", c + CLASSES) } else { c.to_string() };
        Self {
            colours: Colours::Classes,
            upright: true,
            range: [-0.5, shown as f64 - 0.5],
            is_logarithmic: false,
            ticks: Ticks { values, labels: (0..shown).map(text).collect(), exponent: 0 },
            label: label.to_owned(),
        }
    }

    /// Sets about `count` ticks on a colour map.
    pub fn mark(&mut self, count: usize) {
        let [low, high] = self.range;
        if self.is_logarithmic {
            self.ticks = ticks::logarithmic(10_f64.powf(low), 10_f64.powf(high), count);
            self.ticks.values.iter_mut().for_each(|v| *v = v.log10());
        } else if matches!(self.colours, Colours::Map { .. }) {
            self.ticks = ticks::linear(low, high, count);
        }
    }

    /// Sets at most about `count` ticks on the colour map of a horizontal bar of this length (px).
    pub fn mark_along(&mut self, page: &Page, length: f32, count: usize) {
        if !self.is_logarithmic && matches!(self.colours, Colours::Map { .. }) {
            self.ticks = page.spaced_ticks(self.range, length, count);
        } else {
            self.mark(count);
        }
    }

    /// Returns the position of a value along the bar, from 0 to 1.
    fn part(&self, value: f64) -> f32 {
        ((value - self.range[0]) / (self.range[1] - self.range[0])) as f32
    }

    fn image(&self, [width, height]: [u32; 2]) -> Option<Pixmap> {
        let mut image = Pixmap::new(width, height)?;
        for (i, pixel) in image.data_mut().chunks_exact_mut(4).enumerate() {
            let (x, y) = (i as u32 % width, i as u32 / width);
            let part = if self.upright {
                1.0 - (f64::from(y) + 0.5) / f64::from(height)
            } else {
                (f64::from(x) + 0.5) / f64::from(width)
            };
            let value = self.range[0] + part * (self.range[1] - self.range[0]);
            let value = if matches!(self.colours, Colours::Classes) { value.round() } else { value };
            pixel[..3].copy_from_slice(&self.colours.of(value));
            pixel[3] = 255;
        }
        Some(image)
    }
}

/// Puts a power of ten before the unit: "speed (m/s)" becomes "speed (10⁻³ m/s)".
fn with_exponent(label: &str, exponent: i32) -> String {
    if exponent == 0 {
        return label.to_owned();
    }
    let power = ticks::power_of_ten(exponent);
    match label.split_once('(') {
        Some((name, unit)) => format!("{name}({power} {unit}"),
        None => format!("{label} ({power})"),
    }
}

/// Returns a straight line.
pub fn segment(from: [f32; 2], to: [f32; 2]) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(from[0], from[1]);
    path.line_to(to[0], to[1]);
    path.finish()
}

fn rectangle([left, top, width, height]: Frame) -> Option<Path> {
    Rect::from_xywh(left, top, width, height).map(PathBuilder::from_rect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_ten_stands_beside_the_unit() {
        assert_eq!(with_exponent("speed (m/s)", 0), "speed (m/s)");
        assert_eq!(with_exponent("error (m²/s)", -4), "error (10⁻⁴ m²/s)");
        assert_eq!(with_exponent("rank", 6), "rank (10⁶)");
    }
}
