//! Dense Cholesky factorisation, stored as the lower triangle by rows.
//!
//! G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed., section 4.2.

/// Overwrites the lower triangle of a symmetric n x n matrix by its Cholesky factor.
pub fn factorise(matrix: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let value = matrix[i * n + j] - dot;
            matrix[i * n + j] = if i > j {
                value / matrix[j * n + j]
            } else {
                // An infinite pivot decouples an unknown whose pivot is lost to rounding.
                if value > 1e-14 * matrix[i * n + i].abs() { value.sqrt() } else { f64::INFINITY }
            };
        }
    }
}

/// Overwrites the right-hand side `y` by the solution.
pub fn solve(factor: &[f64], n: usize, y: &mut [f64]) {
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| factor[i * n + k] * y[k]).sum();
        y[i] = (y[i] - dot) / factor[i * n + i];
    }
    for i in (0..n).rev() {
        let (before, rest) = y.split_at_mut(i);
        rest[0] /= factor[i * n + i];
        before.iter_mut().zip(&factor[i * n..]).for_each(|(y, l)| *y -= l * rest[0]);
    }
}
