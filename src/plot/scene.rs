//! Drawings: filled and stroked paths and images, written as PNG or SVG.

use std::fmt::Write;
use std::path::Path as FilePath;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, PathSegment, Pixmap, PixmapPaint, Rect, Stroke, Transform,
};

use crate::error::{Error, Result};
use crate::io::file::{write_atomic, write_error};

/// Red, green, blue and opacity.
pub type Colour = [u8; 4];

enum Item {
    Fill { path: Path, colour: Colour },
    Stroke { path: Path, colour: Colour, width: f32 },
    Image { pixmap: Pixmap, x: u32, y: u32 },
}

/// Drawing: items in the order of drawing, in pixels from the upper left corner, on white.
pub struct Scene {
    width: u32,
    height: u32,
    items: Vec<Item>,
}

/// Picture formats, chosen by the file name extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pixels.
    Png,
    /// Paths; filled fields are an embedded image.
    Svg,
}

impl Format {
    /// Returns the format of a file of this name.
    ///
    /// # Errors
    /// The format is neither PNG nor SVG.
    pub fn of(path: &FilePath) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "png" => Ok(Self::Png),
            "svg" => Ok(Self::Svg),
            _ => Err(unknown_format(path)),
        }
    }
}

fn unknown_format(path: &FilePath) -> Error {
    Error::input(format!("a picture is a .png or an .svg file: {} is neither", path.display()))
}

impl Scene {
    /// Creates an empty drawing of this size.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, items: Vec::new() }
    }

    /// Fills a path.
    pub fn fill(&mut self, path: Option<Path>, colour: Colour) {
        self.items.extend(path.map(|path| Item::Fill { path, colour }));
    }

    /// Draws a line of this width along a path.
    pub fn stroke(&mut self, path: Option<Path>, colour: Colour, width: f32) {
        self.items.extend(path.map(|path| Item::Stroke { path, colour, width }));
    }

    /// Draws an image with its upper left corner at (x, y).
    pub fn image(&mut self, pixmap: Pixmap, x: u32, y: u32) {
        self.items.push(Item::Image { pixmap, x, y });
    }

    /// Puts this drawing over another one, of which only the part in `frame` stays, or all.
    #[must_use]
    pub fn over(mut self, mut below: Self, frame: Option<Rect>) -> Self {
        if let Some(frame) = frame {
            let [right, bottom] = [self.width, self.height].map(|n| n as f32);
            for (left, top, right, bottom) in [
                (0.0, 0.0, right, frame.top()),
                (0.0, frame.bottom(), right, bottom),
                (0.0, frame.top(), frame.left(), frame.bottom()),
                (frame.right(), frame.top(), right, frame.bottom()),
            ] {
                below.fill(Rect::from_ltrb(left, top, right, bottom).map(PathBuilder::from_rect), [255; 4]);
            }
        }
        below.items.append(&mut self.items);
        Self { items: below.items, ..self }
    }

    /// Writes the picture; its name always belongs to a complete file.
    ///
    /// # Errors
    /// The picture has an unknown format or cannot be written.
    pub fn write(&self, path: &FilePath) -> Result<()> {
        let failed = |cause: String| write_error(path, cause);
        let bytes = match Format::of(path)? {
            Format::Png => self.png().map_err(failed)?,
            Format::Svg => self.svg().map_err(failed)?.into_bytes(),
        };
        write_atomic(path, bytes)
    }

    fn png(&self) -> std::result::Result<Vec<u8>, String> {
        let mut page = Pixmap::new(self.width, self.height).ok_or("the picture is too large")?;
        page.fill(tiny_skia::Color::WHITE);
        for item in &self.items {
            match item {
                Item::Fill { path, colour } => {
                    page.fill_path(path, &paint(*colour), FillRule::Winding, Transform::identity(), None);
                }
                Item::Stroke { path, colour, width } => {
                    let (width, colour) = pale_if_thin(*width, *colour);
                    let stroke =
                        Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
                    page.stroke_path(path, &paint(colour), &stroke, Transform::identity(), None);
                }
                Item::Image { pixmap, x, y } => {
                    let (x, y) = (*x as i32, *y as i32);
                    page.draw_pixmap(x, y, pixmap.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
                }
            }
        }
        page.encode_png().map_err(|e| e.to_string())
    }

    fn svg(&self) -> std::result::Result<String, String> {
        let (width, height) = (self.width, self.height);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
        );
        for item in &self.items {
            text += &match item {
                Item::Fill { path, colour } => format!("<path d=\"{}\" {}/>\n", data(path), ink("fill", *colour)),
                Item::Stroke { path, colour, width } => format!(
                    "<path d=\"{}\" fill=\"none\" {} stroke-width=\"{width:.2}\" stroke-linecap=\"round\" \
                     stroke-linejoin=\"round\"/>\n",
                    data(path),
                    ink("stroke", *colour)
                ),
                Item::Image { pixmap, x, y } => format!(
                    "<image x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" href=\"data:image/png;base64,{}\"/>\n",
                    pixmap.width(),
                    pixmap.height(),
                    BASE64.encode(pixmap.encode_png().map_err(|e| e.to_string())?)
                ),
            };
        }
        Ok(text + "</svg>\n")
    }
}

/// Returns the width (px) and the colour of a line: one that is thinner than a pixel becomes a
/// paler one of a pixel. tiny-skia draws the pieces of a thinner line one by one, with dots where
/// they meet.
fn pale_if_thin(width: f32, [r, g, b, a]: Colour) -> (f32, Colour) {
    const THINNEST: f32 = 1.01;
    let opacity = f32::from(a) * (width / THINNEST).min(1.0);
    (width.max(THINNEST), [r, g, b, opacity.round() as u8])
}

fn paint(colour: Colour) -> Paint<'static> {
    let [r, g, b, a] = colour;
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, a);
    paint
}

fn ink(what: &str, [r, g, b, a]: Colour) -> String {
    let opacity = f32::from(a) / 255.0;
    format!("{what}=\"#{r:02x}{g:02x}{b:02x}\" {what}-opacity=\"{opacity:.2}\"")
}

/// Formats a path in the syntax of SVG.
fn data(path: &Path) -> String {
    let mut text = String::new();
    for segment in path.segments() {
        let (letter, points) = match segment {
            PathSegment::MoveTo(p) => ('M', vec![p]),
            PathSegment::LineTo(p) => ('L', vec![p]),
            PathSegment::QuadTo(a, p) => ('Q', vec![a, p]),
            PathSegment::CubicTo(a, b, p) => ('C', vec![a, b, p]),
            PathSegment::Close => ('Z', vec![]),
        };
        text.push(letter);
        for p in points {
            // Writing to a String cannot fail.
            let _ = write!(text, "{:.2} {:.2} ", p.x, p.y);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_line_of_many_pieces_has_no_dots() {
        let mut scene = Scene::new(60, 20);
        let mut path = PathBuilder::new();
        for x in 0..25 {
            let [from, to] = [x, x + 1].map(|x| 5.0 + 2.0 * x as f32);
            path.move_to(from, 10.3);
            path.line_to(to, 10.3);
        }
        scene.stroke(path.finish(), [0, 0, 0, 255], 0.8);
        let picture = Pixmap::decode_png(&scene.png().unwrap()).unwrap();
        let row = |y: u32| (10..50).map(|x| picture.pixel(x, y).unwrap().red()).collect::<Vec<u8>>();
        for y in 9..12 {
            assert!(row(y).windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 2), "{:?}", row(y));
        }
        assert!(row(10)[0] < 128);
    }
}
