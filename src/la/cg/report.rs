//! Options of the conjugate gradient method, and the report at its end.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::la::Vector;
use crate::la::cg::{CgState, Switch};
use crate::parallel::Comm;
use crate::system::rounded;

/// Stopping criteria.
#[derive(Debug, Clone, Copy)]
pub struct CgOptions {
    /// Converged when ||b - A x|| <= rtol ||b||.
    pub rtol: f64,
    /// Maximum number of iterations.
    pub max_iterations: usize,
    /// Progress that the iteration must make; none is required without it.
    pub patience: Option<Patience>,
}

/// Progress that an iteration must make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// From the tenth iteration on, the residual must have fallen by a factor of ten in every four.
    Short,
    /// The smallest residual must be halved within so many iterations.
    Halving(usize),
}

/// Reason why the iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConvergedReason {
    /// The true residual is small enough.
    Converged,
    /// The maximum number of iterations was reached.
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
    NotFinite {
        /// The scalar in which it was detected.
        quantity: CgScalar,
    },
    /// The true residual departed from the recurrence repeatedly, by more than rounding explains.
    Unreliable,
    /// A value of b changed during the iteration.
    #[serde(rename = "changed_right_side")]
    ChangedRhs,
    /// The smallest residual was not halved within [`Patience::Halving`].
    Stalled,
    /// The residual fell more slowly than [`Patience::Short`] allows.
    Slow,
    /// A rank requested to stop.
    Interrupted,
}

impl ConvergedReason {
    /// Describes the failure of the preconditioner, if that may be the reason.
    pub(crate) fn preconditioner_failure(self) -> Option<String> {
        match self {
            Self::IndefinitePreconditioner { r_mr } => Some(format!("r.Mr = {} is not positive", rounded(r_mr, 4))),
            Self::NotFinite { quantity: quantity @ (CgScalar::RMr | CgScalar::PAp | CgScalar::Residual) } => {
                Some(format!("{} is not finite", quantity.name()))
            }
            Self::Stalled => Some("the residual no longer shrank".to_owned()),
            Self::Slow => Some("the residual shrank slowly".to_owned()),
            _ => None,
        }
    }
}

/// Scalars that are checked for a NaN or an infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CgScalar {
    /// ||b||.
    #[serde(rename = "right_side")]
    Rhs,
    /// ||b - A x||.
    TrueResidual,
    /// ||r|| of the recurrence.
    Residual,
    /// r.Mr.
    RMr,
    /// p.Ap.
    PAp,
}

impl CgScalar {
    /// Returns the formula of the scalar.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rhs => "||b||",
            Self::TrueResidual => "||b - Ku||",
            Self::Residual => "||r||",
            Self::RMr => "r.Mr",
            Self::PAp => "p.Kp",
        }
    }
}

/// Restart of the recurrence from the true residual, because the two residuals differed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResidualReplacement {
    /// Iteration after which it happened.
    pub iteration: usize,
    /// ||r|| of the recurrence.
    pub recurrence: f64,
    /// ||b - A x||.
    #[serde(rename = "truth")]
    pub true_residual: f64,
    /// Whether the difference is more than rounding explains.
    pub is_fault: bool,
}

/// End of the iterations with one preconditioner; the times are local to this rank.
pub(crate) struct End {
    pub(crate) outcome: ConvergedReason,
    pub(crate) rhs_norm: f64,
    pub(crate) residual_norm: f64,
    pub(crate) cost: Cost,
}

/// Report of a solve; the same on every rank.
#[derive(Debug, Clone, PartialEq)]
pub struct CgReport {
    /// Reason why it ended.
    pub outcome: ConvergedReason,
    /// Number of iterations.
    pub iterations: usize,
    /// ||r|| of the recurrence after each iteration; entry 0 is that of the initial guess.
    pub history: Vec<f64>,
    /// ||b||.
    pub rhs_norm: f64,
    /// ||b - A x||, computed at the end; that of the recurrence if the iteration was interrupted.
    pub residual_norm: f64,
    /// Restarts of the recurrence.
    pub replacements: Vec<ResidualReplacement>,
    /// Changes of the preconditioner.
    pub switches: Vec<Switch>,
    /// Time of the iterations.
    pub cost: Cost,
}

/// Seconds of the slowest rank in each part, with the waiting for other ranks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Products with the operator, one per iteration.
    pub operator: f64,
    /// Applications of the preconditioner.
    pub preconditioner: f64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.operator += other.operator;
        self.preconditioner += other.preconditioner;
    }
}

impl CgReport {
    /// Splits the final state into the iterate and the report. **Collective.**
    pub(crate) fn new(comm: &Comm, state: CgState, end: End) -> (Vector, Self) {
        let End { outcome, rhs_norm, residual_norm, cost } = end;
        let report = Self {
            outcome,
            iterations: state.iterations(),
            history: state.history,
            rhs_norm,
            residual_norm,
            replacements: state.replacements,
            switches: state.switches,
            cost: Cost { operator: comm.max(cost.operator), preconditioner: comm.max(cost.preconditioner) },
        };
        (state.x, report)
    }

    /// Returns ||b - A x|| / ||b||, or ||b - A x|| for b = 0.
    pub fn relative_residual(&self) -> f64 {
        if self.rhs_norm > 0.0 { self.residual_norm / self.rhs_norm } else { self.residual_norm }
    }

    /// Formats the relative residual for a message; after an overflow it is unknown.
    pub(crate) fn shown_residual(&self, digits: usize) -> String {
        let relative = self.relative_residual();
        if relative.is_finite() { rounded(relative, digits) } else { "unknown (overflow)".to_owned() }
    }

    /// Returns a warning if residuals were replaced because of faults rather than rounding.
    pub fn warning(&self) -> Option<String> {
        let faults: Vec<&ResidualReplacement> =
            self.replacements.iter().filter(|replacement| replacement.is_fault).collect();
        let first = faults.first()?;
        Some(format!(
            "after iteration {} the true residual was {} and that of the recurrence {}, which is more than \
             rounding explains ({} in all): the recurrence was started again from the true one; \
             if it happens again, have the memory of the hosts checked",
            first.iteration,
            rounded(first.true_residual, 4),
            rounded(first.recurrence, 4),
            faults.len()
        ))
    }
}
