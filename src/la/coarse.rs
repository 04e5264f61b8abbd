//! The coarsest level: a dense Cholesky factorisation that every rank holds.

use super::csr::DistributedCsr;
use super::{LinearOperator, Vector, cholesky};
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
        cholesky::factorise(&mut factor, n);
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
        cholesky::solve(factor, n, &mut y);
        for (x, y) in x.owned_mut().iter_mut().zip(&y[self.first..]) {
            *x = *y as f32;
        }
    }
}
