//! Map from metres to pixels.

use std::str::FromStr;

use tiny_skia::Rect;

use crate::error::{Error, Result};
use crate::io::results::ResultsMesh as Mesh;
use crate::system::{arguments, significant};

/// Bounding box in the plane (m).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Smallest x and y.
    pub low: [f64; 2],
    /// Largest x and y.
    pub high: [f64; 2],
}

impl Bounds {
    /// Returns the bounding box of the nodes of all elements.
    pub fn of(mesh: &Mesh) -> Self {
        let mut bounds = Self { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };
        for &node in mesh.elements.iter().flatten() {
            bounds.include(mesh.points[node as usize]);
        }
        bounds
    }

    /// Extends the box to a point.
    pub fn include(&mut self, point: [f64; 2]) {
        for axis in 0..2 {
            self.low[axis] = self.low[axis].min(point[axis]);
            self.high[axis] = self.high[axis].max(point[axis]);
        }
    }

    /// Returns the box with a margin on all sides, in proportion to the longer one.
    pub fn with_margin(self, part: f64) -> Self {
        let [width, height] = self.size();
        let margin = part * width.max(height);
        Self { low: self.low.map(|v| v - margin), high: self.high.map(|v| v + margin) }
    }

    /// Returns the box with all y multiplied by a factor.
    pub fn stretched(self, factor: f64) -> Self {
        let stretch = |[x, y]: [f64; 2]| [x, factor * y];
        Self { low: stretch(self.low), high: stretch(self.high) }
    }

    /// Tests whether the box and another one have an area in common.
    pub fn meets(&self, other: &Self) -> bool {
        (0..2).all(|axis| self.low[axis] < other.high[axis] && other.low[axis] < self.high[axis])
    }

    /// Returns the part of the box in a window, which is all of it where there is none.
    pub fn within(self, window: Option<Self>) -> Self {
        let Some(window) = window else { return self };
        Self {
            low: [0, 1].map(|axis| self.low[axis].max(window.low[axis])),
            high: [0, 1].map(|axis| self.high[axis].min(window.high[axis])),
        }
    }

    /// Returns width and height (m).
    pub fn size(&self) -> [f64; 2] {
        [self.high[0] - self.low[0], self.high[1] - self.low[1]]
    }
}

impl FromStr for Bounds {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, &'static str> {
        const FORM: &str = "must be X0,Y0,X1,Y1 in metres, with X0 less than X1 and Y0 less than Y1";
        let numbers: std::result::Result<Vec<f64>, _> =
            text.split(',').map(|number| arguments::finite(number.trim())).collect();
        match numbers.as_deref() {
            Ok(&[x0, y0, x1, y1]) if x0 < x1 && y0 < y1 => Ok(Self { low: [x0, y0], high: [x1, y1] }),
            _ => Err(FORM),
        }
    }
}

/// Checks that the window has a part of the domain in it, and that its size can be drawn. All y are
/// stretched by a factor.
///
/// # Errors
/// A window outside, or one that is too small or too large.
pub fn check_view(domain: Bounds, window: Option<Bounds>, stretch: f64) -> Result<()> {
    if let Some(window) = window.filter(|window| !window.meets(&domain)) {
        let [domain, window] = [domain, window].map(|bounds| {
            let Bounds { low, high } = bounds.stretched(1.0 / stretch);
            let [x, y] = [0, 1].map(|axis| format!("{} to {}", significant(low[axis]), significant(high[axis])));
            format!("x from {x} m and y from {y} m")
        });
        return Err(Error::input(format!("the window with {window} is outside of the domain, which has {domain}")));
    }
    let [width, height] = window.unwrap_or(domain).size();
    if [width, height].iter().all(|size| (1e-37..=1e37).contains(size)) {
        return Ok(());
    }
    Err(Error::input(format!(
        "the mesh is {} m wide and {} m high: a picture needs from 1e-37 to 1e37 m of both",
        significant(width),
        significant(height)
    )))
}

/// Rectangle of pixels that shows a part of the plane, with one scale on both axes.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Visible part of the plane (m).
    pub bounds: Bounds,
    /// Upper left corner on the page (px).
    pub corner: [u32; 2],
    /// Width and height (px).
    pub size: [u32; 2],
}

impl View {
    /// Returns a view of few pixels, to look at the values in a part of the plane.
    pub fn coarse(bounds: Bounds) -> Self {
        const LONGER_SIDE: f64 = 400.0;
        let [width, height] = bounds.size();
        let pixels = |side: f64| (LONGER_SIDE * side / width.max(height)).round().max(1.0) as u32;
        Self { bounds, corner: [0, 0], size: [pixels(width), pixels(height)] }
    }

    /// Returns the rectangle on the page (px).
    pub fn frame(&self) -> Option<Rect> {
        let [[left, top], [width, height]] = [self.corner, self.size].map(|pair| pair.map(|n| n as f32));
        Rect::from_xywh(left, top, width, height)
    }

    /// Returns the pixels per metre.
    pub fn scale(&self) -> f64 {
        f64::from(self.size[0]) / self.bounds.size()[0]
    }

    /// Returns the position on the page (px) of a point (m).
    pub fn place(&self, [x, y]: [f64; 2]) -> [f32; 2] {
        let scale = self.scale();
        let right = (x - self.bounds.low[0]) * scale;
        let down = (self.bounds.high[1] - y) * scale;
        [(f64::from(self.corner[0]) + right) as f32, (f64::from(self.corner[1]) + down) as f32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_two_corners() {
        let window = |text: &str| text.parse::<Bounds>();
        let found = window("-1, 0,2.5,1e-3").unwrap();
        assert_eq!(found, Bounds { low: [-1.0, 0.0], high: [2.5, 1e-3] });
        for text in ["", "1,2,3", "0,0,1,1,1", "0,0,1,x", "0,0,nan,1", "0,0,inf,1", "1,0,0,1", "0,1,1,1"] {
            assert!(window(text).is_err(), "{text}");
        }
        assert_eq!(found.stretched(10.0).high, [2.5, 1e-2]);
        assert!(found.meets(&found) && !found.meets(&Bounds { low: [2.5, 0.0], high: [3.0, 1.0] }));
    }
}
