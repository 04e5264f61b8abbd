//! Conjugate gradients between two iterations, and who may look at them there.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::la::Vector;
use crate::la::cg::{ResidualReplacement, Switch};

/// All that the next iteration depends on. From a state that was stored the
/// iteration goes on as if it had never stopped.
#[derive(Debug, Clone)]
pub struct CgState {
    /// The iterate is the unevaluated sum of `x` and `low`.
    pub x: Vector,
    /// See `x`.
    pub low: Vector,
    /// The residual by recurrence, over `recurrence.scale`.
    pub r: Vector,
    /// The last search direction.
    pub p: Vector,
    /// The numbers of the recurrence.
    pub recurrence: Recurrence,
    /// Where the recurrence was started again.
    pub repairs: Vec<ResidualReplacement>,
    /// Where another preconditioner took over: `r_mr` and `p` belong to the last one.
    pub switches: Vec<Switch>,
    /// ||r|| at the start and after each iteration; empty before the start.
    pub history: Vec<f64>,
}

/// The numbers that the recurrence carries from one iteration to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// ||b - A x|| where the recurrence was started: the unit of `r` and `p`; 0 before the start.
    pub scale: f64,
    /// r.Mr of the last iteration; 0 where none came before.
    pub r_mr: f64,
    /// Restarts because of rounding that did not halve the true residual.
    pub restarts: usize,
    /// Whether true residuals are summed in twice the precision.
    #[serde(default)]
    pub is_precise: bool,
}

impl CgState {
    /// That before the first iteration, from a start value.
    pub fn new(x: Vector) -> Self {
        let zeros = x.zeros_like();
        let [low, r, p] = [zeros.clone(), zeros.clone(), zeros];
        Self {
            x,
            low,
            r,
            p,
            recurrence: Recurrence::default(),
            repairs: Vec::new(),
            switches: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Number of iterations so far.
    pub fn iterations(&self) -> usize {
        self.history.len().saturating_sub(1)
    }

    /// Gives up the preconditioner: the next one starts the recurrence again, from the iterate at hand.
    pub fn switch(&mut self, reason: impl fmt::Display) {
        self.switches.push(Switch::new(self.iterations(), reason));
        self.recurrence = Recurrence::default();
    }

    /// Takes the switches of a setup; new ones start the recurrence again.
    pub fn with_switches(mut self, switches: Vec<Switch>) -> Self {
        if switches.len() > self.switches.len() {
            self.recurrence = Recurrence::default();
        }
        Self { switches, ..self }
    }

    /// Returns whether the last iterations, so many of the same preconditioner, did not halve the
    /// smallest residual before them.
    pub(crate) fn is_stalled(&self, iterations: usize) -> bool {
        let first = self.switches.last().map_or(0, |switch| switch.iteration);
        let Some(last) = self.history.len().checked_sub(iterations).filter(|&last| last > first) else {
            return false;
        };
        let smallest = |norms: &[f64]| norms.iter().copied().fold(f64::INFINITY, f64::min);
        smallest(&self.history[last..]) > 0.5 * smallest(&self.history[first..last])
    }
}

/// What a rank may wish for after an iteration. The highest wish of any rank
/// holds for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IterationControl {
    /// Nothing.
    GoOn,
    /// That the state be saved.
    Save,
    /// That the state be saved and the iteration end.
    Stop,
}

/// Who watches the iterations. It does nothing unless told otherwise.
pub trait Monitor {
    /// What this rank wishes after this iteration.
    fn wish(&self, _iteration: usize) -> IterationControl {
        IterationControl::GoOn
    }

    /// Is told the number of each iteration and its residual over ||b||.
    fn observe(&self, _iteration: usize, _relative: f64) {}

    /// Is shown the state that some rank wished to save. **Collective.**
    fn save(&self, _state: &CgState) {}
}

impl Monitor for () {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_residual_that_is_not_halved_has_stalled() {
        let mut state = CgState::new(Vector::from_owned(&[], 0));
        state.history = vec![8.0, 4.0, 3.0, 3.0, 2.5];
        assert!(state.is_stalled(3) && !state.is_stalled(4) && !state.is_stalled(5));
        state.history.push(1.4);
        assert!(!state.is_stalled(3));
        // The next preconditioner begins anew.
        state.switch("it stalled");
        state.history.extend([1.8, 1.8]);
        assert!(!state.is_stalled(3));
        state.history.push(1.8);
        assert!(state.is_stalled(3));
    }
}
