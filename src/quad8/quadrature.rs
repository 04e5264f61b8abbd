//! Gauss-Legendre rules on [-1, 1] and their products on the reference square, with the shape
//! functions at their points.

use crate::quad8::{derivatives, shape};

/// Abscissa of the 2-point rule: 1/sqrt(3).
const G2: f64 = 0.577_350_269_189_625_8;
/// Abscissa of the 3-point rule: sqrt(3/5).
const G3: f64 = 0.774_596_669_241_483_4;

/// 3-point rule as (abscissa, weight), exact for degree 5.
const GAUSS_3: [(f64, f64); 3] = [(-G3, 5.0 / 9.0), (0.0, 8.0 / 9.0), (G3, 5.0 / 9.0)];

/// Returns the nine points (xi, eta, weight) of the 3x3 rule, for stiffness and load.
pub const fn points_3x3() -> [[f64; 3]; 9] {
    let mut points = [[0.0; 3]; 9];
    let mut q = 0;
    while q < 9 {
        let ((xi, a), (eta, b)) = (GAUSS_3[q / 3], GAUSS_3[q % 3]);
        points[q] = [xi, eta, a * b];
        q += 1;
    }
    points
}

/// Returns the four points (xi, eta) of the 2x2 rule, for derived fields.
pub const fn points_2x2() -> [[f64; 2]; 4] {
    [[-G2, -G2], [G2, -G2], [G2, G2], [-G2, G2]]
}

/// Shape functions at the points of the 2x2 rule.
pub const SHAPES_2X2: [[f64; 8]; 4] = shapes_at(&points_2x2());
/// Derivatives of the shape functions with respect to (xi, eta) at the points of the 2x2 rule.
pub const DERIVATIVES_2X2: [[[f64; 2]; 8]; 4] = derivatives_at(&points_2x2());
/// Shape functions at the points of the 3x3 rule.
pub const SHAPES_3X3: [[f64; 8]; 9] = shapes_at(&points_3x3());
/// Derivatives of the shape functions with respect to (xi, eta) at the points of the 3x3 rule.
pub const DERIVATIVES_3X3: [[[f64; 2]; 8]; 9] = derivatives_at(&points_3x3());

/// Evaluates the shape functions at points that start with (xi, eta).
const fn shapes_at<const M: usize, const N: usize>(points: &[[f64; M]; N]) -> [[f64; 8]; N] {
    let mut table = [[0.0; 8]; N];
    let mut q = 0;
    while q < N {
        table[q] = shape(points[q][0], points[q][1]);
        q += 1;
    }
    table
}

/// Evaluates the derivatives of the shape functions at points that start with (xi, eta).
const fn derivatives_at<const M: usize, const N: usize>(points: &[[f64; M]; N]) -> [[[f64; 2]; 8]; N] {
    let mut table = [[[0.0; 2]; 8]; N];
    let mut q = 0;
    while q < N {
        table[q] = derivatives(points[q][0], points[q][1]);
        q += 1;
    }
    table
}

/// Evaluates the three shape functions (corner, midside, corner) of an edge at the 3-point rule:
/// (shape, derivative, weight).
pub fn edge_points() -> [([f64; 3], [f64; 3], f64); 3] {
    GAUSS_3.map(|(s, weight)| (super::edge_shape(s), [s - 0.5, -2.0 * s, s + 0.5], weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_integrate_their_degree_exactly() {
        let integral = |rule: &[(f64, f64)], power: i32| rule.iter().map(|(s, w)| w * s.powi(power)).sum::<f64>();
        let gauss_2 = [0, 1].map(|i| (points_2x2()[i][0], 1.0));
        for power in 0..6 {
            let exact = if power % 2 == 0 { 2.0 / f64::from(power + 1) } else { 0.0 };
            assert!((integral(&GAUSS_3, power) - exact).abs() < 1e-15);
            if power < 4 {
                assert!((integral(&gauss_2, power) - exact).abs() < 1e-15);
            }
        }
        assert!((points_3x3().iter().map(|p| p[2]).sum::<f64>() - 4.0).abs() < 1e-15);
    }
}
