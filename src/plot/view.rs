//! Map from metres to pixels.

use crate::io::results::ResultsMesh as Mesh;

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

    /// Returns width and height (m).
    pub fn size(&self) -> [f64; 2] {
        [self.high[0] - self.low[0], self.high[1] - self.low[1]]
    }
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
