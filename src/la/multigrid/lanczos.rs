//! Lanczos estimates of the largest eigenvalues for the smoothers of several levels at once.
//!
//! The Lanczos process inside conjugate gradients (Y. Saad, *Iterative Methods for Sparse Linear
//! Systems*, 2nd ed., section 6.7.3), in the form with one reduction a step (A. T. Chronopoulos,
//! C. W. Gear, *s-step iterative methods for symmetric linear systems*, J. Comput. Appl. Math. 25
//! (1989)). The steps of all levels share their reductions.

use crate::la::multigrid::chebyshev::BlockDiagonal;
use crate::la::{LinearOperator, Scalar, Vector};
use crate::parallel::{GlobalIndex, loops};

/// Parameters of the Lanczos estimate of the largest eigenvalue.
struct Lanczos {
    /// Most steps.
    steps: usize,
    /// Steps from which the process ends where one adds less than [`LITTLE`] to the estimate.
    fewest: usize,
    /// Factor on the estimate, which is a lower bound.
    safety: f64,
}

const LANCZOS: Lanczos = Lanczos { steps: 10, fewest: 5, safety: 1.1 };
/// Parameters on levels of at most `SMALL` unknowns, where a local spot may dominate the spectrum.
const SMALL_LANCZOS: Lanczos = Lanczos { steps: 24, fewest: 24, safety: 1.02 };
const SMALL: u64 = 20_000;
/// Part of an estimate that its factor covers several times over.
const LITTLE: f64 = 0.02;
/// Steps after which the process of a nested mesh is compared with that of the next coarser one.
const COMPARED: usize = 3;
/// Ratio of r.z to its first value at which the Krylov space counts as exhausted: beyond it,
/// rounding in single precision spoils the energy of the direction, which is not computed itself.
const EXHAUSTED: f64 = 1e-8;

/// Returns the parameters for a level with `unknowns` unknowns.
fn lanczos(unknowns: u64) -> Lanczos {
    if unknowns > SMALL { LANCZOS } else { SMALL_LANCZOS }
}

/// Returns the number of Lanczos steps on a level with `unknowns` unknowns: the largest one, or the
/// usual one where the level is the refinement of a nested mesh.
pub fn lanczos_steps(unknowns: u64, is_refined: bool) -> usize {
    if is_refined { COMPARED } else { lanczos(unknowns).steps }
}

/// Returns whether the Lanczos process of the corners, so many unknowns, shares the sums of the
/// meshes. That saves sums over the ranks, but takes memory: all operators exist at once.
pub fn shares_sums(unknowns: u64) -> bool {
    unknowns <= SMALL
}

/// Returns bounds of the eigenvalues of D^-1 A for operators with these block diagonals: estimates
/// from below, times a factor. The first `meshes` are nested meshes, finest first, whose elements
/// have the shapes of their parents and so the same largest eigenvalue: a mesh takes the bound of
/// the next coarser one where the first estimates agree. `sum` adds the entries of a list over the
/// ranks. **Collective.**
pub fn eigenvalue_bounds<'a, T: Scalar>(
    operators: impl Iterator<Item = (&'a dyn LinearOperator<T>, &'a BlockDiagonal<T>)>,
    meshes: usize,
    sum: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut processes: Vec<_> = operators.map(|(operator, diagonal)| Process::new(operator, diagonal)).collect();
    while processes.iter().any(|process| process.steps > 0) {
        let parts: Vec<f64> = processes.iter_mut().flat_map(Process::products).collect();
        let sums = sum(&parts);
        processes.iter_mut().zip(sums.as_chunks().0).for_each(|(process, sums)| process.step(*sums));
        for at in 1..meshes {
            let [finer, coarser] = &mut processes[at - 1..=at] else { continue };
            finer.compare(coarser);
        }
    }
    let mut bounds = Vec::with_capacity(processes.len());
    for process in processes.iter().rev() {
        let of_coarser = bounds.last().copied().filter(|_| process.is_as_coarser);
        bounds.push(of_coarser.unwrap_or(process.safety * process.estimate));
    }
    bounds.reverse();
    bounds
}

/// Lanczos process of one operator.
struct Process<'a, T: Scalar> {
    operator: &'a dyn LinearOperator<T>,
    diagonal: &'a BlockDiagonal<T>,
    /// Remaining steps, as many on every rank.
    steps: usize,
    /// Steps from which it may end earlier.
    fewest: usize,
    safety: f64,
    /// Whether the Krylov space is exhausted.
    is_complete: bool,
    /// Whether the bound of the next coarser mesh holds for this one.
    is_as_coarser: bool,
    /// Residual r, z = D^-1 r, A z, and A p of the direction p.
    vectors: [Vector<T>; 4],
    r_z: f64,
    /// The first r.z.
    first: f64,
    alpha: f64,
    matrix: Tridiagonal,
    /// Largest eigenvalue of `matrix`.
    estimate: f64,
}

impl<'a, T: Scalar> Process<'a, T> {
    /// Begins with a vector that depends on global numbers only. It is scaled by the root of the
    /// diagonal, so that eigenvectors of stiff and of soft spots have components of similar size;
    /// the power method converges slowly to the eigenvalues of single spots.
    fn new(operator: &'a dyn LinearOperator<T>, diagonal: &'a BlockDiagonal<T>) -> Self {
        let halo = operator.halo();
        let mut r = Vector::zeros(halo.map());
        let (entries, first) = (operator.diagonal(), halo.map().range().start);
        loops::update(r.owned_mut(), |range, r| {
            for (i, r) in range.zip(r) {
                *r = T::of(scramble(first + i as GlobalIndex) * entries[i].abs().sqrt());
            }
            []
        });
        let [z, a_z, a_p] = [(); 3].map(|()| Vector::zeros(halo.map()));
        let Lanczos { steps, fewest, safety } = lanczos(halo.map().total());
        Self {
            operator,
            diagonal,
            steps,
            fewest,
            safety,
            is_complete: false,
            is_as_coarser: false,
            vectors: [r, z, a_z, a_p],
            r_z: 1.0,
            first: 0.0,
            alpha: 1.0,
            matrix: Tridiagonal::default(),
            estimate: 1.0,
        }
    }

    /// Returns this rank's part of r.z and z.Az; zeros after the last step. **Collective** among
    /// neighbours.
    fn products(&mut self) -> [f64; 2] {
        if self.steps == 0 {
            return [0.0; 2];
        }
        let [r, z, a_z, _] = &mut self.vectors;
        let r_z = self.diagonal.apply_and_dot(r.owned(), z.owned_mut());
        [r_z, self.operator.apply_and_dot(z, a_z)]
    }

    /// Ends the process of a nested mesh where its estimate agrees with that of the next coarser
    /// one. Both have taken [`COMPARED`] steps.
    fn compare(&mut self, coarser: &Self) {
        let ready = [&*self, coarser].iter().all(|process| process.matrix.len() == COMPARED && process.steps > 0);
        if ready && (self.estimate - coarser.estimate).abs() < LITTLE * coarser.estimate {
            self.is_as_coarser = true;
            self.steps = 0;
        }
    }

    /// Takes a step with the sums of the products.
    fn step(&mut self, [r_z, z_az]: [f64; 2]) {
        self.steps = self.steps.saturating_sub(1);
        let beta = if self.matrix.len() == 0 {
            self.first = r_z;
            0.0
        } else {
            r_z / self.r_z
        };
        let p_ap = z_az - beta * r_z / self.alpha;
        self.is_complete |= r_z <= EXHAUSTED * self.first || p_ap <= 0.0;
        if self.is_complete {
            return;
        }
        let last = std::mem::replace(&mut self.alpha, r_z / p_ap);
        self.matrix.push(1.0 / self.alpha + beta / last, beta.sqrt() / last);
        let before = std::mem::replace(&mut self.estimate, self.matrix.largest_eigenvalue());
        if self.matrix.len() >= self.fewest && self.estimate < (1.0 + LITTLE) * before {
            self.steps = 0;
            return;
        }
        let [r, _, a_z, a_p] = &mut self.vectors;
        let (beta, alpha) = (T::of(beta), T::of(self.alpha));
        loops::update_all([r.owned_mut(), a_p.owned_mut()], |range, [r, a_p]| {
            for ((r, a_p), a_z) in r.iter_mut().zip(a_p).zip(&a_z.owned()[range]) {
                *a_p = beta * *a_p + *a_z;
                *r -= alpha * *a_p;
            }
        });
        self.r_z = r_z;
    }
}

/// Symmetric tridiagonal matrix.
#[derive(Default)]
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Entry `i` couples rows `i - 1` and `i`; entry 0 is unused.
    beside: Vec<f64>,
}

impl Tridiagonal {
    fn len(&self) -> usize {
        self.diagonal.len()
    }

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
