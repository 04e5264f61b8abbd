//! Chebyshev smoother: polynomials in D^-1 A, where D is the diagonal of A with the blocks of
//! strongly connected unknowns.
//!
//! M. Adams, M. Brezina, J. Hu, R. Tuminaro, *Parallel multigrid smoothing: polynomial versus
//! Gauss-Seidel*, J. Comput. Phys. 188 (2003); the recurrence is that of Y. Saad, *Iterative
//! Methods for Sparse Linear Systems*, 2nd ed., alg. 12.1.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::la::multigrid::lines::LineBlocks;
use crate::la::vector::inner;
use crate::la::{BlockSize, LinearOperator, MatrixEntries, Scalar, Stored, Vector};
use crate::parallel::loops;

/// Chebyshev smoother, which damps the upper part of the spectrum of D^-1 A.
pub struct Chebyshev<T: Scalar> {
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

    /// Returns the bytes that one smoothing reads and writes for each unknown, beside those of the
    /// operator.
    pub fn bytes(&self, start: Start, end: End) -> usize {
        // A step and its product read d, r and x and write r, x and the next d, beside the inverse
        // diagonal.
        let first_two = match start {
            Start::Zero => 2 + 5,
            Start::Iterate => 2 + 6,
            Start::Corrected => 6 + 6,
        };
        let vectors = first_two + 6 * (self.degree - 2) - usize::from(end == End::Finished);
        vectors * size_of::<T>() + self.degree * size_of::<T::Rough>()
    }

    /// Returns the size of the blocks of strongly connected unknowns on this rank.
    pub fn blocks(&self) -> BlockSize {
        self.diagonal.blocks.size()
    }

    /// Smooths `x` by the polynomial, given the residual b - A x in `r`. Unless that is the end,
    /// leaves the last step in `d`; its contribution A d is still to be subtracted from the
    /// residual. `vectors` are r, d and one for the next d. **Collective.**
    pub fn smooth(
        &self,
        operator: &dyn LinearOperator<T>,
        (start, end): (Start, End),
        x: &mut Vector<T>,
        vectors: [&mut Vector<T>; 3],
    ) {
        let [r, d, next] = vectors;
        let sigma = self.center / self.half_width;
        let mut rho = 1.0 / sigma;
        let first = T::of(1.0 / self.center);
        match start {
            Start::Zero | Start::Iterate => self.first_step(first, r, d),
            Start::Corrected => self.step(operator, first, x, [r, d, next], |x, d, next, step| {
                (*x, *next) = (*x + d + step, step);
            }),
        }
        for at in 1..self.degree {
            let factor = 1.0 / (2.0 * sigma - rho);
            let (old, new) = (T::of(factor * rho), T::of(2.0 * factor / self.half_width));
            let vectors = [&mut *r, &mut *d, &mut *next];
            match (start, end) {
                (Start::Zero, _) if at == 1 => self.step(operator, new, x, vectors, |x, d, next, step| {
                    *next = old * d + step;
                    *x = d + *next;
                }),
                (Start::Iterate, _) if at == 1 => self.step(operator, new, x, vectors, |x, d, next, step| {
                    *next = old * d + step;
                    *x += d + *next;
                }),
                (_, End::Finished) if at + 1 == self.degree => {
                    self.step(operator, new, x, vectors, |x, d, _, step| *x += old * d + step);
                }
                _ => self.step(operator, new, x, vectors, |x, d, next, step| {
                    *next = old * d + step;
                    *x += *next;
                }),
            }
            rho = factor;
        }
    }

    /// Overwrites `d` by `new` times D^-1 r. **Collective** among ranks that share lines.
    fn first_step(&self, new: T, r: &Vector<T>, d: &mut Vector<T>) {
        let BlockDiagonal { inverse, blocks } = &self.diagonal;
        loops::update(d.owned_mut(), |range, d| {
            let (r, inverse) = (&r.owned()[range.clone()], &inverse[range]);
            d.iter_mut().zip(r).zip(inverse).for_each(|((d, r), inverse)| *d = new * inverse.number() * *r);
            []
        });
        blocks.apply(r.owned(), [d.owned_mut()], |[d], z| *d = new * z);
    }

    /// Subtracts A d from r, and passes each unknown's x, d, next d and `new` times its part of
    /// D^-1 r to `update`, which adds that to x and the next d. The next d then becomes d.
    /// **Collective.**
    fn step(
        &self,
        operator: &dyn LinearOperator<T>,
        new: T,
        x: &mut Vector<T>,
        [r, d, next]: [&mut Vector<T>; 3],
        update: impl Fn(&mut T, T, &mut T, T) + Sync,
    ) {
        let BlockDiagonal { inverse, blocks } = &self.diagonal;
        operator.subtract_product_and_step(d, [&mut *r, &mut *x, &mut *next], &|range, d, [r, x, next]| {
            step_all(new, &inverse[range], d, r, x, next, &update);
        });
        // Entries of the inverse diagonal at unknowns in blocks are zero.
        blocks.apply(r.owned(), [x.owned_mut(), next.owned_mut()], |[x, next], z| {
            *next += new * z;
            *x += new * z;
        });
        std::mem::swap(d, next);
    }
}

/// Passes x, d, the next d and `new` times the inverse diagonal times r to `update`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn step_all<T: Scalar>(
    new: T,
    inverse: &[T::Rough],
    d: &[T],
    r: &[T],
    x: &mut [T],
    next: &mut [T],
    update: &impl Fn(&mut T, T, &mut T, T),
) {
    for ((((x, d), next), r), inverse) in x.iter_mut().zip(d).zip(next).zip(r).zip(inverse) {
        update(x, *d, next, new * inverse.number() * *r);
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
pub struct BlockDiagonal<T: Scalar> {
    /// Reciprocals of the diagonal, with eight significant bits; 0 at unknowns in blocks.
    inverse: Vec<T::Rough>,
    blocks: LineBlocks<T>,
}

impl<T: Scalar> BlockDiagonal<T> {
    /// Inverts the block diagonal of an operator. **Collective.**
    pub fn new(operator: &dyn MatrixEntries<impl Scalar>) -> Self {
        let (halo, mut diagonal) = (operator.halo(), operator.diagonal());
        loops::update(&mut diagonal, |_, diagonal| {
            diagonal.iter_mut().for_each(|d| *d = if *d > 0.0 { *d } else { 1.0 });
            []
        });
        diagonal.resize(halo.map().local(), 1.0);
        halo.scatter_fwd(&mut diagonal);
        let blocks = LineBlocks::new(operator, &diagonal);
        diagonal.truncate(halo.map().owned());
        let reciprocals = diagonal.par_iter().with_min_len(loops::CHUNK).map(|d| T::Rough::rounded(T::of(1.0 / d)));
        let mut inverse: Vec<T::Rough> = reciprocals.collect();
        blocks.unknowns().for_each(|i| inverse[i as usize] = T::Rough::default());
        Self { inverse, blocks }
    }

    /// Computes z = D^-1 r. Returns r.z of this rank. **Collective** among ranks that share lines.
    pub fn apply_and_dot(&self, r: &[T], z: &mut [T]) -> f64 {
        let inverse = &self.inverse;
        let [mut dot] = loops::update(z, |range, z| {
            let r = &r[range.clone()];
            z.iter_mut().zip(r).zip(&inverse[range]).for_each(|((z, r), inverse)| *z = *r * inverse.number());
            [inner(r, z)]
        });
        // Entries of the inverse diagonal at unknowns in blocks are zero.
        self.blocks.apply(r, [z], |[z], value| *z = value);
        dot += self.blocks.dot(r, z);
        dot
    }
}
