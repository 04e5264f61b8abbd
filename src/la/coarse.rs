//! The coarsest level: a dense Cholesky factorisation, on the one rank that owns
//! all of it or, where several do, on every rank.

use super::cholesky::Factor;
use super::csr::DistributedCsr;
use super::{LinearOperator, Vector};
use crate::parallel::Halo;

/// The factorised matrix of the coarsest level.
pub struct CoarseSolver {
    n: usize,
    /// The first row of this rank.
    first: usize,
    /// Whether several ranks own rows, so that right sides must be gathered.
    is_shared: bool,
    /// None where nothing is to be solved. Rows without coupling are those of the identity.
    factor: Option<Factor>,
}

impl CoarseSolver {
    /// Factorises a matrix. **Collective.**
    pub fn new(matrix: &DistributedCsr) -> Self {
        let halo = matrix.halo();
        let (rows, n) = (matrix.local().rows(), halo.map().total() as usize);
        let first = halo.map().range().start as usize;
        let is_shared = halo.comm().max(rows) < n;
        let mut dense = vec![0.0; if is_shared || rows == n { n * n } else { 0 }];
        for row in 0..rows {
            for (column, value) in matrix.local().row(row) {
                dense[(first + row) * n + halo.global(column as usize) as usize] = value;
            }
        }
        let dense = if is_shared { halo.comm().sum_all(&dense) } else { dense };
        let factor = (!dense.is_empty()).then(|| Factor::new(dense, n));
        Self { n, first, is_shared, factor }
    }

    /// Overwrites the owned part of `x` by the solution for `b`. **Collective.**
    pub fn solve(&self, halo: &Halo, b: &Vector<f32>, x: &mut Vector<f32>) {
        let Some(factor) = &self.factor else { return };
        let mut y = vec![0.0; self.n];
        for (y, b) in y[self.first..].iter_mut().zip(b.owned()) {
            *y = f64::from(*b);
        }
        if self.is_shared {
            y = halo.comm().sum_all(&y);
        }
        factor.solve(&mut y);
        for (x, y) in x.owned_mut().iter_mut().zip(&y[self.first..]) {
            *x = *y as f32;
        }
    }
}
