//! Cholesky factors of symmetric matrices, stored as lower triangles row by row.
//! The zeros that rows start with stay zeros and are passed over: along a line
//! of unknowns that leaves a narrow band.
//! G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed., sections 4.2 and 4.3.

/// The factor L of L L'.
pub struct Factor {
    n: usize,
    lower: Vec<f64>,
    /// Where the numbers of each row start.
    starts: Vec<usize>,
}

impl Factor {
    /// Of an n x n matrix, by its lower triangle.
    pub fn new(mut matrix: Vec<f64>, n: usize) -> Self {
        let starts: Vec<usize> = (0..n).map(|i| (0..i).find(|&k| matrix[i * n + k] != 0.0).unwrap_or(i)).collect();
        for i in 0..n {
            for j in starts[i]..=i {
                let both = starts[i].max(starts[j])..j;
                let dot: f64 = both.map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
                let value = matrix[i * n + j] - dot;
                matrix[i * n + j] = if i > j {
                    value / matrix[j * n + j]
                } else {
                    // A pivot lost to rounding leaves its unknown alone.
                    if value > 1e-14 * matrix[i * n + i].abs() { value.sqrt() } else { f64::INFINITY }
                };
            }
        }
        Self { n, lower: matrix, starts }
    }

    /// Overwrites the right side `y` by the solution.
    pub fn solve(&self, y: &mut [f64]) {
        self.solve_from(0, y);
    }

    /// Overwrites a right side that is zero before `first` by the solution from there on.
    pub fn solve_from(&self, first: usize, y: &mut [f64]) {
        let row = |i: usize| (&self.lower[i * self.n..=i * self.n + i], self.starts[i].max(first));
        for i in first..self.n {
            let (row, start) = row(i);
            let dot: f64 = row[start..i].iter().zip(&y[start..i]).map(|(l, y)| l * y).sum();
            y[i] = (y[i] - dot) / row[i];
        }
        for i in (first..self.n).rev() {
            let ((row, start), (before, rest)) = (row(i), y.split_at_mut(i));
            rest[0] /= row[i];
            before[start..].iter_mut().zip(&row[start..]).for_each(|(y, l)| *y -= l * rest[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An arrow and a band, each beside the product with a known solution.
    #[test]
    fn a_system_is_solved_whatever_zeros_its_rows_start_with() {
        let n = 6;
        for couples in [|i: usize, j: usize| i.abs_diff(j) == 2, |i: usize, j: usize| i.max(j) == 5] {
            let entry = |i: usize, j: usize| if i == j { 4.0 } else { f64::from(u8::from(couples(i, j))) };
            let factor = Factor::new((0..n * n).map(|at| entry(at / n, at % n)).collect(), n);
            for first in [0, 3] {
                let x: Vec<f64> = (0..n).map(|i| (i + 1) as f64).collect();
                let mut y: Vec<f64> = (0..n).map(|i| (0..n).map(|j| entry(i, j) * x[j]).sum()).collect();
                y[..first].fill(0.0);
                let expected = reference(&entry, n, &y);
                factor.solve_from(first, &mut y);
                let near = y[first..].iter().zip(&expected[first..]).all(|(a, b)| (a - b).abs() < 1e-12);
                assert!(near, "{y:?} is not {expected:?}");
            }
        }
    }

    /// Gaussian elimination.
    fn reference(entry: &impl Fn(usize, usize) -> f64, n: usize, b: &[f64]) -> Vec<f64> {
        let mut rows: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| entry(i, j)).chain([b[i]]).collect()).collect();
        for pivot in 0..n {
            let top = rows[pivot].clone();
            for row in rows.iter_mut().enumerate().filter(|(i, _)| *i != pivot).map(|(_, row)| row) {
                let part = row[pivot] / top[pivot];
                row.iter_mut().zip(&top).for_each(|(a, t)| *a -= part * t);
            }
        }
        (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
    }
}
