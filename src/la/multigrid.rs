//! Multigrid as a preconditioner: a hierarchy of ever smaller operators, each
//! smoothed by Chebyshev polynomials, the last one solved directly.
//!
//! W. L. Briggs, V. E. Henson, S. F. McCormick, *A Multigrid Tutorial*, 2nd
//! ed.; for the combination with CG see U. Trottenberg, C. Oosterlee,
//! A. Schueller, *Multigrid*, section 7.8. Smoothing before and after is the
//! same polynomial, so the cycle is symmetric.

use std::cell::RefCell;
use std::rc::Rc;

use super::aggregation::smoothed_aggregation;
use super::chebyshev::Chebyshev;
use super::coarse::CoarseSolver;
use super::csr::{Csr, DistributedCsr};
use super::galerkin::galerkin;
use super::vector::dot;
use super::{LevelSize, LinearOperator, Preconditioner, Vector};
use crate::error::Result;
use crate::parallel::loops;

/// One level with its way to the next coarser one.
struct Level {
    matrix: Rc<DistributedCsr>,
    smoother: Chebyshev,
    prolongation: DistributedCsr,
    restriction: Csr,
    /// Cycles of the coarser levels for each one here.
    coarse_cycles: usize,
    work: RefCell<Work>,
}

/// Vectors of a level, kept from cycle to cycle.
struct Work {
    r: Vector,
    d: Vector,
    q: Vector,
    coarse_b: Vector,
    coarse_x: Vector,
    correction: Vector,
}

/// A symmetric multigrid cycle.
pub struct Multigrid {
    levels: Vec<Level>,
    coarsest: (Rc<DistributedCsr>, CoarseSolver),
}

/// Degree of the smoothing polynomial.
const DEGREE: usize = 2;
/// Strength of connection on the finest aggregated level; halved from level to level.
const THETA: f64 = 0.08;
/// Levels with at most this many unknowns are solved directly.
const DIRECT: u64 = 400;
/// Coarsening that leaves more than this part of the unknowns has stalled.
const STALLED: f64 = 0.7;

impl Multigrid {
    /// The hierarchy below `finest`: first the given prolongation to `second`,
    /// its Galerkin operator, then smoothed aggregation. **Collective.**
    ///
    /// # Errors
    /// [`Error::Inconsistent`](crate::Error::Inconsistent) if ranks disagree about owners.
    pub fn new(finest: Rc<DistributedCsr>, prolongation: DistributedCsr, second: DistributedCsr) -> Result<Self> {
        let mut levels = vec![Level::new(finest, prolongation, 2)];
        let mut matrix = Rc::new(second);
        let mut theta = THETA;
        while matrix.halo().map().total() > DIRECT {
            let smoother = Chebyshev::new(&matrix, DEGREE);
            let prolongation = smoothed_aggregation(&matrix, &smoother, theta)?;
            let (now, next) = (matrix.halo().map().total(), prolongation.halo_of_columns().map().total());
            if next == 0 || next as f64 > STALLED * now as f64 {
                break;
            }
            let restriction = prolongation.transposed();
            let coarse = galerkin(&matrix, &prolongation, &restriction)?;
            levels.push(Level::with(matrix, smoother, prolongation, restriction, 1));
            matrix = Rc::new(coarse);
            theta *= 0.5;
        }
        let solver = CoarseSolver::new(&matrix);
        Ok(Self { levels, coarsest: (matrix, solver) })
    }

    /// Overwrites `x` by one cycle for `b`, from x = 0.
    fn cycle(&self, at: usize, b: &Vector, x: &mut Vector) {
        let Some(level) = self.levels.get(at) else {
            return self.coarsest.1.solve(&self.coarsest.0, b, x);
        };
        let Work { r, d, q, coarse_b, coarse_x, correction } = &mut *level.work.borrow_mut();
        r.owned_mut().copy_from_slice(b.owned());
        x.owned_mut().fill(0.0);
        level.smoother.smooth(&level.matrix, x, [r, d, q]);

        level.matrix.apply(d, q);
        subtract(r, q);
        level.restrict(r, coarse_b);
        self.cycle(at + 1, coarse_b, coarse_x);
        for _ in 1..level.coarse_cycles {
            self.improve(at + 1, coarse_b, coarse_x, correction);
        }
        level.prolong(coarse_x, d);
        add(x, d);

        level.matrix.apply(d, q);
        subtract(r, q);
        level.smoother.smooth(&level.matrix, x, [r, d, q]);
    }

    /// One more cycle for what is left of `b` after `x`.
    fn improve(&self, at: usize, b: &mut Vector, x: &mut Vector, correction: &mut Vector) {
        let matrix = self.levels.get(at).map_or(&self.coarsest.0, |level| &level.matrix);
        matrix.apply(x, correction);
        subtract(b, correction);
        self.cycle(at, b, correction);
        add(x, correction);
    }
}

impl Level {
    fn new(matrix: Rc<DistributedCsr>, prolongation: DistributedCsr, coarse_cycles: usize) -> Self {
        let smoother = Chebyshev::new(&matrix, DEGREE);
        let restriction = prolongation.transposed();
        Self::with(matrix, smoother, prolongation, restriction, coarse_cycles)
    }

    fn with(
        matrix: Rc<DistributedCsr>,
        smoother: Chebyshev,
        prolongation: DistributedCsr,
        restriction: Csr,
        coarse_cycles: usize,
    ) -> Self {
        let (fine, coarse) = (matrix.halo().map(), prolongation.halo_of_columns().map());
        let work = Work {
            r: Vector::zeros(fine),
            d: Vector::zeros(fine),
            q: Vector::zeros(fine),
            coarse_b: Vector::zeros(coarse),
            coarse_x: Vector::zeros(coarse),
            correction: Vector::zeros(coarse),
        };
        Self { matrix, smoother, prolongation, restriction, coarse_cycles, work: RefCell::new(work) }
    }

    /// `coarse` = P' `fine`.
    fn restrict(&self, fine: &Vector, coarse: &mut Vector) {
        super::csr::multiply(&self.restriction, fine.owned(), coarse.local_mut());
        self.prolongation.halo_of_columns().reverse_add(coarse.local_mut());
    }

    /// `fine` = P `coarse`.
    fn prolong(&self, coarse: &mut Vector, fine: &mut Vector) {
        self.prolongation.multiply(coarse, fine.owned_mut());
    }
}

impl Preconditioner for Multigrid {
    fn apply(&self, r: &mut Vector, z: &mut Vector) -> f64 {
        self.cycle(0, r, z);
        dot(r.owned(), z.owned())
    }

    fn levels(&self) -> Vec<LevelSize> {
        let matrices = self.levels.iter().map(|level| &level.matrix).chain([&self.coarsest.0]);
        let size = |matrix: &Rc<DistributedCsr>| LevelSize {
            unknowns: matrix.halo().map().total(),
            entries: matrix.halo().comm().sum(matrix.entries() as u64),
        };
        matrices.map(size).collect()
    }
}

fn subtract(x: &mut Vector, y: &Vector) {
    combine(x, y, -1.0);
}

fn add(x: &mut Vector, y: &Vector) {
    combine(x, y, 1.0);
}

fn combine(x: &mut Vector, y: &Vector, factor: f64) {
    loops::update(x.owned_mut(), |range, x| {
        for (x, y) in x.iter_mut().zip(&y.owned()[range]) {
            *x += factor * y;
        }
        []
    });
}
