//! Text as outlines of a font inside the program, so that pictures are the same on every machine.
//! The font is a subset of DejaVu Sans; its licence is in the same folder.

use tiny_skia::{Path, PathBuilder, Transform};
use ttf_parser::{Face, OutlineBuilder};

static FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// Alignment of a text at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The text starts at the point.
    Start,
    /// The middle of the text is at the point.
    Middle,
    /// The text ends at the point.
    End,
}

/// Parsed font.
pub struct Font(Face<'static>);

impl Font {
    /// Parses the font of the program.
    pub fn new() -> Self {
        // A unit test checks the bytes of the font.
        Self(Face::parse(FONT, 0).expect("the font in the program"))
    }

    /// Returns the width of a text (px) at a size (px).
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.advance(c)).sum::<f32>() * self.scale(size)
    }

    /// Returns the height of the digits (px).
    pub fn digit_height(&self, size: f32) -> f32 {
        0.73 * size
    }

    /// Returns the outlines of a text on a base line that starts, has its middle or ends at (x, y).
    pub fn text(&self, text: &str, [x, y]: [f32; 2], size: f32, anchor: Anchor) -> Option<Path> {
        let path = self.outlines(text, size, anchor)?;
        path.transform(Transform::from_translate(x, y))
    }

    /// Returns the outlines of a text that is written upwards.
    pub fn text_upwards(&self, text: &str, [x, y]: [f32; 2], size: f32, anchor: Anchor) -> Option<Path> {
        let path = self.outlines(text, size, anchor)?;
        path.transform(Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y))
    }

    fn outlines(&self, text: &str, size: f32, anchor: Anchor) -> Option<Path> {
        let scale = self.scale(size);
        let mut pen = Pen { path: PathBuilder::new(), scale, x: 0.0 };
        pen.x = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * self.width(text, size),
            Anchor::End => -self.width(text, size),
        };
        for c in text.chars() {
            if let Some(glyph) = self.0.glyph_index(c) {
                self.0.outline_glyph(glyph, &mut pen);
            }
            pen.x += self.advance(c) * scale;
        }
        pen.path.finish()
    }

    fn scale(&self, size: f32) -> f32 {
        size / f32::from(self.0.units_per_em())
    }

    fn advance(&self, c: char) -> f32 {
        self.0.glyph_index(c).and_then(|glyph| self.0.glyph_hor_advance(glyph)).map_or(0.0, f32::from)
    }
}

/// Builder of a path of glyphs side by side, y downwards.
struct Pen {
    path: PathBuilder,
    scale: f32,
    x: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.scale * x, -self.scale * y)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_character_that_labels_need() {
        let font = Font::new();
        for c in (' '..='~').chain("°²³·×−⁰¹⁴⁵⁶⁷⁸⁹⁻‖".chars()) {
            assert!(font.0.glyph_index(c).is_some(), "{c}");
        }
        assert!(font.width("100", 20.0) > font.width("10", 20.0));
    }

    #[test]
    fn a_text_lies_beside_its_point() {
        let font = Font::new();
        let bounds = |anchor| font.text("888", [100.0, 50.0], 20.0, anchor).expect("outlines").bounds();
        assert!(bounds(Anchor::Start).left() > 100.0);
        assert!(bounds(Anchor::End).right() < 100.0);
        let middle = bounds(Anchor::Middle);
        assert!((middle.left() + middle.right() - 200.0).abs() < 0.1);
        assert!((middle.height() - font.digit_height(20.0)).abs() < 1.5 && middle.bottom() < 51.0);
    }
}
