//! Transfer operators between a level and the next coarser one.

use std::rc::Rc;

use crate::la::matrix::{ChunkedRows, CompactRows, Csr, DistributedCsr, bytes, entries};
use crate::la::{Scalar, Vector};
use crate::parallel::{Halo, IndexMap, LocalIndex};

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

    /// Returns the transfer if it is one between nested meshes.
    fn nested(&self) -> Option<&dyn NestedTransfer<T>> {
        None
    }
}

/// Transfer between nested meshes, whose prolongation is interpolation.
pub trait NestedTransfer<T: Scalar> {
    /// Prolongs the sum of two vectors in double precision: `fine` = P (`high` + `low`). The ghosts
    /// of `high` must be up to date. **Collective.**
    fn prolong_sum(&self, high: &Vector<T>, low: &mut Vector<T>, fine: &mut Vector);
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

    /// Creates the prolongation to the unknowns of a matrix from a level without unknowns.
    pub fn empty(matrix: &DistributedCsr) -> Self {
        let columns = Rc::new(Halo::of_range(matrix.columns().comm(), 0..0, 0, &[]));
        Self::new(columns, ChunkedRows::new(matrix.local().rows(), 0, 0, |_, _| ()))
    }
}

/// Transfer by matrices: a prolongation P and its transpose.
pub struct MatrixTransfer<T> {
    columns: Rc<Halo>,
    /// P in owned columns.
    prolongation: CompactRows<T>,
    /// P in ghost columns; row `i` is row `ghost_rows[i]`.
    ghost: Csr<T>,
    ghost_rows: Vec<LocalIndex>,
    restriction: CompactRows<T>,
}

impl<T: Scalar> MatrixTransfer<T> {
    /// Creates the transfer of a prolongation.
    pub fn new(Prolongation { columns, rows, transposed }: &Prolongation) -> Self {
        let (ghost, ghost_rows) = rows.high_rows(columns.map().local());
        let rounded = |(column, value)| (column, T::of(value));
        Self {
            columns: Rc::clone(columns),
            prolongation: CompactRows::new(rows.rows(), |row| rows.low_row(row).map(rounded)),
            ghost: ghost.map(|value| T::of(*value)),
            ghost_rows,
            restriction: CompactRows::new(transposed.rows(), |row| entries(transposed, row).map(rounded)),
        }
    }
}

impl<T: Scalar> Transfer<T> for MatrixTransfer<T> {
    fn coarse(&self) -> &IndexMap {
        self.columns.map()
    }

    fn bytes(&self) -> usize {
        let vectors = 2 * self.coarse().local() * size_of::<T>();
        self.prolongation.bytes() + bytes(&self.ghost) + self.restriction.bytes() + vectors
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        self.restriction.multiply(fine.owned(), coarse.local_mut());
        self.columns.scatter_rev_add(coarse.local_mut());
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        let Self { columns, prolongation, ghost, ghost_rows, .. } = self;
        let fine = fine.owned_mut();
        columns.scatter_fwd_overlap(coarse.local_mut(), |coarse| prolongation.multiply(coarse, fine));
        let ghosts = &coarse.local()[coarse.owned().len()..];
        for (at, &row) in ghost_rows.iter().enumerate() {
            let sum: T = entries(ghost, at).map(|(column, value)| value * ghosts[column as usize]).sum();
            fine[row as usize] += sum;
        }
    }
}
