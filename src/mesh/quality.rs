//! How good elements are.

use crate::quad8::{self, Coordinates};

/// Bars of the histogram, each as wide as the others between 0 and 1.
pub const BARS: usize = 10;

/// The scaled Jacobian of an element, 1 for a rectangle and 0 or less for a
/// folded element: the smallest, over its corners and nine Gauss points, of the
/// determinant over the product of the lengths of the two tangents. P. M. Knupp,
/// *Achieving finite element mesh quality via optimization of the Jacobian
/// matrix norm and associated quantities*, Int. J. Numer. Meth. Engng 48 (2000).
pub fn scaled_jacobian(element: &Coordinates) -> f64 {
    let corners = quad8::NODES[..4].iter().copied();
    let points = corners.chain(quad8::points_3x3().map(|[xi, eta, _]| [xi, eta]));
    points.map(|[xi, eta]| scaled_at(element, xi, eta)).fold(f64::INFINITY, lower)
}

/// The lower of two values; unlike f64::min, this keeps a NaN.
fn lower(a: f64, b: f64) -> f64 {
    if b >= a || a.is_nan() { a } else { b }
}

fn scaled_at(element: &Coordinates, xi: f64, eta: f64) -> f64 {
    let [[x_xi, x_eta], [y_xi, y_eta]] = quad8::jacobian(element, &quad8::derivatives(xi, eta));
    (x_xi * y_eta - x_eta * y_xi) / (x_xi.hypot(y_xi) * x_eta.hypot(y_eta))
}

/// The quality of many elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The lowest of them, infinite without elements.
    pub lowest: f64,
    /// Elements that are not better than 0.
    pub folded: u64,
    /// Elements in each tenth of 0 to 1.
    pub bars: [u64; BARS],
}

impl Default for Summary {
    fn default() -> Self {
        Self { lowest: f64::INFINITY, folded: 0, bars: [0; BARS] }
    }
}

impl Summary {
    /// Counts an element.
    pub fn add(&mut self, quality: f64) {
        if quality > 0.0 {
            self.bars[((quality * BARS as f64) as usize).min(BARS - 1)] += 1;
        } else {
            self.folded += 1;
        }
        self.lowest = lower(self.lowest, quality);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::NODES;

    #[test]
    fn rectangles_are_perfect_and_rhombi_are_as_good_as_the_sine_of_their_angle() {
        let rectangle = NODES.map(|[xi, eta]| [3.0 * xi, 0.1 * eta]);
        assert!((scaled_jacobian(&rectangle) - 1.0).abs() < 1e-14);
        let angle = 0.5_f64;
        let rhombus = NODES.map(|[xi, eta]| [xi + eta * angle.cos(), eta * angle.sin()]);
        assert!((scaled_jacobian(&rhombus) - angle.sin()).abs() < 1e-14);
    }

    #[test]
    fn folded_and_undefined_elements_are_counted_apart() {
        let mut summary = Summary::default();
        [0.95, 1.0, 0.1, -0.5, f64::NAN].into_iter().for_each(|quality| summary.add(quality));
        assert_eq!((summary.folded, summary.bars[9], summary.bars[1]), (2, 2, 1));
        assert!(summary.lowest.is_nan());
    }
}
