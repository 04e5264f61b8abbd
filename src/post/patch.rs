//! Least-squares polynomial of the velocities around a node.

use multiversion::multiversion;

use crate::post::GaussVelocities;
use crate::quad8::{LANES, Lane};

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
    /// Evaluates the velocity (m/s) at a position relative to the centre (m).
    pub fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let mut velocity = [0.0; 2];
        for (value, coefficients) in [1.0, x, y, x * y, x * x, y * y].into_iter().zip(&self.coefficients) {
            velocity[0] += value * coefficients[0];
            velocity[1] += value * coefficients[1];
        }
        velocity
    }
}

/// Velocities (m/s) at points around [`LANES`] nodes, relative to each node (m).
#[derive(Default)]
pub struct Samples {
    list: Vec<Sample>,
    /// Number of samples around each node.
    counts: Lane,
}

/// One sample around each of eight nodes.
#[derive(Clone, Copy)]
struct Sample {
    /// 1, or 0 for a node with fewer samples, where all else is 0.
    is_present: Lane,
    point: [Lane; 2],
    velocity: [Lane; 2],
}

impl Samples {
    /// Number of samples of one element.
    const OF_ELEMENT: usize = 4;

    /// Removes all samples and makes room for those of so many elements around a node.
    pub fn reset(&mut self, elements: usize) {
        let none = Sample { is_present: [0.0; LANES], point: [[0.0; LANES]; 2], velocity: [[0.0; LANES]; 2] };
        self.list.clear();
        self.list.resize(Self::OF_ELEMENT * elements, none);
        self.counts = [0.0; LANES];
    }

    /// Adds the samples of element `i` of those around the node of a lane.
    pub fn add(&mut self, lane: usize, i: usize, centre: [f64; 2], at: &GaussVelocities) {
        let samples = &mut self.list[Self::OF_ELEMENT * i..][..Self::OF_ELEMENT];
        for (sample, (point, velocity)) in samples.iter_mut().zip(at.points.iter().zip(&at.velocities)) {
            sample.is_present[lane] = 1.0;
            for axis in 0..2 {
                sample.point[axis][lane] = point[axis] - centre[axis];
                sample.velocity[axis][lane] = velocity[axis];
            }
        }
        self.counts[lane] += Self::OF_ELEMENT as f64;
    }

    /// Fits the velocities by least squares. Undetermined coefficients are zero, so that few points
    /// give a linear or a constant fit. The fit uses coordinates scaled to the spread of the
    /// points, as elements may be slender.
    pub fn fit(&self) -> [Patch; LANES] {
        fit(&self.list, &self.counts)
    }
}

/// Fits the polynomials around eight nodes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn fit(samples: &[Sample], counts: &Lane) -> [Patch; LANES] {
    let [a, b, c] = scaling(samples, counts);
    let (mut matrix, mut right) = ([[[0.0; LANES]; 6]; 6], [[[0.0; LANES]; 2]; 6]);
    for Sample { is_present, point: [x, y], velocity } in samples {
        let mut basis = [[0.0; LANES]; 6];
        for l in 0..LANES {
            let (s, t) = (a[l] * x[l], b[l] * x[l] + c[l] * y[l]);
            (basis[0][l], basis[1][l], basis[2][l]) = (is_present[l], s, t);
            (basis[3][l], basis[4][l], basis[5][l]) = (s * t, s * s, t * t);
        }
        for i in 0..6 {
            for j in 0..=i {
                for l in 0..LANES {
                    matrix[i][j][l] += basis[i][l] * basis[j][l];
                }
            }
            for l in 0..LANES {
                right[i][0][l] += basis[i][l] * velocity[0][l];
                right[i][1][l] += basis[i][l] * velocity[1][l];
            }
        }
    }
    let is_complete = solve(&mut matrix, &mut right);
    std::array::from_fn(|l| Patch {
        coefficients: unscaled([a[l], b[l], c[l]], &right.map(|component| component.map(|lanes| lanes[l]))),
        is_complete: is_complete[l] > 0.0,
    })
}

/// Computes the map (x, y) -> (a x, b x + c y) to points of unit covariance.
#[inline(always)]
fn scaling(samples: &[Sample], counts: &Lane) -> [Lane; 3] {
    let [mut xx, mut xy, mut yy] = [[0.0; LANES]; 3];
    for Sample { point: [x, y], .. } in samples {
        for l in 0..LANES {
            xx[l] += x[l] * x[l] / counts[l];
            xy[l] += x[l] * y[l] / counts[l];
            yy[l] += y[l] * y[l] / counts[l];
        }
    }
    let [mut a, mut b, mut c] = [[0.0; LANES]; 3];
    for l in 0..LANES {
        // Inverse of the Cholesky factor of the second moments.
        a[l] = 1.0 / xx[l].sqrt();
        c[l] = 1.0 / (yy[l] - xy[l] * xy[l] / xx[l]).sqrt();
        b[l] = -xy[l] / xx[l] * c[l];
    }
    [a, b, c]
}

/// Converts coefficients in scaled coordinates to coefficients in metres.
#[inline(always)]
fn unscaled([a, b, c]: [f64; 3], [one, s, t, st, ss, tt]: &[[f64; 2]; 6]) -> [[f64; 2]; 6] {
    let mut all = [*one, [0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2]];
    for i in 0..2 {
        all[1][i] = a * s[i] + b * t[i];
        all[2][i] = c * t[i];
        all[3][i] = a * c * st[i] + 2.0 * b * c * tt[i];
        all[4][i] = a * a * ss[i] + a * b * st[i] + b * b * tt[i];
        all[5][i] = c * c * tt[i];
    }
    all
}

/// Solves symmetric systems by L D L^T from their lower triangles. Unknowns with vanishing pivots
/// are zero: their rows and columns are replaced by those of the identity. Returns 1 where no pivot
/// vanishes, else 0.
#[inline(always)]
fn solve(a: &mut [[Lane; 6]; 6], b: &mut [[Lane; 2]; 6]) -> Lane {
    let mut is_complete = [1.0; LANES];
    for j in 0..6 {
        let (mut pivot, diagonal) = (a[j][j], a[j][j]);
        for k in 0..j {
            for l in 0..LANES {
                pivot[l] -= a[j][k][l] * a[j][k][l] * a[k][k][l];
            }
        }
        let if_kept = |value: &mut Lane, other: f64| {
            for l in 0..LANES {
                value[l] = if pivot[l] > INDEPENDENT * diagonal[l] { value[l] } else { other };
            }
        };
        for i in j + 1..6 {
            for k in 0..j {
                for l in 0..LANES {
                    a[i][j][l] -= a[i][k][l] * a[k][k][l] * a[j][k][l];
                }
            }
            for l in 0..LANES {
                a[i][j][l] /= pivot[l];
            }
            if_kept(&mut a[i][j], 0.0);
        }
        (0..j).for_each(|k| if_kept(&mut a[j][k], 0.0));
        a[j][j] = pivot;
        if_kept(&mut a[j][j], 1.0);
        b[j].iter_mut().for_each(|value| if_kept(value, 0.0));
        if_kept(&mut is_complete, 0.0);
    }
    for axis in 0..2 {
        for i in 0..6 {
            for k in 0..i {
                for l in 0..LANES {
                    b[i][axis][l] -= a[i][k][l] * b[k][axis][l];
                }
            }
        }
        for i in (0..6).rev() {
            for l in 0..LANES {
                b[i][axis][l] /= a[i][i][l];
            }
            for k in i + 1..6 {
                for l in 0..LANES {
                    b[i][axis][l] -= a[k][i][l] * b[k][axis][l];
                }
            }
        }
    }
    is_complete
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quadratic([x, y]: [f64; 2]) -> [f64; 2] {
        [1.0 - 2.0 * x + 0.5 * y + x * y - 3.0 * x * x + 0.25 * y * y, 4.0 + y - y * y]
    }

    /// Fits velocities at points, four to an element, in a lane beside others with fewer elements.
    fn fit(points: impl Iterator<Item = [f64; 2]>, f: fn([f64; 2]) -> [f64; 2]) -> Patch {
        let centre = [3.0, -5.0];
        let points: Vec<[f64; 2]> = points.collect();
        let mut samples = Samples::default();
        samples.reset(points.len() / 4 + 1);
        for (i, points) in points.as_chunks::<4>().0.iter().enumerate() {
            let moved = points.map(|p| [p[0] + centre[0], p[1] + centre[1]]);
            samples.add(5, i, centre, &GaussVelocities { points: moved, velocities: points.map(f) });
            samples.add(i, 0, centre, &GaussVelocities { points: moved, velocities: [[1.0; 2]; 4] });
        }
        samples.fit()[5]
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
            let patch = fit(points(2, 2, height), quadratic);
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
            let patch = fit(points(n, m, 1.0), |[x, y]| [2.0 - x + 3.0 * y, 4.0 * x]);
            assert!(!patch.is_complete);
            let found = patch.at([-0.4, 0.6]);
            assert!((found[0] - 4.2).abs() < 1e-12 && (found[1] + 1.6).abs() < 1e-12, "{found:?}");
        }
    }
}
