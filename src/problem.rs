//! What is solved: -div(k grad u) = f with Dirichlet and Robin conditions.

use crate::field::Field;

/// A condition on a part of the boundary.
#[derive(Debug, Clone)]
pub enum Condition {
    /// u = g.
    Dirichlet(Field),
    /// p u + k du/dn = gamma.
    Robin {
        /// Transfer coefficient.
        p: Field,
        /// Inflow (m/s for potential flow).
        gamma: Field,
    },
}

/// The data of a problem. Where no condition is given, k du/dn = 0.
#[derive(Debug, Clone)]
pub struct Problem {
    /// k, positive.
    pub conductivity: Field,
    /// f.
    pub source: Field,
    /// Conditions, by the number that boundary edges refer to.
    pub conditions: Vec<Condition>,
}

impl Problem {
    /// Number of the inlet's condition in [`channel`](Self::channel).
    pub const INLET: u16 = 0;
    /// Number of the outlet's condition in [`channel`](Self::channel).
    pub const OUTLET: u16 = 1;

    /// Potential flow with inflow speed `gamma` (m/s) and u = 0 at the outlet.
    pub fn channel(gamma: f64) -> Self {
        Self {
            conductivity: Field::Constant(1.0),
            source: Field::Constant(0.0),
            conditions: vec![
                Condition::Robin { p: Field::Constant(0.0), gamma: Field::Constant(gamma) },
                Condition::Dirichlet(Field::Constant(0.0)),
            ],
        }
    }
}
