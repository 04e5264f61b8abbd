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
    /// Degree of the polynomial, at least 2.
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

    /// Returns how many vectors, the inverse diagonal among them, the steps of one smoothing read and
    /// write.
    pub fn traffic(&self, start: Start, end: End) -> usize {
        // A step reads x, d, r and the inverse diagonal and writes x and d.
        let first_two = match start {
            Start::Zero => 3 + 5,
            Start::Iterate => 3 + 6,
            Start::Corrected => 6 + 6,
        };
        first_two + 6 * (self.degree - 2) - usize::from(end == End::Finished)
    }

    /// Returns the size of the blocks of strongly connected unknowns on this rank.
    pub fn blocks(&self) -> BlockSize {
        self.diagonal.blocks.size()
    }

    /// Smooths `x` by the polynomial, given the residual b - A x in `r`. Unless that is the end,
    /// leaves the last step in `d`; its contribution A d is still to be subtracted from the residual.
    /// Each loop reads and writes only the vectors that it needs. **Collective.**
    pub fn smooth(
        &self,
        operator: &dyn LinearOperator<T>,
        (start, end): (Start, End),
        x: &mut Vector<T>,
        [r, d]: [&mut Vector<T>; 2],
    ) {
        let sigma = self.center / self.half_width;
        let mut rho = 1.0 / sigma;
        let first = T::of(1.0 / self.center);
        match start {
            Start::Zero | Start::Iterate => self.first_step(first, r, d),
            Start::Corrected => self.step(first, x, r, d, |x, d, step| (*x, *d) = (*x + *d + step, step)),
        }
        for at in 1..self.degree {
            operator.subtract_product(d, r);
            let next = 1.0 / (2.0 * sigma - rho);
            let (old, new) = (T::of(next * rho), T::of(2.0 * next / self.half_width));
            let is_last = at + 1 == self.degree;
            match (start, end) {
                (Start::Zero, _) if at == 1 => self.step(new, x, r, d, |x, d, step| {
                    let next = old * *d + step;
                    (*x, *d) = (*d + next, next);
                }),
                (Start::Iterate, _) if at == 1 => self.step(new, x, r, d, |x, d, step| {
                    let next = old * *d + step;
                    (*x, *d) = (*x + (*d + next), next);
                }),
                (_, End::Finished) if is_last => self.step(new, x, r, d, |x, d, step| *x += old * *d + step),
                _ => self.step(new, x, r, d, |x, d, step| {
                    *d = old * *d + step;
                    *x += *d;
                }),
            }
            rho = next;
        }
    }

    /// Overwrites `d` by `new` times D^-1 r.
    fn first_step(&self, new: T, r: &Vector<T>, d: &mut Vector<T>) {
        let BlockDiagonal { inverse, blocks } = &self.diagonal;
        loops::update(d.owned_mut(), |range, d| {
            let (r, inverse) = (&r.owned()[range.clone()], &inverse[range]);
            d.iter_mut().zip(r).zip(inverse).for_each(|((d, r), inverse)| *d = new * *inverse * *r);
            []
        });
        let d = d.owned_mut();
        blocks.apply(r.owned(), |i, z| d[i] = new * z);
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The null vector, whatever `x` holds.
    Zero,
    /// The vector `x`.
    Iterate,
    /// The sum of `x` and the correction in `d`.
    Corrected,
}

/// Use of the last step of a smoother.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The last step stays in `d`, for the residual.
    Residual,
    /// The residual is of no use; `d` is undefined.
    Finished,
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
