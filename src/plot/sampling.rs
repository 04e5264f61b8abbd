//! Sampling of a picture: the element at each sample, and the position in it.

use rayon::prelude::*;

use crate::plot::reader::Mesh;
use crate::plot::view::View;
use crate::quad8;

/// Samples along each side of a pixel.
pub const PER_PIXEL: usize = 2;

const NO_ELEMENT: u32 = u32::MAX;

/// Point in the reference coordinates of an element.
#[derive(Clone, Copy)]
struct ReferencePoint {
    element: u32,
    /// Reference coordinates (xi, eta).
    local: [f32; 2],
}

/// Grid of samples over a view, row by row from the upper left.
pub struct Sampling {
    /// Number of samples in a row.
    pub width: usize,
    points: Vec<ReferencePoint>,
}

impl Sampling {
    /// Finds the element at each sample by inverting the isoparametric map.
    pub fn new(mesh: &Mesh, view: &View) -> Self {
        let [width, height] = view.size.map(|n| n as usize * PER_PIXEL);
        let scale = view.scale() * PER_PIXEL as f64;
        let (left, top) = (view.bounds.low[0], view.bounds.high[1]);
        // Coordinates in samples: the centre of sample i is at i.
        let to_samples = |[x, y]: [f64; 2]| [(x - left) * scale - 0.5, (top - y) * scale - 0.5];
        let bands = Bands::new(mesh, height, &to_samples);

        let mut points = vec![ReferencePoint { element: NO_ELEMENT, local: [0.0; 2] }; width * height];
        points.par_chunks_mut(width * BAND).enumerate().for_each(|(band, points)| {
            let first = band * BAND;
            let rows = first..first + points.len() / width;
            for &element in bands.elements(band) {
                let coordinates = mesh.coordinates(element as usize).map(to_samples);
                let [(x_low, x_high), (y_low, y_high)] = quad8::bounding_box(&coordinates);
                let columns = clamp(x_low, width)..clamp(x_high + 1.0, width);
                for row in clamp(y_low, height).max(rows.start)..clamp(y_high + 1.0, height).min(rows.end) {
                    for column in columns.clone() {
                        let point = &mut points[(row - first) * width + column];
                        if point.element == NO_ELEMENT
                            && let Some(local) = quad8::inverse_map(&coordinates, [column as f64, row as f64])
                        {
                            *point = ReferencePoint { element, local: local.map(|v| v as f32) };
                        }
                    }
                }
            }
        });
        Self { width, points }
    }

    /// Interpolates nodal values at the samples by the shape functions; NaN outside.
    pub fn nodal(&self, mesh: &Mesh, values: &[f64]) -> Vec<f32> {
        self.each(|point| {
            let [xi, eta] = point.local.map(f64::from);
            let nodes = mesh.elements[point.element as usize];
            quad8::shape(xi, eta).iter().zip(nodes).map(|(n, node)| n * values[node as usize]).sum()
        })
    }

    /// Returns the values of elements at the samples; NaN outside.
    pub fn cells(&self, values: &[f64]) -> Vec<f32> {
        self.each(|point| values[point.element as usize])
    }

    fn each(&self, value: impl Fn(&ReferencePoint) -> f64 + Sync) -> Vec<f32> {
        let at = |point: &ReferencePoint| if point.element == NO_ELEMENT { f32::NAN } else { value(point) as f32 };
        self.points.par_iter().with_min_len(4096).map(at).collect()
    }
}

/// Number of rows in a band.
const BAND: usize = 32;

/// Elements that touch each band of rows, ascending.
struct Bands {
    offsets: Vec<usize>,
    elements: Vec<u32>,
}

impl Bands {
    fn new(mesh: &Mesh, height: usize, to_samples: &(impl Fn([f64; 2]) -> [f64; 2] + Sync)) -> Self {
        let count = height.div_ceil(BAND);
        let touched: Vec<(u32, u32)> = (0..mesh.elements.len())
            .into_par_iter()
            .with_min_len(1024)
            .map(|e| {
                let [_, (low, high)] = quad8::bounding_box(&mesh.coordinates(e).map(to_samples));
                let (first, end) = (clamp(low, height), clamp(high + 1.0, height));
                ((first / BAND) as u32, end.div_ceil(BAND) as u32)
            })
            .collect();
        let mut offsets = vec![0; count + 1];
        for &(first, end) in &touched {
            (first..end).for_each(|band| offsets[band as usize + 1] += 1);
        }
        for band in 0..count {
            offsets[band + 1] += offsets[band];
        }
        let mut next = offsets.clone();
        let mut elements = vec![0; offsets[count]];
        for (&(first, end), element) in touched.iter().zip(0..) {
            for band in first..end {
                elements[next[band as usize]] = element;
                next[band as usize] += 1;
            }
        }
        Self { offsets, elements }
    }

    fn elements(&self, band: usize) -> &[u32] {
        &self.elements[self.offsets[band]..self.offsets[band + 1]]
    }
}

/// Rounds up to a whole number between 0 and `limit`.
fn clamp(value: f64, limit: usize) -> usize {
    // A NaN becomes 0.
    (value.ceil().max(0.0) as usize).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::view::Bounds;
    use crate::quad8::Coordinates;

    fn curved() -> Coordinates {
        let mut points = quad8::NODES.map(|[x, y]| [3.0 + 1.5 * x + 0.2 * y, 4.0 + 1.1 * y - 0.3 * x]);
        points[4][1] -= 0.3;
        points[5][0] += 0.2;
        points
    }

    #[test]
    fn samples_inside_a_curved_element_hold_the_field_and_others_nan() {
        let mesh = Mesh { points: curved().to_vec(), elements: vec![[0, 1, 2, 3, 4, 5, 6, 7]] };
        let bounds = Bounds::of(&mesh).with_margin(0.05);
        let size = bounds.size().map(|s| (20.0 * s) as u32);
        let view = View { bounds, corner: [0, 0], size };
        let sampling = Sampling::new(&mesh, &view);
        // A linear function of the coordinates is represented exactly.
        let values: Vec<f64> = mesh.points.iter().map(|[x, y]| 2.0 * x - y).collect();
        let found = sampling.nodal(&mesh, &values);
        let step = 1.0 / (view.scale() * PER_PIXEL as f64);
        let mut inside = 0;
        for (i, &value) in found.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            let x = bounds.low[0] + ((i % sampling.width) as f64 + 0.5) * step;
            let y = bounds.high[1] - ((i / sampling.width) as f64 + 0.5) * step;
            assert!((f64::from(value) - (2.0 * x - y)).abs() < 1e-4);
            inside += 1;
        }
        let area: f64 =
            quad8::points_3x3().map(|[xi, eta, w]| w * quad8::gradients(&curved(), xi, eta).determinant).iter().sum();
        assert!((f64::from(inside) * step * step / area - 1.0).abs() < 0.01);
    }
}
