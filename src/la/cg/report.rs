//! What conjugate gradients are told, and how they ended.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::la::Vector;
use crate::la::cg::{CgState, Switch};
use crate::parallel::Comm;
use crate::system::rounded;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub struct CgOptions {
    /// Converged when ||b - A x|| <= rtol ||b||.
    pub rtol: f64,
    /// Largest number of iterations.
    pub max_iterations: usize,
    /// Iterations within which the smallest residual must be halved; any number if none.
    pub patience: Option<usize>,
}

/// Why the iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConvergedReason {
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
    NotFinite {
        /// Where it was met first.
        quantity: CgScalar,
    },
    /// The true residual went away from the recurrence again and again, by more
    /// than rounding explains.
    Unreliable,
    /// A value of b is another one than at the start.
    ChangedRightSide,
    /// The smallest residual was not halved within [`CgOptions::patience`].
    Stalled,
    /// Some rank wished to stop.
    Interrupted,
}

impl ConvergedReason {
    /// Returns what it says against the preconditioner, if that can be what ended the iteration.
    pub(crate) fn flaw_of_preconditioner(self) -> Option<String> {
        match self {
            Self::IndefinitePreconditioner { r_mr } => Some(format!("r.Mr = {} is not positive", rounded(r_mr, 4))),
            Self::NotFinite { quantity: quantity @ (CgScalar::RMr | CgScalar::PAp | CgScalar::Residual) } => {
                Some(format!("{} is not finite", quantity.name()))
            }
            Self::Stalled => Some("the residual no longer shrank".to_owned()),
            _ => None,
        }
    }
}

/// The scalars in which a NaN or an infinity shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CgScalar {
    /// ||b||.
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
    /// As formulas have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rhs => "||b||",
            Self::TrueResidual => "||b - Ku||",
            Self::Residual => "||r||",
            Self::RMr => "r.Mr",
            Self::PAp => "p.Kp",
        }
    }
}

/// A restart of the recurrence from the true residual, because the two differed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResidualReplacement {
    /// After which iteration.
    pub iteration: usize,
    /// ||r|| of the recurrence.
    pub recurrence: f64,
    /// ||b - A x||.
    pub truth: f64,
    /// Whether the difference is more than rounding explains.
    pub is_fault: bool,
}

/// How the iterations with one preconditioner ended; the times are those of this rank.
pub(crate) struct End {
    pub(crate) outcome: ConvergedReason,
    pub(crate) rhs_norm: f64,
    pub(crate) residual_norm: f64,
    pub(crate) cost: Cost,
}

/// How a solve went; the same on every rank.
#[derive(Debug, Clone, PartialEq)]
pub struct CgReport {
    /// Why it ended.
    pub outcome: ConvergedReason,
    /// Number of iterations.
    pub iterations: usize,
    /// ||r|| after each iteration, by recurrence; entry 0 is the start.
    pub history: Vec<f64>,
    /// ||b||.
    pub rhs_norm: f64,
    /// ||b - A x||, computed anew at the end (where it was interrupted, that of the recurrence).
    pub residual_norm: f64,
    /// Where the recurrence was started again.
    pub repairs: Vec<ResidualReplacement>,
    /// Where another preconditioner took over.
    pub switches: Vec<Switch>,
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

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.operator += other.operator;
        self.preconditioner += other.preconditioner;
    }
}

impl CgReport {
    /// Splits the state at the end into the iterate and the report. **Collective.**
    pub(crate) fn new(comm: &Comm, state: CgState, end: End) -> (Vector, Self) {
        let End { outcome, rhs_norm, residual_norm, cost } = end;
        let report = Self {
            outcome,
            iterations: state.iterations(),
            history: state.history,
            rhs_norm,
            residual_norm,
            repairs: state.repairs,
            switches: state.switches,
            cost: Cost { operator: comm.max(cost.operator), preconditioner: comm.max(cost.preconditioner) },
        };
        (state.x, report)
    }

    /// ||b - A x|| / ||b||, or 0 for b = 0.
    pub fn relative_residual(&self) -> f64 {
        if self.rhs_norm > 0.0 { self.residual_norm / self.rhs_norm } else { self.residual_norm }
    }

    /// Formats the relative residual for a message, with so many digits; after an overflow there is none.
    pub fn shown_residual(&self, digits: usize) -> String {
        let relative = self.relative_residual();
        if relative.is_finite() { rounded(relative, digits) } else { "unknown (overflow)".to_owned() }
    }

    /// The repairs of what more than rounding had done, as a warning.
    pub fn warning(&self) -> Option<String> {
        let faults: Vec<&ResidualReplacement> = self.repairs.iter().filter(|repair| repair.is_fault).collect();
        let first = faults.first()?;
        Some(format!(
            "after iteration {} the true residual was {} and that of the recurrence {}, which is more than \
             rounding explains ({} in all): the recurrence was started again from the true one; \
             if it happens again, have the memory of the hosts checked",
            first.iteration,
            rounded(first.truth, 4),
            rounded(first.recurrence, 4),
            faults.len()
        ))
    }
}
