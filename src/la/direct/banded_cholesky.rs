//! Cholesky factorisation of banded matrices, several of them side by side.
//!
//! G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed., section 4.3.5.

use multiversion::multiversion;

use crate::la::Scalar;
use crate::parallel::LocalIndex;

/// Matrices that are factorised together. A step of the factorisation and of a solution waits for
/// the one before it, so that several matrices take hardly longer than one.
pub const MATRICES: usize = 8;

/// Numbers of the matrices, one each.
type Lanes<T> = [T; MATRICES];

/// Symmetric positive definite matrix.
pub struct BandedMatrix<'a> {
    diagonal: Vec<f64>,
    below: &'a [(u32, u32, f64)],
    bandwidth: usize,
}

impl<'a> BandedMatrix<'a> {
    /// Makes a matrix of its diagonal, and entries (row, column, value) below it. Parts of an entry
    /// are summed.
    pub fn new(diagonal: Vec<f64>, below: &'a [(u32, u32, f64)]) -> Self {
        let bandwidth = below.iter().map(|&(i, j, _)| (i - j) as usize).max().unwrap_or(0);
        Self { diagonal, below, bandwidth }
    }

    /// Returns the largest distance of an entry from the diagonal.
    pub fn bandwidth(&self) -> usize {
        self.bandwidth
    }
}

/// Cholesky factors of up to [`MATRICES`] matrices, in either precision. Short and narrow matrices
/// are padded, so that matrices of similar size and bandwidth belong together.
pub struct BandedCholesky<T> {
    bandwidth: usize,
    /// Entries left of the diagonal of each row, and then the reciprocal of the diagonal.
    factor: Vec<Lanes<T>>,
}

impl<T: Scalar> BandedCholesky<T> {
    /// Factorises the matrices in double precision. Unknowns whose pivot is lost to rounding, and
    /// those of the padding, are decoupled: their solution is zero.
    pub fn new<'a>(matrices: impl Iterator<Item = &'a BandedMatrix<'a>> + Clone) -> Self {
        let rows = matrices.clone().map(|matrix| matrix.diagonal.len()).max().unwrap_or(0);
        let bandwidth = matrices.clone().map(|matrix| matrix.bandwidth).max().unwrap_or(0);
        let width = bandwidth + 1;
        let mut factor = vec![[0.0; MATRICES]; rows * width];
        for (m, matrix) in matrices.enumerate() {
            for (i, value) in matrix.diagonal.iter().enumerate() {
                factor[i * width + bandwidth][m] = *value;
            }
            for &(i, j, value) in matrix.below {
                factor[i as usize * width + bandwidth - (i - j) as usize][m] += value;
            }
        }
        factorise(bandwidth, &mut factor);
        Self { bandwidth, factor: factor.into_iter().map(|row| row.map(T::of)).collect() }
    }

    /// Solves for right-hand sides `r`, of which a matrix takes the entries in `unknowns`.
    /// Overwrites `z`, which has a row for each unknown.
    pub fn solve(&self, unknowns: &[Lanes<LocalIndex>], r: &[T], z: &mut [Lanes<T>]) {
        solve(self.bandwidth, &self.factor, unknowns, r, z);
    }

    /// Returns the number of stored values.
    pub fn entries(&self) -> usize {
        self.factor.as_flattened().len()
    }
}

/// Overwrites matrices by their factors.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn factorise(bandwidth: usize, factor: &mut [Lanes<f64>]) {
    let width = bandwidth + 1;
    for i in 0..factor.len() / width {
        let (above, row) = factor.split_at_mut(i * width);
        let row = &mut row[..width];
        for back in (1..=bandwidth.min(i)).rev() {
            let other = &above[(i - back) * width..][..width];
            let at = bandwidth - back;
            let dot = dot(&row[..at], &other[back..bandwidth]);
            for m in 0..MATRICES {
                row[at][m] = (row[at][m] - dot[m]) * other[bandwidth][m];
            }
        }
        let dot = dot(&row[..bandwidth], &row[..bandwidth]);
        for m in 0..MATRICES {
            let diagonal = row[bandwidth][m];
            let pivot = diagonal - dot[m];
            row[bandwidth][m] = if pivot > 1e-14 * diagonal.abs() { 1.0 / pivot.sqrt() } else { 0.0 };
        }
    }
}

#[inline(always)]
fn dot(a: &[Lanes<f64>], b: &[Lanes<f64>]) -> Lanes<f64> {
    let mut sum = [0.0; MATRICES];
    for (a, b) in a.iter().zip(b) {
        for m in 0..MATRICES {
            sum[m] += a[m] * b[m];
        }
    }
    sum
}

/// Solves with the factor and its transpose.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn solve<T: Scalar>(
    bandwidth: usize,
    factor: &[Lanes<T>],
    unknowns: &[Lanes<LocalIndex>],
    r: &[T],
    z: &mut [Lanes<T>],
) {
    let rows = || factor.chunks_exact(bandwidth + 1).enumerate();
    for ((i, row), unknowns) in rows().zip(unknowns) {
        let reach = bandwidth.min(i);
        let mut sum = unknowns.map(|unknown| r[unknown as usize]);
        for (left, z) in row[bandwidth - reach..].iter().zip(&z[i - reach..i]) {
            for m in 0..MATRICES {
                sum[m] -= left[m] * z[m];
            }
        }
        for m in 0..MATRICES {
            z[i][m] = sum[m] * row[bandwidth][m];
        }
    }
    for (i, row) in rows().rev() {
        let reach = bandwidth.min(i);
        let mut value = z[i];
        for m in 0..MATRICES {
            value[m] = value[m] * row[bandwidth][m];
        }
        z[i] = value;
        for (left, z) in row[bandwidth - reach..].iter().zip(&mut z[i - reach..i]) {
            for m in 0..MATRICES {
                z[m] -= left[m] * value[m];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type System<'a> = (Vec<f64>, &'a [(u32, u32, f64)]);

    /// Checks that the solution 1, 2, 3, ... of each system is recovered.
    fn check(systems: &[System]) {
        let mut r: Vec<f32> = Vec::new();
        let mut unknowns = vec![[0; MATRICES]; systems.iter().map(|(diagonal, _)| diagonal.len()).max().unwrap()];
        for (m, (diagonal, below)) in systems.iter().enumerate() {
            let mut right: Vec<f64> = diagonal.iter().zip(1..).map(|(d, i)| d * f64::from(i)).collect();
            for &(i, j, value) in *below {
                right[i as usize] += value * f64::from(j + 1);
                right[j as usize] += value * f64::from(i + 1);
            }
            unknowns.iter_mut().zip(0..right.len()).for_each(|(row, i)| row[m] = (r.len() + i) as LocalIndex);
            r.extend(right.iter().map(|&r| r as f32));
        }
        let matrices: Vec<BandedMatrix> =
            systems.iter().map(|(diagonal, below)| BandedMatrix::new(diagonal.clone(), below)).collect();
        let mut z = vec![[f32::NAN; MATRICES]; unknowns.len()];
        BandedCholesky::new(matrices.iter()).solve(&unknowns, &r, &mut z);
        for (m, (diagonal, _)) in systems.iter().enumerate() {
            for (i, z) in z.iter().enumerate() {
                let expected = if i < diagonal.len() { (i + 1) as f32 } else { 0.0 };
                assert!((z[m] - expected).abs() <= 1e-5 * expected, "matrix {m}, unknown {i}: {}", z[m]);
            }
        }
    }

    #[test]
    fn systems_of_any_size_and_bandwidth_are_solved_together() {
        check(&[(vec![2.0], &[])]);
        check(&[
            (vec![2.0], &[]),
            (vec![4.0, 3.0, 2.0], &[(1, 0, 1.0), (2, 1, 1.0)]),
            (vec![4.0, 3.0, 2.0, 9.0], &[(3, 0, 1.0), (2, 1, -1.0)]),
            (vec![4.0, 5.0, 6.0, 7.0, 8.0], &[(1, 0, 1.0), (2, 0, -1.0), (3, 1, 2.0), (4, 1, 0.5), (4, 3, -1.5)]),
        ]);
    }

    #[test]
    fn long_lines_take_three_values_per_unknown() {
        let n = 500;
        let below: Vec<_> = (1..n).map(|i| (i, i - 1, -0.9)).chain((2..n).map(|i| (i, i - 2, -0.1))).collect();
        let lines: Vec<System> = (0..MATRICES).map(|_| (vec![2.1; n as usize], &below[..])).collect();
        check(&lines);
        let matrix = BandedMatrix::new(vec![2.1; n as usize], &below);
        assert_eq!(BandedCholesky::<f32>::new([&matrix; 2].into_iter()).entries(), 3 * MATRICES * n as usize);
    }

    #[test]
    fn a_lost_pivot_decouples_its_unknown() {
        let matrix = BandedMatrix::new(vec![1.0, 1.0], &[(1, 0, 1.0)]);
        let mut z = [[0.0; MATRICES]; 2];
        BandedCholesky::new([&matrix].into_iter()).solve(&[[0; MATRICES], [1; MATRICES]], &[2.0, 2.0], &mut z);
        assert_eq!(z.map(|z| z[0]), [2.0, 0.0]);
    }
}
