//! The preconditioned conjugate gradient method.
//!
//! M. R. Hestenes, E. Stiefel, *Methods of Conjugate Gradients for Solving
//! Linear Systems*, J. Res. Nat. Bur. Standards 49 (1952); in the form of
//! Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., alg. 9.1.

use std::time::Instant;

use serde::Serialize;

use super::vector::{dot, inner};
use super::{LinearOperator, Preconditioner, Vector};
use crate::parallel::loops;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub struct CgOptions {
    /// Converged when ||b - A x|| <= rtol ||b||.
    pub rtol: f64,
    /// Largest number of iterations.
    pub max_iterations: usize,
}

/// Why the iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The true residual is small enough.
    Converged,
    /// The limit on iterations was reached.
    MaxIterations,
    /// The true residual no longer shrinks: rtol is beyond the working precision.
    Stagnated,
    /// p.Ap was not positive: the operator is not positive definite.
    IndefiniteOperator {
        /// The value of p.Ap.
        p_ap: f64,
    },
    /// r.Mr was not positive: the preconditioner is not positive definite.
    IndefinitePreconditioner {
        /// The value of r.Mr.
        r_mr: f64,
    },
    /// A NaN or an infinity appeared.
    NotFinite,
}

/// How a solve went; the same on every rank.
#[derive(Debug, Clone, PartialEq)]
pub struct CgReport {
    /// Why it ended.
    pub outcome: Outcome,
    /// Number of iterations.
    pub iterations: usize,
    /// ||r|| after each iteration, by recurrence; entry 0 is the start.
    pub history: Vec<f64>,
    /// ||b||.
    pub rhs_norm: f64,
    /// ||b - A x||, computed anew at the end.
    pub residual_norm: f64,
    /// Where the time of the iterations went.
    pub cost: Cost,
}

/// Seconds of the slowest rank of each, with the waiting for other ranks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Cost {
    /// In products with the operator, one an iteration.
    pub operator: f64,
    /// In the preconditioner.
    pub preconditioner: f64,
}

impl CgReport {
    /// ||b - A x|| / ||b||, or 0 for b = 0.
    pub fn relative_residual(&self) -> f64 {
        if self.rhs_norm > 0.0 { self.residual_norm / self.rhs_norm } else { self.residual_norm }
    }
}

/// The recurrence is started again from the true residual at most this often.
const RESTARTS: usize = 8;

/// Solves A x = b from the start value in `x`, whose last iterate is the best
/// one in the energy norm whatever the outcome. Every rank must pass the same
/// options. Three reductions an iteration. **Collective.**
///
/// On large meshes rounding the solution to f64 alone leaves a residual far
/// above what the operator resolves. The iterate is therefore the unevaluated
/// sum of two f64 (T. J. Dekker, *A floating-point technique for extending the
/// available precision*, Numer. Math. 18 (1971)): residuals are those of the
/// sum, and `x` returns it rounded.
pub fn conjugate_gradient(
    operator: &dyn LinearOperator,
    preconditioner: &dyn Preconditioner,
    b: &[f64],
    x: &mut Vector,
    options: CgOptions,
) -> CgReport {
    let comm = operator.halo().comm();
    let map = operator.halo().map();
    let norm = |local: f64| comm.sum(local).sqrt();
    let (mut r, mut z) = (Vector::zeros(map), Vector::zeros(map));
    let (mut p, mut q) = (Vector::zeros(map), Vector::zeros(map));
    let mut low = Vector::zeros(map);

    let rhs_norm = norm(dot(b, b));
    let target = options.rtol * rhs_norm;
    operator.residual(b, x, &mut r);
    let mut residual_norm = norm(dot(r.owned(), r.owned()));
    let history = vec![residual_norm];
    let mut recurrence = Recurrence { operator, preconditioner, options, rhs_norm, history, cost: Cost::default() };
    let mut restarts = 0;

    let outcome = loop {
        if !residual_norm.is_finite() {
            break Outcome::NotFinite;
        }
        if residual_norm <= target {
            break Outcome::Converged;
        }
        let before = residual_norm;
        let stop = recurrence.run(&mut low, [&mut r, &mut z, &mut p, &mut q]);
        add_exactly(x, &mut low);
        operator.residual(b, x, &mut r);
        operator.apply(&mut low, &mut q);
        r.add(-1.0, &q);
        residual_norm = norm(dot(r.owned(), r.owned()));
        if let Some(stop) = stop {
            break if residual_norm <= target { Outcome::Converged } else { stop };
        }
        // The recurrence said converged. If the true residual disagrees, go on from it.
        if residual_norm > target {
            restarts += 1;
            if restarts > RESTARTS || residual_norm > 0.5 * before {
                break Outcome::Stagnated;
            }
        }
    };
    let Recurrence { history, cost, .. } = recurrence;
    let cost = Cost { operator: comm.max(cost.operator), preconditioner: comm.max(cost.preconditioner) };
    CgReport { outcome, iterations: history.len() - 1, history, rhs_norm, residual_norm, cost }
}

/// x + low as a rounded sum in `x` and what rounding lost in `low`.
fn add_exactly(x: &mut Vector, low: &mut Vector) {
    loops::update_pair(x.owned_mut(), low.owned_mut(), |_, x, low| {
        for (x, low) in x.iter_mut().zip(low) {
            let sum = *x + *low;
            let added = sum - *x;
            *low = (*x - (sum - added)) + (*low - added);
            *x = sum;
        }
    });
}

/// The iteration proper, and what it leaves behind.
struct Recurrence<'a> {
    operator: &'a dyn LinearOperator,
    preconditioner: &'a dyn Preconditioner,
    options: CgOptions,
    rhs_norm: f64,
    history: Vec<f64>,
    cost: Cost,
}

impl Recurrence<'_> {
    /// Iterates from the residual in `r` until the recurrence is small enough
    /// beside `rhs_norm` (`None`) or something else ends it, adding to `x`.
    fn run(&mut self, x: &mut Vector, [r, z, p, q]: [&mut Vector; 4]) -> Option<Outcome> {
        let Self { operator, preconditioner, options, rhs_norm, history, cost } = self;
        let rhs_norm = *rhs_norm;
        let comm = operator.halo().comm();
        // A residual near 1 keeps single-precision preconditioners in range.
        let (scale, target) = if rhs_norm > 0.0 { (rhs_norm, options.rtol) } else { (1.0, 0.0) };
        r.owned_mut().iter_mut().for_each(|r| *r /= scale);
        preconditioner.apply(r, z);
        let mut r_mr = comm.sum(dot(r.owned(), z.owned()));
        p.owned_mut().copy_from_slice(z.owned());
        loop {
            if let Some(bad) = not_positive(r_mr, |r_mr| Outcome::IndefinitePreconditioner { r_mr }) {
                return Some(bad);
            }
            if history.len() > options.max_iterations {
                return Some(Outcome::MaxIterations);
            }
            timed(&mut cost.operator, || operator.apply(p, q));
            let p_ap = comm.sum(dot(p.owned(), q.owned()));
            if let Some(bad) = not_positive(p_ap, |p_ap| Outcome::IndefiniteOperator { p_ap }) {
                return Some(bad);
            }
            let alpha = r_mr / p_ap;
            let q = q.owned();
            let [r_r] = loops::update(r.owned_mut(), |range, r| {
                for (r, q) in r.iter_mut().zip(&q[range]) {
                    *r -= alpha * q;
                }
                [inner(r, r)]
            });
            let r_norm = comm.sum(r_r).sqrt();
            history.push(scale * r_norm);
            let p_now = p.owned();
            loops::update(x.owned_mut(), |range, x| {
                x.iter_mut().zip(&p_now[range]).for_each(|(x, p)| *x += scale * alpha * p);
                []
            });
            // Known before the preconditioner is applied once more: it is what costs.
            if r_norm <= target {
                return None;
            }
            timed(&mut cost.preconditioner, || preconditioner.apply(r, z));
            let before = std::mem::replace(&mut r_mr, comm.sum(dot(r.owned(), z.owned())));
            let beta = r_mr / before;
            let z = z.owned();
            loops::update(p.owned_mut(), |range, p| {
                p.iter_mut().zip(&z[range]).for_each(|(p, z)| *p = z + beta * *p);
                []
            });
        }
    }
}

/// Adds the seconds that `work` takes.
fn timed(seconds: &mut f64, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    *seconds += start.elapsed().as_secs_f64();
}

fn not_positive(value: f64, indefinite: impl Fn(f64) -> Outcome) -> Option<Outcome> {
    if !value.is_finite() {
        Some(Outcome::NotFinite)
    } else if value <= 0.0 {
        Some(indefinite(value))
    } else {
        None
    }
}
