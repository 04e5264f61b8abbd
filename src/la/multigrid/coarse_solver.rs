//! Direct solver of the coarsest level: a dense Cholesky factorisation, on the rank that owns the
//! whole level or, if several ranks own it, redundantly on every rank.

use crate::la::direct::cholesky;
use crate::la::matrix::DistributedCsr;
use crate::la::{LinearOperator, Scalar, Vector};
use crate::parallel::Halo;

/// Factorised matrix of the coarsest level.
pub struct CoarseSolver {
    n: usize,
    /// First row of this rank.
    first: usize,
    /// Whether several ranks own rows, so that right-hand sides must be gathered.
    is_shared: bool,
    /// Lower triangle by rows; uncoupled rows are those of the identity. Empty on ranks that do not
    /// solve.
    factor: Vec<f64>,
}

impl CoarseSolver {
    /// Gathers and factorises a matrix. **Collective.**
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
        let mut factor = if is_shared { halo.comm().sum_all(&dense) } else { dense };
        if !factor.is_empty() {
            cholesky::factorise(&mut factor, n);
        }
        Self { n, first, is_shared, factor }
    }

    /// Returns the bytes of the factor, read once in each direction.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.factor[..])
    }

    /// Overwrites the owned part of `x` by the solution for `b`. **Collective.**
    pub fn solve<T: Scalar>(&self, halo: &Halo, b: &Vector<T>, x: &mut Vector<T>) {
        if self.factor.is_empty() {
            return;
        }
        let mut y = vec![0.0; self.n];
        for (y, b) in y[self.first..].iter_mut().zip(b.owned()) {
            *y = b.double();
        }
        if self.is_shared {
            y = halo.comm().sum_all(&y);
        }
        cholesky::solve(&self.factor, self.n, &mut y);
        for (x, y) in x.owned_mut().iter_mut().zip(&y[self.first..]) {
            *x = T::of(*y);
        }
    }
}
