//! Element matrices in batches of eight elements. The innermost index runs over the elements, so
//! that the compiler vectorises each line, in one version per instruction set, selected at run
//! time.

use multiversion::multiversion;

use crate::quad8::{Coordinates, DERIVATIVES_3X3, SHAPES_3X3, multiply, points_3x3};

/// Number of elements in a batch.
pub const LANES: usize = 8;

/// One value for each element of a batch.
pub type Lane = [f64; LANES];

/// Number of pairs of different nodes of an element.
pub const PAIRS: usize = 28;

/// Returns the position of the pair (a, b), a != b, among the pairs with a < b, row by row.
pub const fn pair(a: usize, b: usize) -> usize {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    a * (13 - a) / 2 + b - 1
}

/// Stiffness K_ab of each [`pair`] of nodes of eight elements, element index innermost. Lanes
/// without an element are zero.
pub type BatchStiffness<T> = [[T; LANES]; PAIRS];

const POINTS: [[f64; 3]; 9] = points_3x3();

/// Node coordinates (m) of eight elements, element index innermost.
#[derive(Clone, Copy)]
pub struct Batch {
    /// x of local node `a` of element `l` at `x[a][l]`.
    pub x: [Lane; 8],
    /// y of local node `a` of element `l` at `y[a][l]`.
    pub y: [Lane; 8],
}

impl Batch {
    /// Gathers up to eight elements; lanes without an element repeat the first one.
    pub fn gather(elements: impl ExactSizeIterator<Item = Coordinates>) -> Self {
        let mut batch = Self { x: [[0.0; LANES]; 8], y: [[0.0; LANES]; 8] };
        let count = elements.len();
        for (l, coordinates) in elements.enumerate() {
            for (a, [x, y]) in coordinates.into_iter().enumerate() {
                batch.x[a][l] = x;
                batch.y[a][l] = y;
            }
        }
        for l in count..LANES {
            for a in 0..8 {
                batch.x[a][l] = batch.x[a][0];
                batch.y[a][l] = batch.y[a][0];
            }
        }
        batch
    }

    /// Returns the coordinates of one element of the batch.
    pub fn element(&self, lane: usize) -> Coordinates {
        std::array::from_fn(|a| [self.x[a][lane], self.y[a][lane]])
    }
}

/// Integrates the stiffness K_ab (integral of k grad N_a . grad N_b) of a batch for each [`pair`]
/// of nodes. Also returns the smallest Jacobian determinant (m^2) of each element over the nine
/// Gauss points. `k[q]` is the conductivity at Gauss point `q`, a number or a tensor. The N_b sum
/// to one, so that rows sum to zero and K_aa is minus the sum of the pairs of a.
///
/// The matrix is meaningless if a determinant is not positive; the caller must reject the element.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn stiffness<const N: usize>(batch: &Batch, k: &[[Lane; N]; 9]) -> ([Lane; PAIRS], Lane) {
    let mut pairs = [[0.0; LANES]; PAIRS];
    let mut smallest = [f64::INFINITY; LANES];
    for q in 0..9 {
        let d = &DERIVATIVES_3X3[q];
        let ([x_xi, x_eta], [y_xi, y_eta]) = (slopes(d, &batch.x), slopes(d, &batch.y));
        let mut scaled = [[0.0; LANES]; N];
        for l in 0..LANES {
            let determinant = x_xi[l] * y_eta[l] - x_eta[l] * y_xi[l];
            for i in 0..N {
                scaled[i][l] = POINTS[q][2] * k[q][i][l] / determinant;
            }
            // Unlike f64::min, this keeps a NaN.
            smallest[l] = if determinant >= smallest[l] { smallest[l] } else { determinant };
        }
        // Gradients times the determinant; `scaled` contains its reciprocal.
        let (mut gx, mut gy) = ([[0.0; LANES]; 8], [[0.0; LANES]; 8]);
        for a in 0..8 {
            for l in 0..LANES {
                gx[a][l] = d[a][0] * y_eta[l] - d[a][1] * y_xi[l];
                gy[a][l] = d[a][1] * x_xi[l] - d[a][0] * x_eta[l];
            }
        }
        let mut pair = 0;
        for a in 0..7 {
            let [sx, sy] = multiply(&scaled, &gx[a], &gy[a]);
            for b in a + 1..8 {
                for l in 0..LANES {
                    pairs[pair][l] += sx[l] * gx[b][l] + sy[l] * gy[b][l];
                }
                pair += 1;
            }
        }
    }
    (pairs, smallest)
}

/// Computes d/dxi and d/deta of a function from its nodal values and the derivatives `d` of the
/// shape functions. Inlined, so that it is compiled for the instruction set of its caller.
#[inline(always)]
pub(crate) fn slopes(d: &[[f64; 2]; 8], values: &[Lane; 8]) -> [Lane; 2] {
    let [mut xi, mut eta] = [[0.0; LANES]; 2];
    for a in 0..8 {
        for l in 0..LANES {
            xi[l] += d[a][0] * values[a][l];
            eta[l] += d[a][1] * values[a][l];
        }
    }
    [xi, eta]
}

/// Integrates the load vector (integral of f N_a) of each element of a batch; `f[q]` is the source
/// at Gauss point `q`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn load(batch: &Batch, f: &[Lane; 9]) -> [Lane; 8] {
    let mut vector = [[0.0; LANES]; 8];
    for q in 0..9 {
        let d = &DERIVATIVES_3X3[q];
        let ([x_xi, x_eta], [y_xi, y_eta]) = (slopes(d, &batch.x), slopes(d, &batch.y));
        for (entry, n) in vector.iter_mut().zip(SHAPES_3X3[q]) {
            for l in 0..LANES {
                let determinant = x_xi[l] * y_eta[l] - x_eta[l] * y_xi[l];
                entry[l] += n * POINTS[q][2] * determinant * f[q][l];
            }
        }
    }
    vector
}

/// Computes x and y (m) of the nine Gauss points of each element of a batch.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn gauss_points(batch: &Batch) -> [[Lane; 2]; 9] {
    let mut points = [[[0.0; LANES]; 2]; 9];
    for (point, shapes) in points.iter_mut().zip(&SHAPES_3X3) {
        for a in 0..8 {
            for l in 0..LANES {
                point[0][l] += shapes[a] * batch.x[a][l];
                point[1][l] += shapes[a] * batch.y[a][l];
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::{NODES, map};

    fn one(coordinates: Coordinates) -> [[f64; 8]; 8] {
        let (pairs, _) = stiffness(&Batch::gather([coordinates].into_iter()), &[[[1.0; LANES]]; 9]);
        std::array::from_fn(|a| {
            let mut row = std::array::from_fn(|b| if a == b { 0.0 } else { pairs[pair(a, b)][0] });
            row[a] = -row.iter().sum::<f64>();
            row
        })
    }

    /// Returns a curved, distorted element.
    fn distorted() -> Coordinates {
        let mut c = NODES.map(|[x, y]| [1.0 + 0.6 * x + 0.15 * y + 0.05 * x * y, 0.4 * y - 0.1 * x]);
        c[4][1] -= 0.05;
        c[5][0] += 0.07;
        c[6][0] -= 0.03;
        c
    }

    #[test]
    fn pairs_are_counted_row_by_row() {
        let mut next = 0;
        for a in 0..8 {
            for b in a + 1..8 {
                assert_eq!((pair(a, b), pair(b, a)), (next, next));
                next += 1;
            }
        }
        assert_eq!(next, PAIRS);
    }

    /// Checks the stiffness of a rectangle 2a x 2b: (b/a) A + (a/b) B, where A and B are integrals
    /// of products of polynomials over the reference square, integrated here term by term without
    /// quadrature.
    #[test]
    fn rectangle_has_its_closed_form_stiffness() {
        // Coefficients of N_a in the monomials 1, x, y, xy, x2, y2, x2y, xy2.
        const POWERS: [(i32, i32); 8] = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2)];
        let coefficients: [[f64; 8]; 8] = std::array::from_fn(|n| {
            let [s, t] = NODES[n];
            match n {
                0..=3 => [-0.25, 0.0, 0.0, s * t / 4.0, 0.25, 0.25, t / 4.0, s / 4.0],
                4 | 6 => [0.5, 0.0, t / 2.0, 0.0, -0.5, 0.0, -t / 2.0, 0.0],
                _ => [0.5, s / 2.0, 0.0, 0.0, 0.0, -0.5, 0.0, -s / 2.0],
            }
        });
        let monomial = |i: i32, j: i32| {
            let one = |p: i32| if p % 2 == 0 { 2.0 / f64::from(p + 1) } else { 0.0 };
            one(i) * one(j)
        };
        let integral = |m: usize, n: usize, by_x: bool| -> f64 {
            let mut sum = 0.0;
            for (i, (xi, yi)) in POWERS.into_iter().enumerate() {
                for (j, (xj, yj)) in POWERS.into_iter().enumerate() {
                    let (factor, px, py) =
                        if by_x { (xi * xj, xi + xj - 2, yi + yj) } else { (yi * yj, xi + xj, yi + yj - 2) };
                    if factor != 0 {
                        sum += coefficients[m][i] * coefficients[n][j] * f64::from(factor) * monomial(px, py);
                    }
                }
            }
            sum
        };
        let (a, b) = (0.7, 0.3);
        let matrix = one(NODES.map(|[x, y]| [a * x, b * y]));
        for m in 0..8 {
            for n in 0..8 {
                let exact = b / a * integral(m, n, true) + a / b * integral(m, n, false);
                assert!((matrix[m][n] - exact).abs() < 1e-13, "({m},{n}): {} and {exact}", matrix[m][n]);
            }
        }
        // Diagonal entry of a corner on a square: 52/90 + 52/90.
        assert!((one(NODES)[0][0] - 104.0 / 90.0).abs() < 1e-14);
    }

    #[test]
    fn linear_fields_do_the_work_of_their_gradients() {
        let c = distorted();
        let matrix = one(c);
        // The reaction of u = x is the boundary integral of n_x N_a. Its work on u = x is the area,
        // on u = y zero.
        let work = |u: usize, v: usize| -> f64 {
            (0..8).flat_map(|a| (0..8).map(move |b| (a, b))).map(|(a, b)| c[a][u] * matrix[a][b] * c[b][v]).sum()
        };
        let area = load(&Batch::gather([c].into_iter()), &[[1.0; LANES]; 9]).iter().map(|lanes| lanes[0]).sum::<f64>();
        assert!((work(0, 0) - area).abs() < 1e-13 && (work(1, 1) - area).abs() < 1e-13);
        assert!(work(0, 1).abs() < 1e-13);
    }

    #[test]
    fn gauss_points_lie_where_the_element_maps_them() {
        let points = gauss_points(&Batch::gather([NODES, distorted()].into_iter()));
        for (point, [xi, eta, _]) in points.iter().zip(POINTS) {
            let [x, y] = map(&distorted(), xi, eta);
            assert!((point[0][1] - x).abs() < 1e-15 && (point[1][1] - y).abs() < 1e-15);
            assert!((point[0][0] - xi).abs() < 1e-15 && (point[1][0] - eta).abs() < 1e-15);
        }
    }

    #[test]
    fn determinant_is_reported_for_each_lane() {
        let flat = NODES.map(|[x, y]| [x, y * 1e-3]);
        let inverted = NODES.map(|[x, y]| [-x, y]);
        let nan = NODES.map(|[x, _]| [x, f64::NAN]);
        let (_, smallest) = stiffness(&Batch::gather([NODES, flat, inverted, nan].into_iter()), &[[[1.0; LANES]]; 9]);
        assert!((smallest[0] - 1.0).abs() < 1e-15 && (smallest[1] - 1e-3).abs() < 1e-15);
        assert!((smallest[2] + 1.0).abs() < 1e-15 && smallest[3].is_nan());
        assert_eq!(smallest[4], smallest[0]);
    }

    #[test]
    fn conductivity_scales_the_matrix() {
        let batch = Batch::gather([distorted()].into_iter());
        let (one, _) = stiffness(&batch, &[[[1.0; LANES]]; 9]);
        let (three, _) = stiffness(&batch, &[[[3.0; LANES]]; 9]);
        for (a, b) in one.iter().zip(&three) {
            assert!((3.0 * a[0] - b[0]).abs() < 1e-14);
        }
    }
}
