//! Values to the next coarser level and back.

use super::csr::{Csr, DistributedCsr, multiply};
use super::{Scalar, Vector};

/// A prolongation P and its transpose, the restriction.
pub struct Transfer<T = f64> {
    /// Coarse values to fine ones.
    pub prolongation: DistributedCsr<T>,
    /// This rank's part of P', one row for each local coarse unknown.
    pub restriction: Csr<T>,
}

impl<T: Scalar> Transfer<T> {
    /// From the prolongation.
    pub fn new(prolongation: DistributedCsr<T>) -> Self {
        let restriction = prolongation.transposed();
        Self { prolongation, restriction }
    }

    /// The same transfer in another precision.
    pub fn to<U: Scalar>(&self) -> Transfer<U> {
        Transfer { prolongation: self.prolongation.to(), restriction: self.restriction.map(|v| U::of(v.double())) }
    }

    /// `coarse` = P' `fine`. **Collective.**
    pub fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        multiply(&self.restriction, fine.owned(), coarse.local_mut());
        self.prolongation.columns().reverse_add(coarse.local_mut());
    }

    /// `fine` = P `coarse`. **Collective.**
    pub fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.prolongation.multiply(coarse, fine.owned_mut());
    }
}
