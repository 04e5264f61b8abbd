//! Transfer operators between a level and the next coarser one.

use std::rc::Rc;

use crate::la::matrix::{ChunkedRows, Csr, DistributedCsr, bytes, multiply};
use crate::la::{Scalar, Vector};
use crate::parallel::{Halo, IndexMap};

/// Transfer between a level and the next coarser one. The restriction is the transpose of the
/// prolongation P.
pub trait Transfer<T: Scalar> {
    /// Returns the distribution of the coarse vectors.
    fn coarse(&self) -> &IndexMap;

    /// Returns the bytes on this rank that a restriction and a prolongation read and write, without
    /// the fine vectors.
    fn bytes(&self) -> usize;

    /// Restricts `fine`: `coarse` = P' `fine`. **Collective.**
    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>);

    /// Prolongs `coarse`: `fine` = P `coarse`. **Collective.**
    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>);
}

/// Prolongation P from coarse to fine values, in double precision.
pub struct Prolongation {
    /// Halo of the coarse unknowns.
    pub columns: Rc<Halo>,
    /// Rows of the owned fine unknowns.
    pub rows: ChunkedRows,
    /// This rank's part of P', with one row for each local coarse unknown.
    pub transposed: Csr<f64>,
}

impl Prolongation {
    /// Creates the prolongation with these rows, split at the first ghost of `columns`.
    pub fn new(columns: Rc<Halo>, rows: ChunkedRows) -> Self {
        Self { transposed: rows.transposed(columns.map().local()), columns, rows }
    }
}

/// Transfer by matrices: a prolongation P and its transpose.
pub struct MatrixTransfer<T> {
    prolongation: DistributedCsr<T>,
    restriction: Csr<T>,
}

impl<T: Scalar> MatrixTransfer<T> {
    /// Creates the transfer of a prolongation.
    pub fn new(prolongation: &Prolongation) -> Self {
        Self {
            prolongation: DistributedCsr::from_chunks(&prolongation.columns, &prolongation.rows),
            restriction: prolongation.transposed.map(|value| T::of(*value)),
        }
    }
}

impl<T: Scalar> Transfer<T> for MatrixTransfer<T> {
    fn coarse(&self) -> &IndexMap {
        self.prolongation.columns().map()
    }

    fn bytes(&self) -> usize {
        let vectors = 2 * self.coarse().local() * size_of::<T>();
        self.prolongation.local().bytes() + bytes(&self.restriction) + vectors
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        multiply(&self.restriction, fine.owned(), coarse.local_mut(), &|_, _, _| 0.0);
        self.prolongation.columns().scatter_rev_add(coarse.local_mut());
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.prolongation.multiply(coarse, fine.owned_mut());
    }
}
