//! Levels of the hierarchy: the operator of each, its smoother, and its work vectors.

use std::cell::{OnceCell, RefCell, RefMut};

use crate::la::matrix::{DistributedCsr, SlicedEllpack};
use crate::la::multigrid::chebyshev::{BlockDiagonal, Chebyshev, Smoothing};
use crate::la::multigrid::lanczos::eigenvalue_bounds;
use crate::la::multigrid::transfer::Transfer;
use crate::la::{LinearOperator, MatrixEntries, Scalar, Stored, Vector};
use crate::parallel::work;

/// Operator of a level with its block diagonal, for smoothing.
pub(crate) struct LevelOperator<T: Scalar> {
    pub(super) operator: Box<dyn LinearOperator<T>>,
    diagonal: BlockDiagonal<T>,
    /// Number of values stored on this rank.
    pub(super) entries: usize,
}

/// Operator of a level with its smoother.
pub(super) struct SmoothedOperator<T: Scalar> {
    operator: Box<dyn LinearOperator<T>>,
    entries: usize,
    smoother: Chebyshev<T>,
}

/// One level with the transfer to the next coarser one.
pub(super) struct Level<T: Scalar> {
    pub(super) operator: Box<dyn LinearOperator<T>>,
    pub(super) entries: usize,
    pub(super) smoother: Chebyshev<T>,
    pub(super) transfer: Box<dyn Transfer<T>>,
    /// Number of cycles of the next level in one cycle of this level.
    pub(super) cycles: usize,
    work: OnceCell<RefCell<Work<T>>>,
}

/// Work vectors of a level, kept between cycles.
pub(super) struct Work<T> {
    /// Last step of the smoother, or the prolonged correction.
    pub(super) d: Vector<T>,
    /// Next step of the smoother.
    pub(super) next: Vector<T>,
    pub(super) coarse_b: Vector<T>,
    pub(super) coarse_x: Vector<T>,
}

impl<T: Scalar> LevelOperator<T> {
    /// Prepares an operator for smoothing; `convert` turns it into the form for products, after the
    /// block diagonal is there, whose setup needs more memory. **Collective** where `convert` is.
    pub(crate) fn new<E: MatrixEntries<impl Scalar>>(
        matrix: &E,
        convert: impl FnOnce(&E) -> Box<dyn LinearOperator<T>>,
    ) -> Self {
        let diagonal = BlockDiagonal::new(matrix);
        Self { diagonal, entries: matrix.entries(), operator: convert(matrix) }
    }

    /// Prepares the operator of a matrix, with its values stored in numbers V.
    pub(crate) fn of_matrix<V: Stored<T>>(matrix: &DistributedCsr) -> Self {
        Self::new(matrix, |matrix| Box::new(SlicedEllpack::<T, V>::new(matrix)))
    }

    /// Returns bounds of the eigenvalues that the smoothers of these operators need, where the
    /// first `meshes` are those of nested meshes. **Collective.**
    pub(super) fn eigenvalue_bounds(operators: &[Self], meshes: usize, sum: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        eigenvalue_bounds(operators.iter().map(|level| (&*level.operator, &level.diagonal)), meshes, sum)
    }

    /// Prepares the smoother for eigenvalues of at most `high`.
    pub(super) fn smoothed(self, smoothing: Smoothing, high: f64) -> SmoothedOperator<T> {
        let Self { operator, diagonal, entries } = self;
        SmoothedOperator { smoother: Chebyshev::new(diagonal, smoothing, high), operator, entries }
    }
}

impl<T: Scalar> Level<T> {
    /// Returns the number of owned unknowns.
    pub(super) fn unknowns(&self) -> usize {
        self.operator.halo().map().owned()
    }

    /// Creates a level without work vectors, for one cycle of the next level in one of this level.
    pub(super) fn new(smoothed: SmoothedOperator<T>, transfer: Box<dyn Transfer<T>>) -> Self {
        let SmoothedOperator { operator, entries, smoother } = smoothed;
        let (fine, coarse) = (operator.halo().map(), transfer.coarse());
        // The unknowns that all levels remove add up to those of the finest.
        work::done(fine.owned().saturating_sub(coarse.owned()) as u64);
        Self { operator, entries, smoother, transfer, cycles: 1, work: OnceCell::new() }
    }

    /// Returns the work vectors. The first call allocates them: after those of conjugate gradients,
    /// which are larger and find free memory between the arrays less easily.
    pub(super) fn work(&self) -> RefMut<'_, Work<T>> {
        let (fine, coarse) = (self.operator.halo().map(), self.transfer.coarse());
        let allocate = || Work {
            d: Vector::zeros(fine),
            next: Vector::zeros(fine),
            coarse_b: Vector::zeros(coarse),
            coarse_x: Vector::zeros(coarse),
        };
        self.work.get_or_init(|| RefCell::new(allocate())).borrow_mut()
    }
}
