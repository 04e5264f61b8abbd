//! Multigrid as a preconditioner: a hierarchy of ever smaller operators, each
//! smoothed by Chebyshev polynomials, the last one solved directly. The cycle
//! works in single precision, which is enough for most problems and half the
//! memory to move, or in double precision, for those that are too stiff for
//! that. The hierarchy is built in double precision.
//!
//! W. L. Briggs, V. E. Henson, S. F. McCormick, *A Multigrid Tutorial*, 2nd
//! ed.; for the combination with CG see U. Trottenberg, C. Oosterlee,
//! A. Schueller, *Multigrid*, section 7.8. Smoothing before and after is the
//! same polynomial, so the cycle is symmetric.
//!
//! What was tried and left out (Y-channel, 16,397 to 1,020,897 nodes, 1e-8):
//! one visit of the coarser level instead of two on the aggregated levels, 8 to
//! 12 iterations instead of 8 and no less time; one visit everywhere, 11 to 16;
//! three visits below the corners alone, 8 to 9 and a fifth more time; degree 3
//! on all aggregated levels, 8 to 9; smoothing on lambda/15 instead of
//! lambda/8, 10 to 12; a strength of 0.08 instead of 0.04, one iteration more.
//! Relaxing single unknowns alone instead of blocks of strongly coupled ones: 23
//! instead of 12 iterations on a mesh with almost folded elements (s_bend_387,
//! refined, before the coarser meshes were Galerkin's), 334 on elements of 100 to 1 on one rank. Dense inverses of blocks
//! of at most 64 unknowns, made of elements from 1.5 to 1 on: 26 to 30
//! iterations instead of 5 on squares of elements of 100 to 1 on one rank; 9 as
//! well on the venturi channel, but 3 to 5 times the setup, and the memory of
//! the ranks in the throat doubled.
//! Between nested meshes (Y-channel, y_tube and venturi, refined two to four
//! times): 8 to 10 iterations as it is; degree 2 takes 10 to 13, and two visits
//! bring those to 8 to 12 but cost as much; degree 4 takes 7 to 9 and is slower.
//! The corners as the first coarser level of a refined mesh took 8 to 11, twice
//! the time in all, and a fifth more memory. Coarser meshes that are integrated
//! anew, instead of Galerkin's operators: a tenth less setup, but 12 instead of 10
//! iterations on s_bend_387, and 26 instead of 19 where k jumps by 1000 on a
//! circle.

mod chebyshev;
mod coarse_solver;
mod galerkin;
mod line_blocks;
mod process_agglomeration;
mod smoothed_aggregation;
mod transfer;

pub use chebyshev::lanczos_steps;
pub use line_blocks::{ALONE, Coupling};
pub(crate) use process_agglomeration::SMALLEST;
pub use transfer::{MatrixTransfer, Transfer};

use std::cell::{Cell, RefCell};

use crate::error::Result;
use crate::la::matrix::DistributedCsr;
use crate::la::multigrid::chebyshev::{Chebyshev, Smoothing};
use crate::la::multigrid::coarse_solver::CoarseSolver;
use crate::la::multigrid::galerkin::galerkin;
use crate::la::multigrid::smoothed_aggregation::smoothed_aggregation;
use crate::la::{BlockSize, LevelSize, LinearOperator, Preconditioner, Scalar, Vector};
use crate::parallel::{IndexMap, Profile, loops, measure, work};

/// An operator and the way from it to the next coarser one.
pub struct Coarsening<T> {
    /// The operator of the finer level.
    pub operator: Box<dyn LinearOperator<T>>,
    /// The way down.
    pub transfer: Box<dyn Transfer<T>>,
}

/// One level with its way to the next coarser one.
struct Level<T> {
    operator: Box<dyn LinearOperator<T>>,
    smoother: Chebyshev<T>,
    transfer: Box<dyn Transfer<T>>,
    /// Cycles of the next level for each one of this.
    cycles: usize,
    work: RefCell<Work<T>>,
}

/// Vectors of a level, kept from cycle to cycle.
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

/// A symmetric multigrid cycle in either precision.
pub struct Multigrid<T = f32> {
    levels: Vec<Level<T>>,
    coarsest: DistributedCsr<T>,
    solver: CoarseSolver,
    /// Residual and correction of the finest level.
    ends: RefCell<[Vector<T>; 2]>,
    /// What each level has taken.
    spent: Vec<Cell<Profile>>,
}

/// Smoothing above a level of smaller degree or of aggregates.
pub(crate) const SMOOTHING: Smoothing = Smoothing { degree: 2, part: 1.0 / 8.0 };
/// Cycles of the next coarser level for each one (a W cycle): with one alone
/// the iterations grow with the number of levels.
pub(crate) const COARSE_CYCLES: usize = 2;
/// Between nested levels more smoothing and one cycle are the better bargain.
pub(crate) const NESTED_SMOOTHING: Smoothing = Smoothing { degree: 3, part: 1.0 / 10.0 };
pub(crate) const NESTED_CYCLES: usize = 1;
/// Strength of connection on the finest aggregated level; halved from level to level.
const THETA: f64 = 0.04;
/// Levels with at most this many unknowns are solved directly.
pub(crate) const DIRECT: u64 = 400;
/// Coarsening that leaves more than this part of the unknowns has stalled.
pub(crate) const STALLED: f64 = 0.7;

impl<T: Scalar> Multigrid<T> {
    /// The hierarchy of `nested` levels, finest first, which ends above `matrix`,
    /// and of smoothed aggregation below it. **Collective.**
    ///
    /// # Errors
    /// [`Error::Inconsistent`](crate::error::Error::Inconsistent) if ranks disagree about owners.
    pub fn new(nested: Vec<Coarsening<T>>, mut matrix: DistributedCsr) -> Result<Self> {
        let last = nested.len().saturating_sub(1);
        let mut steps: Vec<(Coarsening<T>, Chebyshev<T>, usize)> = Vec::new();
        for (at, coarsening) in nested.into_iter().enumerate() {
            let (smoothing, cycles) =
                if at < last { (NESTED_SMOOTHING, NESTED_CYCLES) } else { (SMOOTHING, COARSE_CYCLES) };
            let smoother = Chebyshev::new(&*coarsening.operator, smoothing);
            count_work(&coarsening);
            steps.push((coarsening, smoother, cycles));
        }
        let mut theta = THETA;
        while matrix.halo().map().total() > DIRECT {
            let operator = matrix.to();
            let smoother = Chebyshev::new(&operator, SMOOTHING);
            let transfer = MatrixTransfer::new(smoothed_aggregation(&matrix, smoother.largest_eigenvalue(), theta)?);
            let (now, next) = (matrix.halo().map().total(), transfer.coarse().total());
            if next == 0 || next as f64 > STALLED * now as f64 {
                break;
            }
            matrix = galerkin(&matrix, &transfer)?;
            let coarsening = Coarsening { operator: Box::new(operator), transfer: Box::new(transfer.to()) };
            count_work(&coarsening);
            steps.push((coarsening, smoother, COARSE_CYCLES));
            theta *= 0.5;
        }
        let solver = CoarseSolver::new(&matrix);
        let coarsest = matrix.to();
        let mut next = coarsest.halo().map().clone();
        let mut levels = Vec::with_capacity(steps.len());
        for (coarsening, smoother, cycles) in steps.into_iter().rev() {
            let map = coarsening.operator.halo().map().clone();
            levels.push(Level::new(coarsening, smoother, cycles, &next));
            next = map;
        }
        levels.reverse();
        let ends = RefCell::new([Vector::zeros(&next), Vector::zeros(&next)]);
        let spent = vec![Cell::default(); levels.len() + 1];
        Ok(Self { levels, coarsest, solver, ends, spent })
    }

    /// The operator of a level.
    fn operator(&self, at: usize) -> &dyn LinearOperator<T> {
        self.levels.get(at).map_or(&self.coarsest, |level| &*level.operator)
    }

    /// Does work of a level.
    fn on<R>(&self, at: usize, work: impl FnOnce() -> R) -> R {
        let (result, spent) = measure(work);
        let mut sum = self.spent[at].get();
        sum += spent;
        self.spent[at].set(sum);
        result
    }

    /// Overwrites `x` by one cycle for `b`, from x = 0.
    fn cycle(&self, at: usize, b: &Vector<T>, x: &mut Vector<T>) {
        let Some(level) = self.levels.get(at) else {
            return self.on(at, || self.solver.solve(self.coarsest.halo(), b, x));
        };
        let minus = T::of(-1.0);
        let Work { r, d, q, coarse_b, coarse_x, correction, coarse_q } = &mut *level.work.borrow_mut();
        self.on(at, || {
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
            // One more cycle for what is left of the coarse right side.
            self.on(at + 1, || {
                self.operator(at + 1).apply(correction, coarse_q);
                coarse_b.add(minus, coarse_q);
            });
            self.cycle(at + 1, coarse_b, correction);
            coarse_x.add(T::of(1.0), correction);
        }

        self.on(at, || {
            level.transfer.prolong(coarse_x, d);
            x.add(T::of(1.0), d);
            level.operator.apply(d, q);
            r.add(minus, q);
            level.smoother.smooth(&*level.operator, x, [r, d, q]);
        });
    }
}

/// The unknowns that a coarser level leaves behind: those of all levels are those of the finest.
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
