//! Least-squares polynomial of the velocities around a node.

/// Velocity components as quadratic polynomials of the position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patch {
    /// Coefficients of 1, x, y, xy, x^2 and y^2 for each component, with x and y relative to the
    /// centre (m).
    pub coefficients: [[f64; 2]; 6],
    /// Whether the points determine all coefficients.
    pub is_complete: bool,
}

/// Smallest pivot of a basis function that counts as independent of the previous ones, relative to
/// the diagonal.
const INDEPENDENT: f64 = 1e-2;

impl Patch {
    /// Fits velocities (m/s) at points relative to the centre (m) by least squares. Undetermined
    /// coefficients are zero, so that few points give a linear or a constant fit. The fit uses
    /// coordinates scaled to the spread of the points, as elements may be slender.
    pub fn fit(samples: &[([f64; 2], [f64; 2])]) -> Self {
        let scaling = Scaling::of(samples.iter().map(|s| s.0));
        let (mut matrix, mut right) = ([[0.0; 6]; 6], [[0.0; 2]; 6]);
        for (point, velocity) in samples {
            let basis = basis(scaling.apply(*point));
            for i in 0..6 {
                for j in 0..=i {
                    matrix[i][j] += basis[i] * basis[j];
                }
                right[i][0] += basis[i] * velocity[0];
                right[i][1] += basis[i] * velocity[1];
            }
        }
        let (coefficients, is_complete) = solve(matrix, right);
        Self { coefficients: scaling.undo(coefficients), is_complete }
    }

    /// Evaluates the velocity (m/s) at a position relative to the centre (m).
    pub fn at(&self, position: [f64; 2]) -> [f64; 2] {
        let basis = basis(position);
        [0, 1].map(|axis| (0..6).map(|i| basis[i] * self.coefficients[i][axis]).sum())
    }
}

/// Evaluates the basis functions.
fn basis([x, y]: [f64; 2]) -> [f64; 6] {
    [1.0, x, y, x * y, x * x, y * y]
}

/// Solves a symmetric system by L D L^T from its lower triangle; unknowns with vanishing pivots are
/// zero. Also returns whether no pivot vanishes.
fn solve(mut a: [[f64; 6]; 6], mut b: [[f64; 2]; 6]) -> ([[f64; 2]; 6], bool) {
    let mut kept = [true; 6];
    for j in 0..6 {
        let diagonal = a[j][j];
        for k in (0..j).filter(|&k| kept[k]) {
            a[j][j] -= a[j][k] * a[j][k] * a[k][k];
        }
        kept[j] = a[j][j] > INDEPENDENT * diagonal;
        if kept[j] {
            for i in j + 1..6 {
                for k in (0..j).filter(|&k| kept[k]) {
                    a[i][j] -= a[i][k] * a[k][k] * a[j][k];
                }
                a[i][j] /= a[j][j];
            }
        }
    }
    for axis in 0..2 {
        for i in 0..6 {
            for k in (0..i).filter(|&k| kept[k]) {
                b[i][axis] -= a[i][k] * b[k][axis];
            }
        }
        for i in (0..6).rev() {
            b[i][axis] = if kept[i] { b[i][axis] / a[i][i] } else { 0.0 };
            for k in (i + 1..6).filter(|&k| kept[i] && kept[k]) {
                b[i][axis] -= a[k][i] * b[k][axis];
            }
        }
    }
    (b, kept == [true; 6])
}

/// Map (x, y) -> (a x, b x + c y) to points of unit covariance.
struct Scaling {
    a: f64,
    b: f64,
    c: f64,
}

impl Scaling {
    /// Computes the map from points.
    fn of(points: impl ExactSizeIterator<Item = [f64; 2]>) -> Self {
        let count = points.len() as f64;
        let [mut xx, mut xy, mut yy] = [0.0; 3];
        for [x, y] in points {
            xx += x * x / count;
            xy += x * y / count;
            yy += y * y / count;
        }
        // Inverse of the Cholesky factor of the second moments.
        let a = 1.0 / xx.sqrt();
        let c = 1.0 / (yy - xy * xy / xx).sqrt();
        Self { a, b: -xy / xx * c, c }
    }

    /// Maps a point.
    fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x, self.b * x + self.c * y]
    }

    /// Converts coefficients in mapped coordinates to coefficients in metres.
    fn undo(&self, [one, s, t, st, ss, tt]: [[f64; 2]; 6]) -> [[f64; 2]; 6] {
        let Self { a, b, c } = *self;
        let both = |f: &dyn Fn(usize) -> f64| [f(0), f(1)];
        [
            one,
            both(&|i| a * s[i] + b * t[i]),
            both(&|i| c * t[i]),
            both(&|i| a * c * st[i] + 2.0 * b * c * tt[i]),
            both(&|i| a * a * ss[i] + a * b * st[i] + b * b * tt[i]),
            both(&|i| c * c * tt[i]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quadratic([x, y]: [f64; 2]) -> [f64; 2] {
        [1.0 - 2.0 * x + 0.5 * y + x * y - 3.0 * x * x + 0.25 * y * y, 4.0 + y - y * y]
    }

    fn samples(points: impl Iterator<Item = [f64; 2]>, f: fn([f64; 2]) -> [f64; 2]) -> Vec<([f64; 2], [f64; 2])> {
        points.map(|p| (p, f(p))).collect()
    }

    /// Returns the Gauss points of n x m unit squares around the origin, stretched and sheared.
    fn points(n: i32, m: i32, height: f64) -> impl Iterator<Item = [f64; 2]> {
        let line = |n: i32| (0..n).flat_map(|i| [0.211, 0.789].map(|g| f64::from(i) + g)).collect::<Vec<f64>>();
        let (x, y) = (line(n), line(m));
        x.into_iter()
            .flat_map(move |x| y.clone().into_iter().map(move |y| [x - 1.0, height * (y - 1.0) + 0.7 * (x - 1.0)]))
    }

    #[test]
    fn four_elements_reproduce_a_quadratic_field_at_any_aspect_ratio() {
        for height in [1.0, 1e-3, 1e3] {
            let patch = Patch::fit(&samples(points(2, 2, height), quadratic));
            assert!(patch.is_complete);
            for position in [[0.0, 0.0], [0.3, -0.2], [-1.0, 1.0]] {
                let (found, exact) = (patch.at(position), quadratic(position));
                assert!((0..2).all(|i| (found[i] - exact[i]).abs() < 1e-7), "{height}: {found:?} {exact:?}");
            }
        }
    }

    #[test]
    fn one_or_two_elements_reproduce_a_linear_field() {
        for (n, m) in [(1, 1), (2, 1)] {
            let patch = Patch::fit(&samples(points(n, m, 1.0), |[x, y]| [2.0 - x + 3.0 * y, 4.0 * x]));
            assert!(!patch.is_complete);
            let found = patch.at([-0.4, 0.6]);
            assert!((found[0] - 4.2).abs() < 1e-12 && (found[1] + 1.6).abs() < 1e-12, "{found:?}");
        }
    }
}
