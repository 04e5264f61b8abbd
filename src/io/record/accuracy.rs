//! Solutions of a run that refines until the estimated error is small enough.

use serde::{Deserialize, Serialize};

/// Solutions of a run with `--until-error`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Accuracy {
    /// Largest estimated error that was asked for, in percent of the energy norm.
    pub tolerance_percent: f64,
    /// Most refinements for which memory and disk have room.
    pub most_refinements: u32,
    /// Converged solutions, each on the refinement of the mesh before it.
    pub levels: Vec<RefinementLevel>,
}

/// Solution on one mesh of a run with `--until-error`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefinementLevel {
    /// Uniform refinements.
    pub refine: u32,
    /// Nodes that elements use.
    pub unknowns: u64,
    /// Estimated error in percent of the energy norm.
    pub error_estimate_percent: f64,
    /// Iterations of CG.
    pub iterations: usize,
    /// Seconds for the mesh, the solution and its error.
    pub seconds: f64,
}

impl Accuracy {
    /// Creates the accuracy before the first solution.
    pub(crate) fn new(tolerance_percent: f64, most_refinements: u32) -> Self {
        Self { tolerance_percent, most_refinements, levels: Vec::new() }
    }

    /// Adds a solution, and returns whether to solve on the next refinement: the tolerance is not
    /// reached and, as far as the rates so far can tell, will be on a mesh for which there is room.
    pub(crate) fn add(&mut self, level: RefinementLevel) -> bool {
        let left = self.most_refinements.saturating_sub(level.refine);
        self.levels.push(level);
        // Rates vary on coarse meshes: the faster one of two counts.
        let rate = match self.rates()[..] {
            [.., a, b] => a.max(b),
            _ => f64::INFINITY,
        };
        !self.is_reached() && self.refinements_to_go(rate) <= f64::from(left)
    }

    /// Returns whether the last solution is accurate enough.
    pub(crate) fn is_reached(&self) -> bool {
        self.levels.last().is_some_and(|level| level.error_estimate_percent <= self.tolerance_percent)
    }

    /// Returns the rate between each level and the one before it: the power of the element size
    /// with which the error falls.
    pub(crate) fn rates(&self) -> Vec<f64> {
        let rate = |two: &[RefinementLevel]| (two[0].error_estimate_percent / two[1].error_estimate_percent).log2();
        self.levels.windows(2).map(rate).collect()
    }

    /// Predicts the number of refinements from the last level to the tolerance, at least 1.
    pub(crate) fn refinements_to_go(&self, rate: f64) -> f64 {
        let error = self.levels.last().map_or(f64::NAN, |level| level.error_estimate_percent);
        let halvings = (error / self.tolerance_percent).log2();
        if rate > 0.0 { (halvings / rate).ceil().max(1.0) } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(refine: u32, error_estimate_percent: f64) -> RefinementLevel {
        RefinementLevel { refine, unknowns: 1, error_estimate_percent, iterations: 1, seconds: 0.0 }
    }

    #[test]
    fn a_mesh_is_refined_as_long_as_the_tolerance_is_in_sight() {
        for (most, estimates, expected) in [
            (5, &[1.6][..], true),
            (0, &[1.6], false),
            (5, &[1.6, 0.4], true),
            (5, &[1.6, 0.4, 0.1], false),
            (5, &[1.6, 1.6], true),
            (5, &[1.6, 1.6, 0.8], true),
            (4, &[1.6, 1.6, 0.8], false),
            (5, &[1.6, 0.8, 0.8], true),
            (9, &[1.6, 1.6, 1.6], false),
            (3, &[1.6, 0.8, 0.4, 0.2], false),
        ] {
            let mut accuracy = Accuracy::new(0.1, most);
            let goes_on = (0..).zip(estimates).map(|(refine, &estimate)| accuracy.add(level(refine, estimate)));
            assert_eq!(goes_on.last(), Some(expected), "{most}, {estimates:?}");
            assert_eq!(accuracy.is_reached(), estimates.ends_with(&[0.1]));
        }
        let mut accuracy = Accuracy::new(0.1, 9);
        accuracy.add(level(0, 3.2));
        accuracy.add(level(1, 1.6));
        assert_eq!(accuracy.rates(), [1.0]);
        assert_eq!([0.5, 2.0, -1.0].map(|rate| accuracy.refinements_to_go(rate)), [8.0, 2.0, f64::INFINITY]);
    }
}
