//! Chebyshev smoother: polynomials in D^-1 A, where D is the diagonal of A with the blocks of
//! strongly connected unknowns.
//!
//! M. Adams, M. Brezina, J. Hu, R. Tuminaro, *Parallel multigrid smoothing: polynomial versus
//! Gauss-Seidel*, J. Comput. Phys. 188 (2003); the recurrence is that of Y. Saad, *Iterative
//! Methods for Sparse Linear Systems*, 2nd ed., alg. 12.1.

use crate::la::multigrid::line_blocks::LineBlocks;
use crate::la::{BlockSize, LinearOperator, MatrixEntries, Scalar, Vector};
use crate::parallel::loops;

/// Chebyshev smoother, which damps the upper part of the spectrum of D^-1 A.
pub struct Chebyshev<T> {
    diagonal: BlockDiagonal<T>,
    degree: usize,
    center: f64,
    half_width: f64,
}

/// Parameters of a smoother.
#[derive(Clone, Copy)]
pub struct Smoothing {
    /// Degree of the polynomial.
    pub degree: usize,
    /// Lower end of the damped interval, relative to the upper end.
    pub part: f64,
}

impl<T: Scalar> Chebyshev<T> {
    /// Prepares the smoother of an operator with this block diagonal, where the eigenvalues of
    /// D^-1 A are at most `high`.
    pub fn new(diagonal: BlockDiagonal<T>, Smoothing { degree, part }: Smoothing, high: f64) -> Self {
        let low = part * high;
        Self { diagonal, degree, center: 0.5 * (high + low), half_width: 0.5 * (high - low) }
    }

    /// Returns the products with the operator in one smoothing.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Returns the size of the blocks of strongly connected unknowns on this rank.
    pub fn blocks(&self) -> BlockSize {
        self.diagonal.blocks.size()
    }

    /// Smooths `x` by the polynomial, given the residual b - A x in `r`. Leaves the last step in
    /// `d`; its contribution A d is still to be subtracted from the residual. **Collective.**
    pub fn smooth(
        &self,
        operator: &dyn LinearOperator<T>,
        start: Start,
        x: &mut Vector<T>,
        [r, d]: [&mut Vector<T>; 2],
    ) {
        let sigma = self.center / self.half_width;
        let mut rho = 1.0 / sigma;
        let first = T::of(1.0 / self.center);
        match start {
            Start::Zero => self.step(first, x, r, d, |x, d, step| (*x, *d) = (step, step)),
            Start::Iterate => self.step(first, x, r, d, |x, d, step| (*x, *d) = (*x + step, step)),
        }
        for _ in 1..self.degree {
            operator.subtract_product(d, r);
            let next = 1.0 / (2.0 * sigma - rho);
            let (old, new) = (T::of(next * rho), T::of(2.0 * next / self.half_width));
            self.step(new, x, r, d, |x, d, step| {
                *d = old * *d + step;
                *x += *d;
            });
            rho = next;
        }
    }

    /// Passes each unknown's x, d and `new` times its part of D^-1 r to `update`, which adds to both.
    fn step(
        &self,
        new: T,
        x: &mut Vector<T>,
        r: &Vector<T>,
        d: &mut Vector<T>,
        update: impl Fn(&mut T, &mut T, T) + Sync,
    ) {
        let BlockDiagonal { inverse, blocks } = &self.diagonal;
        loops::update_pair(x.owned_mut(), d.owned_mut(), |range, x, d| {
            let (r, inverse) = (&r.owned()[range.clone()], &inverse[range]);
            for (((x, d), r), inverse) in x.iter_mut().zip(d).zip(r).zip(inverse) {
                update(x, d, new * *inverse * *r);
            }
        });
        // Entries of the inverse diagonal at unknowns in blocks are zero.
        let (x, d) = (x.owned_mut(), d.owned_mut());
        blocks.apply(r.owned(), |i, z| {
            d[i] += new * z;
            x[i] += new * z;
        });
    }
}

/// Initial iterate of a smoother.
#[derive(Clone, Copy)]
pub enum Start {
    /// The null vector, whatever the vector holds.
    Zero,
    /// The vector.
    Iterate,
}

/// Inverse of the block diagonal D.
pub struct BlockDiagonal<T> {
    /// Reciprocals of the diagonal; 0 at unknowns in blocks.
    inverse: Vec<T>,
    blocks: LineBlocks<T>,
}

impl<T: Scalar> BlockDiagonal<T> {
    /// Inverts the block diagonal of an operator.
    pub fn new(operator: &dyn MatrixEntries<impl Scalar>) -> Self {
        let diagonal: Vec<f64> = operator.diagonal().into_iter().map(|d| if d > 0.0 { d } else { 1.0 }).collect();
        let blocks = LineBlocks::new(operator, &diagonal);
        let mut inverse: Vec<T> = diagonal.iter().map(|d| T::of(1.0 / d)).collect();
        blocks.unknowns().for_each(|i| inverse[i as usize] = T::default());
        Self { inverse, blocks }
    }

    /// Computes z = D^-1 r.
    pub fn apply(&self, r: &[T], z: &mut [T]) {
        loops::update(z, |range, z| {
            z.iter_mut()
                .zip(&r[range.clone()])
                .zip(&self.inverse[range])
                .for_each(|((z, r), inverse)| *z = *r * *inverse);
            []
        });
        self.blocks.apply(r, |i, value| z[i] = value);
    }
}
