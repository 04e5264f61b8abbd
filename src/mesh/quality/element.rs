//! Quality of one element.

use multiversion::multiversion;

use crate::quad8;
use crate::quad8::{Batch, Coordinates, LANES, Lane, NODES, slopes};

/// Quality of one element, by P. M. Knupp, *Achieving finite element mesh quality via optimization
/// of the Jacobian matrix norm and associated quantities*, Int. J. Numer. Meth. Engng 48 (2000).
#[derive(Debug, Clone, Copy)]
pub struct ElementQuality {
    /// Scaled Jacobian, 1 for a rectangle, 0 or less for a folded element: the determinant of the
    /// Jacobian matrix over the product of the lengths of its two columns, the smallest of those at
    /// the eight nodes and the nine Gauss points.
    pub scaled_jacobian: f64,
    /// Reference coordinates (xi, eta) of the smallest scaled Jacobian.
    pub lowest_at: [f64; 2],
    /// Whether the determinants at all Gauss points are positive and finite.
    pub is_integrable: bool,
    /// Smallest and largest of all determinants (m^2).
    pub determinants: [f64; 2],
    /// Aspect ratio, the ratio of the sides of a rectangle: the condition number (ratio of the
    /// singular values) of the Jacobian matrix, the largest of those at the nine Gauss points.
    pub aspect_ratio: f64,
    /// Reference coordinates (xi, eta) of the largest aspect ratio.
    pub slenderest_at: [f64; 2],
}

/// Reference coordinates of the nodes, then of the Gauss points, with the derivatives of the shape
/// functions there.
const POINTS: [([f64; 2], [[f64; 2]; 8]); 17] = {
    let mut points = [([0.0; 2], [[0.0; 2]; 8]); 17];
    let mut i = 0;
    while i < 17 {
        let [xi, eta] = if i < 8 {
            NODES[i]
        } else {
            let [xi, eta, _] = quad8::points_3x3()[i - 8];
            [xi, eta]
        };
        points[i] = ([xi, eta], quad8::derivatives(xi, eta));
        i += 1;
    }
    points
};

impl ElementQuality {
    /// Measures an element.
    pub fn of(element: &Coordinates) -> Self {
        BatchQuality::of(&Batch::gather([*element].into_iter())).element(0)
    }

    /// Returns whether the element is folded, but not at any Gauss point.
    pub fn is_folded_unseen(&self) -> bool {
        // Tolerance for rounding: the determinant of a quarter-point element is 0 at its tip.
        const ROUNDING: f64 = 1e-9;
        let [smallest, largest] = self.determinants;
        self.is_integrable && smallest < -ROUNDING * largest
    }
}

/// Quality of eight elements, with the positions of the extremes as indices into [`POINTS`].
pub struct BatchQuality {
    scaled_jacobian: Lane,
    lowest_at: [usize; LANES],
    /// Number of Gauss points whose determinant is not positive.
    refused_points: Lane,
    determinants: [Lane; 2],
    aspect_ratio: Lane,
    slenderest_at: [usize; LANES],
}

impl BatchQuality {
    /// Measures the elements of a batch.
    pub fn of(batch: &Batch) -> Self {
        measure(batch)
    }

    /// Returns whether an element has a positive, finite determinant at all Gauss points.
    pub fn is_integrable(&self, lane: usize) -> bool {
        self.refused_points[lane] == 0.0 && self.determinants[1][lane] < f64::INFINITY
    }

    /// Returns the quality of one element.
    pub fn element(&self, lane: usize) -> ElementQuality {
        ElementQuality {
            scaled_jacobian: self.scaled_jacobian[lane],
            lowest_at: POINTS[self.lowest_at[lane]].0,
            is_integrable: self.is_integrable(lane),
            determinants: self.determinants.map(|lanes| lanes[lane]),
            aspect_ratio: self.aspect_ratio[lane],
            slenderest_at: POINTS[self.slenderest_at[lane]].0,
        }
    }
}

/// Measures the elements of a batch.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn measure(batch: &Batch) -> BatchQuality {
    let mut quality = BatchQuality {
        scaled_jacobian: [f64::INFINITY; LANES],
        lowest_at: [0; LANES],
        refused_points: [0.0; LANES],
        determinants: [[f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]],
        aspect_ratio: [0.0; LANES],
        slenderest_at: [NODES.len(); LANES],
    };
    // Scaled Jacobians are compared by their squares with sign, condition numbers by half the sum
    // of each and its inverse, so that roots are computed once an element and not at every point.
    let (mut signed_squares, mut means) = ([f64::INFINITY; LANES], [0.0; LANES]);
    for (i, (_, derivatives)) in POINTS.iter().enumerate() {
        let ([x_xi, x_eta], [y_xi, y_eta]) = (slopes(derivatives, &batch.x), slopes(derivatives, &batch.y));
        let [smallest, largest] = &mut quality.determinants;
        for l in 0..LANES {
            let determinant = x_xi[l] * y_eta[l] - x_eta[l] * y_xi[l];
            let (a, b) = (x_xi[l] * x_xi[l] + y_xi[l] * y_xi[l], x_eta[l] * x_eta[l] + y_eta[l] * y_eta[l]);
            smallest[l] = determinant.min(smallest[l]);
            largest[l] = determinant.max(largest[l]);
            // A column of length zero, as at the tip of a quarter-point element, spans no area.
            let signed_square = if a * b == 0.0 { 0.0 } else { determinant * (determinant.abs() / (a * b)) };
            let is_lowest = is_lower(signed_square, signed_squares[l]);
            signed_squares[l] = if is_lowest { signed_square } else { signed_squares[l] };
            quality.lowest_at[l] = if is_lowest { i } else { quality.lowest_at[l] };
            if i >= NODES.len() {
                quality.refused_points[l] += if quad8::is_valid(determinant) { 0.0 } else { 1.0 };
                let mean = ((a + b) / (2.0 * determinant)).max(1.0);
                let mean = if determinant > 0.0 { mean } else { f64::INFINITY };
                let is_slenderest = mean > means[l];
                means[l] = if is_slenderest { mean } else { means[l] };
                quality.slenderest_at[l] = if is_slenderest { i } else { quality.slenderest_at[l] };
            }
        }
    }
    for l in 0..LANES {
        quality.scaled_jacobian[l] = signed_squares[l].abs().sqrt().copysign(signed_squares[l]);
        quality.aspect_ratio[l] = means[l] + (means[l] * means[l] - 1.0).sqrt();
    }
    quality
}

/// Returns whether `a` is lower than `b`; NaN is lower than any number.
#[inline(always)]
pub(crate) fn is_lower(a: f64, b: f64) -> bool {
    // Without a branch, for the loops over lanes.
    (a < b) | (a.is_nan() & !b.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_perfect_and_rhombi_are_as_good_as_the_sine_of_their_angle() {
        let rectangle = ElementQuality::of(&NODES.map(|[xi, eta]| [3.0 * xi, 0.1 * eta]));
        assert!((rectangle.scaled_jacobian - 1.0).abs() < 1e-14 && (rectangle.aspect_ratio - 30.0).abs() < 1e-12);
        let angle = 0.5_f64;
        let rhombus = ElementQuality::of(&NODES.map(|[xi, eta]| [xi + eta * angle.cos(), eta * angle.sin()]));
        assert!((rhombus.scaled_jacobian - angle.sin()).abs() < 1e-14);
        // The ratio of its diagonals.
        assert!((rhombus.aspect_ratio - 1.0 / (0.5 * angle).tan()).abs() < 1e-12);
    }
}
