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

mod chebyshev;
mod coarse_solver;
mod galerkin;
mod line_blocks;
mod process_agglomeration;
mod smoothed_aggregation;
mod transfer;

pub(crate) use chebyshev::lanczos_steps;
pub use line_blocks::UNGROUPED;
pub(crate) use process_agglomeration::SMALLEST;
pub use transfer::Transfer;

use std::cell::{Cell, RefCell};

use crate::error::Result;
use crate::la::matrix::DistributedCsr;
use crate::la::multigrid::chebyshev::{Chebyshev, Smoothing};
use crate::la::multigrid::coarse_solver::CoarseSolver;
use crate::la::multigrid::galerkin::galerkin;
use crate::la::multigrid::smoothed_aggregation::smoothed_aggregation;
use crate::la::multigrid::transfer::MatrixTransfer;
use crate::la::{
    BlockSize, LevelSize, LinearOperator, MatrixEntries, Preconditioner, PreconditionerStatistics, Scalar, Vector,
};
use crate::parallel::{IndexMap, Profile, loops, measure, work};

/// Operator of a level with the transfer to the next coarser one.
pub(crate) struct Coarsening<T> {
    /// Operator of the finer level.
    pub operator: Box<dyn MatrixEntries<T>>,
    /// Transfer to the coarser level.
    pub transfer: Box<dyn Transfer<T>>,
}

/// One level with the transfer to the next coarser one.
struct Level<T> {
    operator: Box<dyn MatrixEntries<T>>,
    smoother: Chebyshev<T>,
    transfer: Box<dyn Transfer<T>>,
    /// Number of cycles of the next level in one cycle of this level.
    cycles: usize,
    work: RefCell<Work<T>>,
}

/// Work vectors of a level, kept between cycles.
struct Work<T> {
    r: Vector<T>,
    d: Vector<T>,
    q: Vector<T>,
    /// With the ghosts of the prolongation.
    coarse_b: Vector<T>,
    coarse_x: Vector<T>,
    /// With the ghosts of the coarse operator.
    correction: Vector<T>,
    coarse_q: Vector<T>,
}

/// Symmetric multigrid cycle in either precision.
pub(crate) struct Multigrid<T = f32> {
    levels: Vec<Level<T>>,
    coarsest: DistributedCsr<T>,
    solver: CoarseSolver,
    /// Residual and correction of the finest level.
    ends: RefCell<[Vector<T>; 2]>,
    /// Time and communication of each level.
    spent: Vec<Cell<Profile>>,
}

/// Smoothing on levels above the corners and above aggregates.
pub(crate) const SMOOTHING: Smoothing = Smoothing { degree: 2, part: 1.0 / 8.0 };
/// Cycles of the next coarser level in one cycle (a W-cycle); with a V-cycle the iterations grow
/// with the number of levels.
pub(crate) const COARSE_CYCLES: usize = 2;
/// Smoothing between nested meshes, where more smoothing with a V-cycle is faster than a W-cycle.
pub(crate) const NESTED_SMOOTHING: Smoothing = Smoothing { degree: 3, part: 1.0 / 10.0 };
/// Cycles of the next coarser level between nested meshes (a V-cycle).
pub(crate) const NESTED_CYCLES: usize = 1;
/// Threshold of the strength of connection on the finest aggregated level; halved on each coarser
/// level.
const THETA: f64 = 0.04;
/// Largest number of unknowns of a level that is solved directly.
pub(crate) const DIRECT: u64 = 400;
/// Largest ratio of coarse to fine unknowns; beyond it coarsening has stalled and ends.
pub(crate) const STALLED: f64 = 0.7;

impl<T: Scalar> Multigrid<T> {
    /// Builds the hierarchy: the `nested` levels, finest first, then `matrix` and smoothed
    /// aggregation below it. **Collective.**
    ///
    /// # Errors
    /// If the ranks disagree about the owners of unknowns.
    pub(crate) fn new(nested: Vec<Coarsening<T>>, mut matrix: DistributedCsr) -> Result<Self> {
        let last = nested.len().saturating_sub(1);
        let mut finer: Vec<(Coarsening<T>, Chebyshev<T>, usize)> = Vec::new();
        for (at, coarsening) in nested.into_iter().enumerate() {
            let (smoothing, cycles) =
                if at < last { (NESTED_SMOOTHING, NESTED_CYCLES) } else { (SMOOTHING, COARSE_CYCLES) };
            let smoother = Chebyshev::new(&*coarsening.operator, smoothing);
            count_work(&coarsening);
            finer.push((coarsening, smoother, cycles));
        }
        let mut theta = THETA;
        while matrix.halo().map().total() > DIRECT {
            let operator = matrix.to();
            let smoother = Chebyshev::new(&operator, SMOOTHING);
            let prolongation = smoothed_aggregation(&matrix, smoother.largest_eigenvalue(), theta)?;
            let (now, next) = (matrix.halo().map().total(), prolongation.columns.map().total());
            if next == 0 || next as f64 > STALLED * now as f64 {
                break;
            }
            matrix = galerkin(&matrix, &prolongation)?;
            let transfer = Box::new(MatrixTransfer::new(&prolongation));
            let coarsening = Coarsening { operator: Box::new(operator), transfer };
            count_work(&coarsening);
            finer.push((coarsening, smoother, COARSE_CYCLES));
            theta *= 0.5;
        }
        let solver = CoarseSolver::new(&matrix);
        let coarsest = matrix.to();
        let mut next = coarsest.halo().map().clone();
        let mut levels = Vec::with_capacity(finer.len());
        for (coarsening, smoother, cycles) in finer.into_iter().rev() {
            let map = coarsening.operator.halo().map().clone();
            levels.push(Level::new(coarsening, smoother, cycles, &next));
            next = map;
        }
        levels.reverse();
        let ends = RefCell::new([Vector::zeros(&next), Vector::zeros(&next)]);
        let spent = vec![Cell::default(); levels.len() + 1];
        Ok(Self { levels, coarsest, solver, ends, spent })
    }

    /// Returns the operator of a level.
    fn operator(&self, at: usize) -> &dyn MatrixEntries<T> {
        self.levels.get(at).map_or(&self.coarsest, |level| &*level.operator)
    }

    /// Runs `work` and adds its profile to a level.
    fn measured<R>(&self, at: usize, work: impl FnOnce() -> R) -> R {
        let (result, spent) = measure(self.coarsest.halo().comm(), work);
        let mut sum = self.spent[at].get();
        sum += spent;
        self.spent[at].set(sum);
        result
    }

    /// Overwrites `x` by one cycle for `b`, from x = 0. **Collective.**
    fn cycle(&self, at: usize, b: &Vector<T>, x: &mut Vector<T>) {
        let Some(level) = self.levels.get(at) else {
            return self.measured(at, || self.solver.solve(self.coarsest.halo(), b, x));
        };
        let minus = T::of(-1.0);
        let Work { r, d, q, coarse_b, coarse_x, correction, coarse_q } = &mut *level.work.borrow_mut();
        self.measured(at, || {
            r.owned_mut().copy_from_slice(b.owned());
            x.owned_mut().fill(T::default());
            level.smoother.smooth(&*level.operator, x, [r, d, q]);
            level.operator.apply(d, q);
            r.add(minus, q);
            level.transfer.restrict(r, coarse_b);
        });

        self.cycle(at + 1, coarse_b, correction);
        coarse_x.owned_mut().copy_from_slice(correction.owned());
        for _ in 1..level.cycles {
            // One more cycle for the remaining coarse residual.
            self.measured(at + 1, || {
                self.operator(at + 1).apply(correction, coarse_q);
                coarse_b.add(minus, coarse_q);
            });
            self.cycle(at + 1, coarse_b, correction);
            coarse_x.add(T::of(1.0), correction);
        }

        self.measured(at, || {
            level.transfer.prolong(coarse_x, d);
            x.add(T::of(1.0), d);
            level.operator.apply(d, q);
            r.add(minus, q);
            level.smoother.smooth(&*level.operator, x, [r, d, q]);
        });
    }
}

/// Counts the unknowns that a level removes; those of all levels add up to the unknowns of the
/// finest.
fn count_work<T: Scalar>(Coarsening { operator, transfer }: &Coarsening<T>) {
    work::done(operator.halo().map().owned().saturating_sub(transfer.coarse().owned()) as u64);
}

impl<T: Scalar> Level<T> {
    fn new(coarsening: Coarsening<T>, smoother: Chebyshev<T>, cycles: usize, next: &IndexMap) -> Self {
        let Coarsening { operator, transfer } = coarsening;
        let (fine, coarse) = (operator.halo().map(), transfer.coarse());
        let work = RefCell::new(Work {
            r: Vector::zeros(fine),
            d: Vector::zeros(fine),
            q: Vector::zeros(fine),
            coarse_b: Vector::zeros(coarse),
            coarse_x: Vector::zeros(coarse),
            correction: Vector::zeros(next),
            coarse_q: Vector::zeros(next),
        });
        Self { operator, smoother, transfer, cycles, work }
    }
}

impl<T: Scalar> Preconditioner for Multigrid<T> {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        let [b, x] = &mut *self.ends.borrow_mut();
        loops::update(b.owned_mut(), |range, b| {
            b.iter_mut().zip(&r.owned()[range]).for_each(|(b, r)| *b = T::of(*r));
            []
        });
        self.cycle(0, b, x);
        loops::update(z.owned_mut(), |range, z| {
            z.iter_mut().zip(&x.owned()[range]).for_each(|(z, x)| *z = x.double());
            []
        });
    }
}

impl<T: Scalar> PreconditionerStatistics for Multigrid<T> {
    fn levels(&self) -> Vec<LevelSize> {
        let size = |at: usize| {
            let (operator, halo) = (self.operator(at), self.operator(at).halo());
            let comm = halo.comm();
            let own = self.levels.get(at).map_or(BlockSize::default(), |level| level.smoother.blocks());
            LevelSize {
                unknowns: halo.map().total(),
                entries: comm.sum(operator.entries() as u64),
                blocks: BlockSize { unknowns: comm.sum(own.unknowns), entries: comm.sum(own.entries) },
            }
        };
        (0..=self.levels.len()).map(size).collect()
    }

    fn spent(&self) -> Vec<Profile> {
        self.spent.iter().map(Cell::get).collect()
    }
}
