//! Gradients inside elements, in batches of eight elements.

use multiversion::multiversion;

use crate::quad8::{
    Batch, DERIVATIVES_2X2, DERIVATIVES_3X3, LANES, Lane, SHAPES_2X2, SHAPES_3X3, bilinear_form, points_3x3, slopes,
};

/// Point of each element of a batch with the gradient of u.
#[derive(Clone, Copy)]
pub struct GradientAt {
    /// Coordinates x and y (m).
    pub point: [Lane; 2],
    /// Derivatives du/dx and du/dy.
    pub gradient: [Lane; 2],
}

const POINTS_3X3: [[f64; 3]; 9] = points_3x3();

/// Evaluates the gradient of u at the 2x2 Gauss points, where it is superconvergent (J. Barlow,
/// *Optimal stress locations in finite element models*, Int. J. Numer. Methods Eng. 10 (1976)).
/// `u[a]` holds the values of local node `a`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn gradients_2x2(batch: &Batch, u: &[Lane; 8]) -> [GradientAt; 4] {
    let mut all = [GradientAt { point: [[0.0; LANES]; 2], gradient: [[0.0; LANES]; 2] }; 4];
    for (q, at) in all.iter_mut().enumerate() {
        let (n, d) = (&SHAPES_2X2[q], &DERIVATIVES_2X2[q]);
        let ([x_xi, x_eta], [y_xi, y_eta]) = (slopes(d, &batch.x), slopes(d, &batch.y));
        let [u_xi, u_eta] = slopes(d, u);
        for a in 0..8 {
            for l in 0..LANES {
                at.point[0][l] += n[a] * batch.x[a][l];
                at.point[1][l] += n[a] * batch.y[a][l];
            }
        }
        for l in 0..LANES {
            let inverse = 1.0 / (x_xi[l] * y_eta[l] - x_eta[l] * y_xi[l]);
            at.gradient[0][l] = (u_xi[l] * y_eta[l] - u_eta[l] * y_xi[l]) * inverse;
            at.gradient[1][l] = (u_eta[l] * x_xi[l] - u_xi[l] * x_eta[l]) * inverse;
        }
    }
    all
}

/// Integrates v . k v for v = g - grad u and for v = grad u over each element by the 3x3 Gauss
/// rule. `g[axis][a]` holds the nodal values of g, and `k[q]` the conductivity at Gauss point `q`,
/// a number or a tensor.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn gradient_distance<const N: usize>(
    batch: &Batch,
    u: &[Lane; 8],
    g: &[[Lane; 8]; 2],
    k: &[[Lane; N]; 9],
) -> (Lane, Lane) {
    let (mut distance, mut energy) = ([0.0; LANES], [0.0; LANES]);
    for q in 0..9 {
        let (n, d) = (&SHAPES_3X3[q], &DERIVATIVES_3X3[q]);
        let ([x_xi, x_eta], [y_xi, y_eta]) = (slopes(d, &batch.x), slopes(d, &batch.y));
        let [u_xi, u_eta] = slopes(d, u);
        let [mut g_x, mut g_y] = [[0.0; LANES]; 2];
        for a in 0..8 {
            for l in 0..LANES {
                g_x[l] += n[a] * g[0][a][l];
                g_y[l] += n[a] * g[1][a][l];
            }
        }
        let (mut scaled, mut slope, mut error) = ([[0.0; LANES]; N], [[0.0; LANES]; 2], [[0.0; LANES]; 2]);
        for l in 0..LANES {
            let determinant = x_xi[l] * y_eta[l] - x_eta[l] * y_xi[l];
            slope[0][l] = (u_xi[l] * y_eta[l] - u_eta[l] * y_xi[l]) / determinant;
            slope[1][l] = (u_eta[l] * x_xi[l] - u_xi[l] * x_eta[l]) / determinant;
            (error[0][l], error[1][l]) = (g_x[l] - slope[0][l], g_y[l] - slope[1][l]);
            for i in 0..N {
                scaled[i][l] = POINTS_3X3[q][2] * k[q][i][l] * determinant;
            }
        }
        let (of_error, of_slope) = (bilinear_form(&scaled, &error, &error), bilinear_form(&scaled, &slope, &slope));
        for l in 0..LANES {
            distance[l] += of_error[l];
            energy[l] += of_slope[l];
        }
    }
    (distance, energy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::quadrature::points_2x2;
    use crate::quad8::{Coordinates, NODES, gradients, map};

    fn curved() -> Coordinates {
        let mut c = NODES.map(|[x, y]| [2.0 + 1.5 * x + 0.2 * y, 0.7 * y - 0.1 * x]);
        c[4][1] -= 0.15;
        c[5][0] += 0.1;
        c
    }

    fn lanes(values: impl Fn([f64; 2]) -> f64) -> [Lane; 8] {
        curved().map(|point| [values(point); LANES])
    }

    #[test]
    fn gradients_are_those_of_the_shape_functions() {
        let batch = Batch::gather([curved()].into_iter());
        let value = |[x, y]: [f64; 2]| (x * y).sin() + 2.0 * y;
        for (at, [xi, eta]) in gradients_2x2(&batch, &lanes(value)).iter().zip(points_2x2()) {
            let point = map(&curved(), xi, eta);
            let shapes = gradients(&curved(), xi, eta).gradients;
            for axis in 0..2 {
                let expected: f64 = shapes.iter().zip(curved()).map(|(g, c)| g[axis] * value(c)).sum();
                assert!((at.gradient[axis][3] - expected).abs() < 1e-13);
                assert!((at.point[axis][7] - point[axis]).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn the_distance_vanishes_for_the_true_gradient_and_is_the_energy_without_one() {
        let batch = Batch::gather([curved()].into_iter());
        let (u, k) = (lanes(|[x, y]| 3.0 * x - 4.0 * y), [[[2.0; LANES]]; 9]);
        let (none, energy) = gradient_distance(&batch, &u, &[lanes(|_| 3.0), lanes(|_| -4.0)], &k);
        let (all, _) = gradient_distance(&batch, &u, &[lanes(|_| 0.0), lanes(|_| 0.0)], &k);
        let area: f64 = POINTS_3X3.iter().map(|p| p[2] * gradients(&curved(), p[0], p[1]).determinant).sum();
        assert!(none[0] < 1e-24 && (all[0] - energy[0]).abs() < 1e-12);
        assert!((energy[0] - 50.0 * area).abs() < 1e-12);
    }
}
