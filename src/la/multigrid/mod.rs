//! Multigrid preconditioner: a hierarchy of operators, each smoothed by Chebyshev polynomials, with
//! a direct solver on the coarsest level.
//!
//! The cycle runs in single precision, which suffices for most problems and halves the memory
//! traffic, or in double precision for problems that are too stiff. The hierarchy is built in
//! double precision. The pre- and the post-smoother are the same polynomial, so that the cycle is
//! symmetric.
//!
//! W. L. Briggs, V. E. Henson, S. F. McCormick, *A Multigrid Tutorial*, 2nd ed.; for the
//! combination with CG: U. Trottenberg, C. Oosterlee, A. Schueller, *Multigrid*, section 7.8.
//! `docs/design/multigrid.md` lists the alternatives and their measured cost.

mod aggregated_levels;
mod chebyshev;
mod coarse_solver;
mod full_multigrid;
mod galerkin;
mod lanczos;
mod level;
mod lines;
mod parameters;
mod process_agglomeration;
mod smoothed_aggregation;
mod statistics;
mod transfer;

pub(crate) use lanczos::{lanczos_steps, shares_sums};
pub(crate) use level::LevelOperator;
pub(crate) use parameters::{DIRECT, STALLED, cycles, smoothing};
pub(crate) use process_agglomeration::SMALLEST;
pub use transfer::{NestedTransfer, Transfer};

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::rc::Rc;

use crate::la::matrix::DistributedCsr;
use crate::la::multigrid::aggregated_levels::{aggregated_levels, bounded, is_large};
use crate::la::multigrid::chebyshev::{End, Start};
use crate::la::multigrid::coarse_solver::CoarseSolver;
use crate::la::multigrid::level::{Level, Work};
use crate::la::vector::{dot_mixed, next_direction};
use crate::la::{DirectionUpdate, LinearOperator, MatrixEntries, Preconditioner, Scalar, Vector};
use crate::parallel::{Halo, Profile, SpanKind, loops, measure};

/// Symmetric multigrid cycle in either precision.
pub(crate) struct Multigrid<T: Scalar = f32> {
    levels: Vec<Level<T>>,
    coarser_meshes: usize,
    /// Halo of the coarsest level.
    coarsest: Rc<Halo>,
    coarsest_entries: usize,
    solver: CoarseSolver,
    /// Residual and correction of the finest level, from the first cycle on.
    ends: OnceCell<RefCell<[Vector<T>; 2]>>,
    /// Time and communication of each level.
    spent: Vec<Cell<Profile>>,
}

impl<T: Scalar> Multigrid<T> {
    /// Builds the hierarchy: the meshes, finest first, with these transfers, then `matrix` and
    /// smoothed aggregation below it. `is_rough` tells that eight significant bits of `matrix`
    /// suffice for its smoother. `operators` prepares those of the meshes. **Collective.**
    pub(crate) fn new(
        transfers: Vec<Box<dyn Transfer<T>>>,
        matrix: DistributedCsr,
        is_rough: bool,
        operators: impl FnOnce() -> Vec<LevelOperator<T>>,
    ) -> Self {
        let meshes = transfers.len();
        let comm = Rc::clone(matrix.halo().comm());
        let of_matrix = if is_rough { LevelOperator::of_matrix::<T::Rough> } else { LevelOperator::of_matrix::<T> };
        let corners = is_large(&matrix).then(|| of_matrix(&matrix));
        let bounds = |operators: &[_]| LevelOperator::eigenvalue_bounds(operators, meshes, |parts| comm.sum_all(parts));
        let (operators, bounds, (aggregated, matrix)) = if shares_sums(matrix.halo().map().total()) {
            let mut operators = operators();
            operators.extend(corners);
            let mut bounds = bounds(&operators);
            let has_corners = operators.len() > meshes;
            let corners = has_corners.then(|| operators.pop().zip(bounds.pop())).flatten();
            (operators, bounds, aggregated_levels(&comm, matrix, corners))
        } else {
            // Levels below large corners need most memory while they are built, so they come first.
            let aggregated = aggregated_levels(&comm, matrix, corners.map(|corners| bounded(&comm, corners)));
            let operators = operators();
            let bounds = bounds(&operators);
            (operators, bounds, aggregated)
        };
        let mut levels: Vec<Level<T>> = Vec::new();
        for (at, ((operator, bound), transfer)) in operators.into_iter().zip(bounds).zip(transfers).enumerate() {
            levels.push(Level::new(operator.smoothed(smoothing(at, meshes), bound), transfer));
        }
        levels.extend(aggregated);
        // The coarsest level is solved exactly.
        let before_last = levels.len().saturating_sub(1);
        for (at, level) in levels.iter_mut().enumerate().take(before_last) {
            level.cycles = cycles(at, meshes);
        }
        let solver = CoarseSolver::new(&matrix);
        let coarsest = Rc::clone(matrix.columns());
        let spent = vec![Cell::default(); levels.len() + 1];
        let (coarsest_entries, ends) = (matrix.entries(), OnceCell::new());
        Self { levels, coarser_meshes: meshes.saturating_sub(1), coarsest_entries, coarsest, solver, ends, spent }
    }

    /// Returns the residual and the correction of the finest level. The first call allocates them.
    fn ends(&self) -> RefMut<'_, [Vector<T>; 2]> {
        let finest = self.levels.first().map_or(self.coarsest.map(), |level| level.operator.halo().map());
        self.ends.get_or_init(|| RefCell::new([Vector::zeros(finest), Vector::zeros(finest)])).borrow_mut()
    }

    /// Runs `work` and adds its profile to a level.
    fn measured<R>(&self, at: usize, work: impl FnOnce() -> R) -> R {
        let (result, spent) = measure(self.coarsest.comm(), SpanKind::Level(at), work);
        let mut sum = self.spent[at].get();
        sum += spent;
        self.spent[at].set(sum);
        result
    }

    /// Overwrites `x` by the result of `count` cycles for `b` from zero; `b` is undefined at the
    /// end. **Collective.**
    fn cycles(&self, at: usize, count: usize, [b, x]: [&mut Vector<T>; 2]) {
        let mut start = Start::Zero;
        for remaining in (0..count).rev() {
            let end = if remaining > 0 { End::Residual } else { End::Finished };
            self.cycle(at, [&mut *b, &mut *x], start, end);
            if let Some(level) = self.levels.get(at).filter(|_| remaining > 0) {
                let d = &mut level.work().d;
                self.measured(at, || level.operator.subtract_product(d, b));
            }
            start = Start::Iterate;
        }
    }

    /// Improves `x`, whose residual is `b`, by one cycle. Where a level smooths, `b` becomes the
    /// next residual, from which the product with the last step in its `d` is still to be
    /// subtracted, or is undefined at the end. **Collective.**
    fn cycle(&self, at: usize, [b, x]: [&mut Vector<T>; 2], start: Start, end: End) {
        let comm = self.coarsest.comm();
        let Some(level) = self.levels.get(at) else {
            let solve = || self.solver.solve(&self.coarsest, b, x);
            return self.measured(at, || comm.span(SpanKind::CoarseSolve, 0, solve));
        };
        let Level { operator, smoother, transfer, cycles, .. } = level;
        let Work { d, next, coarse_b, coarse_x } = &mut *level.work();
        self.measured(at, || {
            comm.span(SpanKind::Smoothing, 0, || {
                smoother.smooth(&**operator, (start, End::Residual), x, [&mut *b, &mut *d, &mut *next]);
            });
            operator.subtract_product(d, b);
            comm.span(SpanKind::Transfer, 0, || transfer.restrict(b, coarse_b));
        });

        self.cycles(at + 1, *cycles, [coarse_b, coarse_x]);

        self.measured(at, || {
            comm.span(SpanKind::Transfer, 0, || transfer.prolong(coarse_x, d));
            comm.span(SpanKind::Smoothing, 0, || {
                smoother.smooth(&**operator, (Start::Corrected, end), x, [b, d, next]);
            });
        });
    }
}

/// Copies the owned entries to a vector of another precision.
fn convert<T: Scalar, U: Scalar>(from: &Vector<T>, to: &mut Vector<U>) {
    loops::update(to.owned_mut(), |range, to| {
        to.iter_mut().zip(&from.owned()[range]).for_each(|(to, from)| *to = U::of(from.double()));
        []
    });
}

impl<T: Scalar> Preconditioner for Multigrid<T> {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        let [b, x] = &mut *self.ends();
        convert(r, b);
        self.cycle(0, [b, x], Start::Zero, End::Finished);
        convert(x, z);
    }

    fn apply_and_dot(&self, r: &Vector, _z: &mut Vector) -> f64 {
        let [b, x] = &mut *self.ends();
        convert(r, b);
        self.cycle(0, [b, x], Start::Zero, End::Finished);
        dot_mixed(x.owned(), r.owned())
    }

    fn next_direction(&self, _z: &Vector, p: &mut Vector, x: &mut Vector, update: DirectionUpdate) {
        next_direction(self.ends()[1].owned(), p, x, update);
    }

    fn initial_guess(&self, b: &Vector, x: &mut Vector) -> bool {
        if self.coarser_meshes > 0 {
            let [rounded, _] = &mut *self.ends();
            convert(b, rounded);
            self.full_cycle(rounded, x);
        }
        self.coarser_meshes > 0
    }
}
