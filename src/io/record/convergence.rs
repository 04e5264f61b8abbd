//! Rate of convergence of a solve.

use serde::{Deserialize, Serialize};

use crate::la::LevelSize;
use crate::la::cg::{CgReport, Cost, UsedPreconditioner};

/// Rate of convergence, and the levels of the preconditioner.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Convergence {
    /// Mean reduction of the residual in an iteration.
    #[serde(skip_deserializing)]
    pub factor: f64,
    /// ||b||, to which residuals are relative; 0 in records of older versions.
    #[serde(default)]
    pub rhs_norm: f64,
    /// Seconds of the operator and of the preconditioner.
    #[serde(skip_deserializing)]
    pub seconds: Cost,
    /// The preconditioners in the order of their use.
    #[serde(default)]
    pub preconditioners: Vec<UsedPreconditioner>,
    /// Levels of the hierarchy, finest first; empty without one.
    #[serde(default)]
    pub levels: Vec<LevelSize>,
    /// Unknowns of all levels over those of the finest.
    #[serde(default)]
    pub grid_complexity: f64,
    /// Matrix entries of all levels over those of the finest.
    #[serde(default)]
    pub operator_complexity: f64,
}

impl Convergence {
    /// Computes the rate and the complexities from the report of a solve and the levels of its
    /// preconditioner.
    pub(crate) fn new(report: &CgReport, levels: Vec<LevelSize>, preconditioners: Vec<UsedPreconditioner>) -> Self {
        let (first, last) = (report.history.first().copied(), report.history.last().copied());
        let factor = match (first, last) {
            (Some(first), Some(last)) if first > 0.0 && report.iterations > 0 => {
                (last / first).powf(1.0 / report.iterations as f64)
            }
            _ => 0.0,
        };
        let complexity = |size: fn(&LevelSize) -> u64| {
            let finest = levels.first().map_or(1, size) as f64;
            levels.iter().map(size).sum::<u64>().max(1) as f64 / finest
        };
        Self {
            factor,
            rhs_norm: report.rhs_norm,
            seconds: report.cost,
            preconditioners,
            grid_complexity: complexity(|level| level.unknowns),
            operator_complexity: complexity(|level| level.entries),
            levels,
        }
    }

    /// Returns a warning where multigrid converges slowly.
    pub(crate) fn slow_multigrid(&self) -> Option<String> {
        const SLOW: f64 = 0.6;
        (self.levels.len() > 1 && self.factor > SLOW).then(|| {
            format!(
                "multigrid converges slowly here, by a factor of {:.2} an iteration: very slender elements, \
                 jumps of k by many orders of magnitude or weak Robin conditions can do that",
                self.factor
            )
        })
    }
}
