//! The coarsest level: a dense Cholesky factorisation that every rank holds.
//! G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed., section 4.2.

use super::csr::DistributedCsr;
use super::{LinearOperator, Vector};
use crate::parallel::Halo;

/// The factorised matrix of the coarsest level.
pub struct CoarseSolver {
    n: usize,
    first: usize,
    /// Lower triangle, row by row; rows without coupling are those of the identity.
    factor: Vec<f64>,
}

impl CoarseSolver {
    /// Gathers and factorises a matrix on every rank. **Collective.**
    pub fn new(matrix: &DistributedCsr) -> Self {
        let halo = matrix.halo();
        let n = halo.map().total() as usize;
        let first = halo.map().range().start as usize;
        let mut dense = vec![0.0; n * n];
        for row in 0..matrix.local().rows() {
            for (column, value) in matrix.local().row(row) {
                dense[(first + row) * n + halo.global(column as usize) as usize] = value;
            }
        }
        let mut factor = halo.comm().sum_all(&dense);
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
                let value = factor[i * n + j] - dot;
                factor[i * n + j] = if i > j {
                    value / factor[j * n + j]
                } else {
                    // A pivot lost to rounding leaves its unknown alone.
                    if value > 1e-14 * factor[i * n + i].abs() { value.sqrt() } else { f64::INFINITY }
                };
            }
        }
        Self { n, first, factor }
    }

    /// Overwrites the owned part of `x` by the solution for `b`. **Collective.**
    pub fn solve(&self, halo: &Halo, b: &Vector<f32>, x: &mut Vector<f32>) {
        let (n, factor) = (self.n, &self.factor);
        let mut all = vec![0.0; n];
        for (all, b) in all[self.first..].iter_mut().zip(b.owned()) {
            *all = f64::from(*b);
        }
        let mut y = halo.comm().sum_all(&all);
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| factor[i * n + k] * y[k]).sum();
            y[i] = (y[i] - dot) / factor[i * n + i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| factor[k * n + i] * y[k]).sum();
            y[i] = (y[i] - dot) / factor[i * n + i];
        }
        for (x, y) in x.owned_mut().iter_mut().zip(&y[self.first..]) {
            *x = *y as f32;
        }
    }
}
