//! Chebyshev polynomials in D^-1 A as a smoother.
//!
//! M. Adams, M. Brezina, J. Hu, R. Tuminaro, *Parallel multigrid smoothing:
//! polynomial versus Gauss-Seidel*, J. Comput. Phys. 188 (2003); the recurrence
//! is that of Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed.,
//! alg. 12.1.

use super::{LinearOperator, Vector};
use crate::parallel::loops;

/// Damps the upper part of the spectrum of D^-1 A.
pub struct Chebyshev {
    inverse_diagonal: Vec<f32>,
    degree: usize,
    center: f64,
    half_width: f64,
}

/// Steps of the power method, and what they may fall short by.
const POWER_STEPS: usize = 12;
const SAFETY: f64 = 1.1;

/// What a smoother is to do.
#[derive(Clone, Copy)]
pub struct Smoothing {
    /// Degree of the polynomial.
    pub degree: usize,
    /// The lower end of what is damped, over the upper end.
    pub part: f64,
}

impl Chebyshev {
    /// Prepares the smoother of an operator. **Collective.**
    pub fn new(operator: &dyn LinearOperator<f32>, Smoothing { degree, part }: Smoothing) -> Self {
        let diagonal = operator.diagonal().into_iter();
        let inverse_diagonal: Vec<f32> = diagonal.map(|d| if d > 0.0 { (1.0 / d) as f32 } else { 1.0 }).collect();
        let high = SAFETY * power_method(operator, &inverse_diagonal);
        let low = part * high;
        Self { inverse_diagonal, degree, center: 0.5 * (high + low), half_width: 0.5 * (high - low) }
    }

    /// Upper bound of the spectrum of D^-1 A.
    pub fn largest_eigenvalue(&self) -> f64 {
        self.center + self.half_width
    }

    /// Improves `x` by the polynomial, given the residual b - A x in `r`. The
    /// last step is left in `d`: its part A d of the residual is still to be
    /// subtracted. `q` is work space. **Collective.**
    pub fn smooth(&self, operator: &dyn LinearOperator<f32>, x: &mut Vector<f32>, [r, d, q]: [&mut Vector<f32>; 3]) {
        let sigma = self.center / self.half_width;
        let mut rho = 1.0 / sigma;
        self.step(0.0, 1.0 / self.center, x, r, d);
        for _ in 1..self.degree {
            operator.apply(d, q);
            r.add(-1.0, q);
            let next = 1.0 / (2.0 * sigma - rho);
            self.step(next * rho, 2.0 * next / self.half_width, x, r, d);
            rho = next;
        }
    }

    /// d = old d + new D^-1 r; x += d.
    fn step(&self, old: f64, new: f64, x: &mut Vector<f32>, r: &Vector<f32>, d: &mut Vector<f32>) {
        let (old, new) = (old as f32, new as f32);
        loops::update_pair(x.owned_mut(), d.owned_mut(), |range, x, d| {
            let (r, inverse) = (&r.owned()[range.clone()], &self.inverse_diagonal[range]);
            for (((x, d), r), inverse) in x.iter_mut().zip(d).zip(r).zip(inverse) {
                *d = if old == 0.0 { new * inverse * r } else { old * *d + new * inverse * r };
                *x += *d;
            }
        });
    }
}

/// The largest eigenvalue of D^-1 A, from a start that depends on global
/// numbers alone. **Collective.**
fn power_method(operator: &dyn LinearOperator<f32>, inverse_diagonal: &[f32]) -> f64 {
    let halo = operator.halo();
    let (mut x, mut y) = (Vector::zeros(halo.map()), Vector::zeros(halo.map()));
    for (i, x) in x.owned_mut().iter_mut().enumerate() {
        *x = scramble(halo.global(i)) as f32;
    }
    let mut eigenvalue = 1.0;
    for _ in 0..POWER_STEPS {
        operator.apply(&mut x, &mut y);
        // Rayleigh quotient in the inner product of D: x.Ax / x.Dx.
        let local = loops::sum(x.owned().len(), |range| {
            let (x, y) = (&x.owned()[range.clone()], &y.owned()[range.clone()]);
            let x_ax = x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum();
            let x_dx = x.iter().zip(&inverse_diagonal[range]).map(|(x, inverse)| f64::from(x * x / inverse)).sum();
            [x_ax, x_dx]
        });
        let sums = halo.comm().sum_all(&local);
        if sums[1] <= 0.0 {
            break;
        }
        eigenvalue = sums[0] / sums[1];
        let scale = (1.0 / sums[1].sqrt()) as f32;
        for ((x, y), inverse) in x.owned_mut().iter_mut().zip(y.owned()).zip(inverse_diagonal) {
            *x = scale * inverse * y;
        }
    }
    eigenvalue
}

/// A number in [-1, 1) that looks random (the finaliser of SplitMix64).
fn scramble(i: u64) -> f64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as f64 / 2_f64.powi(63) - 1.0
}
