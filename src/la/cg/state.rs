//! State of conjugate gradients between two iterations, and the monitors of the iteration.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::la::Vector;
use crate::la::cg::{ConvergedReason, Patience, ResidualReplacement, Switch};

/// Iterations between two tests of whether the residual was halved.
const STALL_CHECK_INTERVAL: usize = 100;

/// State that determines the next iteration: iterating from a stored state gives the same bits as
/// an uninterrupted iteration.
#[derive(Debug, Clone)]
pub struct CgState {
    /// High part of the iterate, the unevaluated sum of `x` and `low`.
    pub x: Vector,
    /// Low part of the iterate.
    pub low: Vector,
    /// Residual of the recurrence, divided by `recurrence.scale`.
    pub r: Vector,
    /// Last search direction, divided by `recurrence.scale`.
    pub p: Vector,
    /// Scalars of the recurrence.
    pub recurrence: Recurrence,
    /// Restarts of the recurrence.
    pub replacements: Vec<ResidualReplacement>,
    /// Changes of the preconditioner; `r_mr` and `p` belong to the last one.
    pub switches: Vec<Switch>,
    /// Why the next preconditioner cannot be built, once that was tried. The present one is kept
    /// then as long as it makes any progress.
    pub refusal: Option<String>,
    /// ||r|| of the initial guess and that after each iteration; empty before the start.
    pub history: Vec<f64>,
}

/// Scalars of the recurrence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// ||b - A x|| at the last start of the recurrence, the unit of `r` and `p`; 0 before the first
    /// start.
    pub scale: f64,
    /// r.Mr of the last iteration; 0 before the first one.
    pub r_mr: f64,
    /// Number of restarts because of rounding that did not halve the true residual.
    pub restarts: usize,
    /// Whether true residuals are summed in twice the working precision.
    #[serde(default)]
    pub is_precise: bool,
}

impl CgState {
    /// Creates the state before the first iteration, from an initial guess.
    pub fn new(x: Vector) -> Self {
        let zeros = x.zeros_like();
        let [low, r, p] = [zeros.clone(), zeros.clone(), zeros];
        Self {
            x,
            low,
            r,
            p,
            recurrence: Recurrence::default(),
            replacements: Vec::new(),
            switches: Vec::new(),
            refusal: None,
            history: Vec::new(),
        }
    }

    /// Returns the number of iterations so far.
    pub(crate) fn iterations(&self) -> usize {
        self.history.len().saturating_sub(1)
    }

    /// Records a change of the preconditioner and resets the recurrence, which restarts from the
    /// current iterate. A next preconditioner that cannot be built is passed over.
    pub(crate) fn switch(&mut self, reason: impl fmt::Display) {
        self.switches.push(Switch::new(self.iterations(), reason));
        self.switches.extend(self.refusal.take().map(|refusal| Switch::new(self.iterations(), refusal)));
        self.recurrence = Recurrence::default();
    }

    /// Replaces the switches by those of a setup; new ones reset the recurrence.
    pub(crate) fn with_switches(mut self, switches: Vec<Switch>) -> Self {
        if switches.len() > self.switches.len() {
            self.recurrence = Recurrence::default();
        }
        Self { switches, ..self }
    }

    /// Returns whether the iterations with the current preconditioner fall short of a progress.
    pub(crate) fn falls_short(&self, patience: Patience) -> Option<ConvergedReason> {
        match patience {
            Patience::Short => self.is_slow().then_some(ConvergedReason::Slow),
            Patience::Halving(iterations) => {
                let is_due = self.iterations().is_multiple_of(STALL_CHECK_INTERVAL);
                (is_due && self.is_stalled(iterations)).then_some(ConvergedReason::Stalled)
            }
        }
    }

    /// Returns whether ten or more iterations, all with the same preconditioner, reduced the
    /// residual by less than a factor of ten in every four.
    fn is_slow(&self) -> bool {
        let first = self.switches.last().map_or(0, |switch| switch.iteration);
        let iterations = self.iterations().saturating_sub(first);
        iterations >= 10
            && self.history[first + iterations] > self.history[first] * 10_f64.powf(-0.25 * iterations as f64)
    }

    /// Returns whether the last `iterations` iterations, all with the same preconditioner, did not
    /// halve the smallest residual before them.
    fn is_stalled(&self, iterations: usize) -> bool {
        let first = self.switches.last().map_or(0, |switch| switch.iteration);
        let Some(last) = self.history.len().checked_sub(iterations).filter(|&last| last > first) else {
            return false;
        };
        let smallest = |norms: &[f64]| norms.iter().copied().fold(f64::INFINITY, f64::min);
        smallest(&self.history[last..]) > 0.5 * smallest(&self.history[first..last])
    }
}

/// Request of a rank after an iteration. The highest request of any rank applies to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IterationControl {
    /// Continue.
    Continue,
    /// Save the state.
    Save,
    /// Save the state and end the iteration.
    Stop,
}

/// Observer of the iterations, without effect by default.
pub trait Monitor {
    /// Returns the request of this rank after an iteration.
    fn control(&self, _iteration: usize) -> IterationControl {
        IterationControl::Continue
    }

    /// Receives the number of each iteration and its ||r|| / ||b||.
    fn observe(&self, _iteration: usize, _relative: f64) {}

    /// Saves the state on the request of a rank. **Collective.**
    fn save(&self, _state: &CgState) {}
}

impl Monitor for () {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_of_ten_in_five_iterations_is_slow() {
        let norms = |per: f64, n: i32| (0..=n).map(|i| 10_f64.powf(f64::from(-i) / per)).collect::<Vec<_>>();
        let mut state = CgState::new(Vector::from_owned(&[], 0));
        for (per, iterations, is_slow) in [(5.0, 9, false), (5.0, 10, true), (3.0, 10, false), (3.0, 40, false)] {
            state.history = norms(per, iterations);
            assert_eq!(state.falls_short(Patience::Short).is_some(), is_slow, "{per}, {iterations}");
        }
        state.history = norms(5.0, 30);
        state.switch("it was slow");
        assert_eq!(state.falls_short(Patience::Short), None);
    }

    #[test]
    fn a_residual_that_is_not_halved_has_stalled() {
        let mut state = CgState::new(Vector::from_owned(&[], 0));
        state.history = vec![8.0, 4.0, 3.0, 3.0, 2.5];
        assert!(state.is_stalled(3) && !state.is_stalled(4) && !state.is_stalled(5));
        state.history.push(1.4);
        assert!(!state.is_stalled(3));
        // The count restarts with the next preconditioner.
        state.switch("it stalled");
        state.history.extend([1.8, 1.8]);
        assert!(!state.is_stalled(3));
        state.history.push(1.8);
        assert!(state.is_stalled(3));
    }
}
