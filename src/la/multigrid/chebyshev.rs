//! Chebyshev smoother: polynomials in D^-1 A, where D is the diagonal of A with the blocks of
//! strongly connected unknowns.
//!
//! M. Adams, M. Brezina, J. Hu, R. Tuminaro, *Parallel multigrid smoothing: polynomial versus
//! Gauss-Seidel*, J. Comput. Phys. 188 (2003); the recurrence is that of Y. Saad, *Iterative
//! Methods for Sparse Linear Systems*, 2nd ed., alg. 12.1.

use crate::la::multigrid::line_blocks::LineBlocks;
use crate::la::vector::dot;
use crate::la::{BlockSize, LinearOperator, MatrixEntries, Scalar, Vector};
use crate::parallel::loops;

/// Chebyshev smoother, which damps the upper part of the spectrum of D^-1 A.
pub struct Chebyshev<T> {
    diagonal: BlockDiagonal<T>,
    degree: usize,
    center: f64,
    half_width: f64,
}

/// Parameters of the Lanczos estimate of the largest eigenvalue.
struct Lanczos {
    steps: usize,
    /// Factor on the estimate, which is a lower bound.
    safety: f64,
}

const LANCZOS: Lanczos = Lanczos { steps: 10, safety: 1.1 };
/// Parameters on levels of at most `SMALL` unknowns, where a local spot may dominate the spectrum.
const SMALL_LANCZOS: Lanczos = Lanczos { steps: 24, safety: 1.02 };
const SMALL: u64 = 20_000;

/// Parameters of a smoother.
#[derive(Clone, Copy)]
pub struct Smoothing {
    /// Degree of the polynomial.
    pub degree: usize,
    /// Lower end of the damped interval, relative to the upper end.
    pub part: f64,
}

impl<T: Scalar> Chebyshev<T> {
    /// Prepares the smoother of an operator with this block diagonal. **Collective.**
    pub fn new(
        operator: &dyn LinearOperator<T>,
        diagonal: BlockDiagonal<T>,
        Smoothing { degree, part }: Smoothing,
    ) -> Self {
        let entries = operator.diagonal();
        let Lanczos { steps, safety } = lanczos(operator.halo().map().total());
        let high = safety * largest_eigenvalue(operator, &diagonal, &entries, steps);
        let low = part * high;
        Self { diagonal, degree, center: 0.5 * (high + low), half_width: 0.5 * (high - low) }
    }

    /// Returns the estimated upper bound of the spectrum of D^-1 A.
    pub fn largest_eigenvalue(&self) -> f64 {
        self.center + self.half_width
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
    fn apply(&self, r: &[T], z: &mut [T]) {
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

/// Returns the parameters for a level with `unknowns` unknowns.
fn lanczos(unknowns: u64) -> Lanczos {
    if unknowns > SMALL { LANCZOS } else { SMALL_LANCZOS }
}

/// Returns the number of Lanczos steps on a level with `unknowns` unknowns.
pub fn lanczos_steps(unknowns: u64) -> usize {
    lanczos(unknowns).steps
}

/// Estimates the largest eigenvalue of D^-1 A from below by the Lanczos process inside conjugate
/// gradients (Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., section 6.7.3). The
/// start vector depends on global numbers only. It is scaled by the root of the diagonal, so that
/// eigenvectors of stiff and of soft spots have components of similar size; the power method
/// converges slowly to the eigenvalues of single spots. **Collective.**
fn largest_eigenvalue<T: Scalar>(
    operator: &dyn LinearOperator<T>,
    diagonal: &BlockDiagonal<T>,
    entries: &[f64],
    steps: usize,
) -> f64 {
    let halo = operator.halo();
    let [mut r, mut z, mut p, mut q] = [(); 4].map(|()| Vector::zeros(halo.map()));
    for ((i, r), d) in r.owned_mut().iter_mut().enumerate().zip(entries) {
        *r = T::of(scramble(halo.global(i)) * d.abs().sqrt());
    }
    diagonal.apply(r.owned(), z.owned_mut());
    let mut r_z = halo.comm().sum(dot(r.owned(), z.owned()));
    let mut lanczos = Tridiagonal::default();
    let (mut alpha, mut beta) = (1.0, 0.0);
    for _ in 0..steps {
        p.scale_and_add(T::of(beta), &z);
        operator.apply(&mut p, &mut q);
        let p_q = halo.comm().sum(dot(p.owned(), q.owned()));
        if r_z <= 0.0 || p_q <= 0.0 {
            break;
        }
        let last = std::mem::replace(&mut alpha, r_z / p_q);
        lanczos.push(1.0 / alpha + beta / last, beta.sqrt() / last);
        r.add(T::of(-alpha), &q);
        diagonal.apply(r.owned(), z.owned_mut());
        let before = std::mem::replace(&mut r_z, halo.comm().sum(dot(r.owned(), z.owned())));
        beta = r_z / before;
    }
    lanczos.largest_eigenvalue()
}

/// Symmetric tridiagonal matrix.
#[derive(Default)]
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Entry `i` couples rows `i - 1` and `i`; entry 0 is unused.
    beside: Vec<f64>,
}

impl Tridiagonal {
    fn push(&mut self, diagonal: f64, beside: f64) {
        self.diagonal.push(diagonal);
        self.beside.push(beside);
    }

    /// Computes the largest eigenvalue by bisection (G. H. Golub, C. F. Van Loan, *Matrix
    /// Computations*, 4th ed., section 8.4.1); 1 for a matrix without rows.
    fn largest_eigenvalue(&self) -> f64 {
        let n = self.diagonal.len();
        let beside = |i: usize| if (1..n).contains(&i) { self.beside[i].abs() } else { 0.0 };
        let reach = |i: usize| self.diagonal[i] + beside(i) + beside(i + 1);
        let mut low = self.diagonal.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut high = (0..n).map(reach).fold(f64::NEG_INFINITY, f64::max);
        if n == 0 || !high.is_finite() {
            return 1.0;
        }
        while high - low > 1e-6 * high.abs() {
            let middle = 0.5 * (low + high);
            if self.is_below(middle) { high = middle } else { low = middle }
        }
        high
    }

    /// Returns whether all eigenvalues are below `value`: all pivots of T - value are negative.
    fn is_below(&self, value: f64) -> bool {
        let mut pivot = 1.0;
        (0..self.diagonal.len()).all(|i| {
            let coupling = if i == 0 { 0.0 } else { self.beside[i] * self.beside[i] / pivot };
            pivot = self.diagonal[i] - value - coupling;
            pivot < 0.0
        })
    }
}

/// Returns a pseudo-random number in [-1, 1) (finaliser of SplitMix64).
fn scramble(i: u64) -> f64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as f64 / 2_f64.powi(63) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_eigenvalue_of_a_second_difference_is_found() {
        let mut matrix = Tridiagonal::default();
        (0..9).for_each(|_| matrix.push(2.0, -1.0));
        let expected = 2.0 + 2.0 * (std::f64::consts::PI / 10.0).cos();
        assert!((matrix.largest_eigenvalue() - expected).abs() < 1e-5);
    }
}
