//! Skyline (envelope) Cholesky factorisation of sparse matrices with a narrow profile.
//!
//! A. George, J. W.-H. Liu, *Computer Solution of Large Sparse Positive Definite Systems* (1981),
//! chapter 4.

use crate::la::Scalar;

/// Cholesky factor of a symmetric positive definite matrix, in either precision.
pub struct SkylineCholesky<T> {
    /// Start of each row in `factor`, and the end of the last row.
    starts: Vec<u32>,
    /// Rows from their first nonzero entry on, with the reciprocal of the diagonal in the last
    /// place.
    factor: Vec<T>,
}

impl<T: Scalar> SkylineCholesky<T> {
    /// Factorises the matrix with this diagonal and these entries (row, column, value) below it.
    /// Parts of an entry are summed.
    pub fn new(diagonal: &[f64], below: &[(u32, u32, f64)]) -> Self {
        let mut first: Vec<usize> = (0..diagonal.len()).collect();
        for &(i, j, _) in below {
            first[i as usize] = first[i as usize].min(j as usize);
        }
        let mut starts = vec![0];
        for (i, first) in first.iter().enumerate() {
            starts.push(starts[i] + i + 1 - first);
        }
        let mut factor = vec![0.0; starts[diagonal.len()]];
        for (i, value) in diagonal.iter().enumerate() {
            factor[starts[i + 1] - 1] = *value;
        }
        for &(i, j, value) in below {
            factor[starts[i as usize] + j as usize - first[i as usize]] += value;
        }
        for i in 0..diagonal.len() {
            let (above, row) = factor.split_at_mut(starts[i]);
            for j in first[i]..i {
                let other = &above[starts[j]..starts[j + 1]];
                let from = first[i].max(first[j]);
                let dot = dot(&row[from - first[i]..j - first[i]], &other[from - first[j]..j - first[j]]);
                row[j - first[i]] = (row[j - first[i]] - dot) * other[j - first[j]];
            }
            let (left, diagonal) = row.split_at_mut(i - first[i]);
            let pivot = diagonal[0] - dot(left, left);
            // A zero reciprocal decouples an unknown whose pivot is lost to rounding.
            diagonal[0] = if pivot > 1e-14 * diagonal[0].abs() { 1.0 / pivot.sqrt() } else { 0.0 };
        }
        let narrow = |&start: &usize| start as u32;
        Self { starts: starts.iter().map(narrow).collect(), factor: factor.into_iter().map(T::of).collect() }
    }

    /// Overwrites the right-hand side by the solution.
    pub fn solve(&self, z: &mut [T]) {
        for i in 0..z.len() {
            let (left, inverse, from) = self.row(i);
            let sum: T = left.iter().zip(&z[from..i]).map(|(l, z)| *l * *z).sum();
            z[i] = (z[i] - sum) * inverse;
        }
        for i in (0..z.len()).rev() {
            let (left, inverse, from) = self.row(i);
            let value = z[i] * inverse;
            z[i] = value;
            z[from..i].iter_mut().zip(left).for_each(|(z, l)| *z -= *l * value);
        }
    }

    /// Returns the number of stored values.
    pub fn entries(&self) -> usize {
        self.factor.len()
    }

    /// Returns row `i` left of the diagonal, the reciprocal of the diagonal, and the first column
    /// of the row.
    fn row(&self, i: usize) -> (&[T], T, usize) {
        let row = &self.factor[self.starts[i] as usize..self.starts[i + 1] as usize];
        let (inverse, left) = (row[row.len() - 1], &row[..row.len() - 1]);
        (left, inverse, i - left.len())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the solution 1, 2, 3, ... is recovered.
    fn check(diagonal: &[f64], below: &[(u32, u32, f64)]) {
        let n = diagonal.len();
        let mut right: Vec<f64> = (0..n).map(|i| diagonal[i] * (i + 1) as f64).collect();
        for &(i, j, value) in below {
            right[i as usize] += value * f64::from(j + 1);
            right[j as usize] += value * f64::from(i + 1);
        }
        let mut z: Vec<f32> = right.iter().map(|&r| r as f32).collect();
        SkylineCholesky::new(diagonal, below).solve(&mut z);
        let distance = z.iter().zip(1..).map(|(z, i)| (z / i as f32 - 1.0).abs()).fold(0.0, f32::max);
        assert!(distance < 1e-5, "{z:?}");
    }

    #[test]
    fn systems_of_any_envelope_are_solved() {
        check(&[2.0], &[]);
        check(&[4.0, 3.0, 2.0], &[(1, 0, 1.0), (2, 1, 1.0)]);
        check(&[4.0, 3.0, 2.0, 9.0], &[(3, 0, 1.0), (2, 1, -1.0)]);
        check(&[4.0, 5.0, 6.0, 7.0, 8.0], &[(1, 0, 1.0), (2, 0, -1.0), (3, 1, 2.0), (4, 1, 0.5), (4, 3, -1.5)]);
    }

    #[test]
    fn long_lines_take_three_values_per_unknown() {
        let n = 500;
        let below: Vec<_> = (1..n).map(|i| (i, i - 1, -0.9)).chain((2..n).map(|i| (i, i - 2, -0.1))).collect();
        check(&vec![2.1; n as usize], &below);
        assert_eq!(SkylineCholesky::<f32>::new(&vec![2.1; n as usize], &below).entries(), 3 * n as usize - 3);
    }

    #[test]
    fn a_lost_pivot_decouples_its_unknown() {
        let mut z = [2.0, 2.0];
        SkylineCholesky::new(&[1.0, 1.0], &[(1, 0, 1.0)]).solve(&mut z);
        assert_eq!(z, [2.0, 0.0]);
    }
}
