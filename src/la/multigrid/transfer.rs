//! Transfer operators between a level and the next coarser one.

use crate::la::matrix::{Csr, DistributedCsr, multiply};
use crate::la::{Scalar, Vector};
use crate::parallel::IndexMap;

/// Transfer between a level and the next coarser one. The restriction is the transpose of the
/// prolongation P.
pub trait Transfer<T: Scalar> {
    /// Returns the distribution of the coarse vectors.
    fn coarse(&self) -> &IndexMap;

    /// Restricts `fine`: `coarse` = P' `fine`. **Collective.**
    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>);

    /// Prolongs `coarse`: `fine` = P `coarse`. **Collective.**
    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>);
}

/// Transfer by matrices: a prolongation P and its transpose.
pub struct MatrixTransfer<T = f64> {
    /// Prolongation P from coarse to fine values.
    pub prolongation: DistributedCsr<T>,
    /// This rank's part of P', with one row for each local coarse unknown.
    pub restriction: Csr<T>,
}

impl<T: Scalar> MatrixTransfer<T> {
    /// Creates the transfer of a prolongation.
    pub fn new(prolongation: DistributedCsr<T>) -> Self {
        let restriction = prolongation.transposed();
        Self { prolongation, restriction }
    }

    /// Converts the transfer to another precision.
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
