//! Values to the next coarser level and back.

use crate::la::matrix::{Csr, DistributedCsr, multiply};
use crate::la::{Scalar, Vector};
use crate::parallel::IndexMap;

/// The way between one level and the next coarser one. The restriction is the
/// transpose of the prolongation.
pub trait Transfer<T: Scalar> {
    /// How the coarse vectors of this transfer are distributed.
    fn coarse(&self) -> &IndexMap;

    /// `coarse` = P' `fine`. **Collective.**
    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>);

    /// `fine` = P `coarse`. **Collective.**
    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>);
}

/// A transfer by matrices: a prolongation P and its transpose.
pub struct MatrixTransfer<T = f64> {
    /// Coarse values to fine ones.
    pub prolongation: DistributedCsr<T>,
    /// This rank's part of P', one row for each local coarse unknown.
    pub restriction: Csr<T>,
}

impl<T: Scalar> MatrixTransfer<T> {
    /// From the prolongation.
    pub fn new(prolongation: DistributedCsr<T>) -> Self {
        let restriction = prolongation.transposed();
        Self { prolongation, restriction }
    }

    /// The same transfer in another precision.
    pub fn to<U: Scalar>(&self) -> MatrixTransfer<U> {
        MatrixTransfer {
            prolongation: self.prolongation.to(),
            restriction: self.restriction.map(|v| U::of(v.double())),
        }
    }
}

impl<T: Scalar> Transfer<T> for MatrixTransfer<T> {
    fn coarse(&self) -> &IndexMap {
        self.prolongation.columns().map()
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        multiply(&self.restriction, fine.owned(), coarse.local_mut());
        self.prolongation.columns().scatter_rev_add(coarse.local_mut());
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.prolongation.multiply(coarse, fine.owned_mut());
    }
}
