//! What is solved: -div(k grad u) = f with Dirichlet and Robin conditions.

use crate::error::{Error, Result};
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
    /// k du/dn = 0.
    Natural,
}

/// The data of a problem. Where no condition is given, k du/dn = 0.
#[derive(Debug, Clone)]
pub struct Problem {
    /// k, positive.
    pub conductivity: Field,
    /// f.
    pub source: Field,
    /// One condition for each named boundary, by its number.
    pub conditions: Vec<Condition>,
}

impl Problem {
    /// Potential flow with inflow speed `gamma` (m/s) through boundary 0 and
    /// u = 0 on boundary 1.
    pub fn channel(gamma: f64) -> Self {
        Self {
            conductivity: Field::Constant(1.0),
            source: Field::Constant(0.0),
            conditions: vec![inflow(gamma), outflow()],
        }
    }

    /// Potential flow with inflow speed `gamma` (m/s) through the boundaries
    /// that are called inlet and u = 0 on those called outlet, in capital or
    /// small letters; further words may follow, as in `outlet_left`. All others
    /// are walls.
    ///
    /// # Errors
    /// [`Error::NoDefaultConditions`] if there is no inlet or no outlet.
    pub fn by_names(names: &[String], gamma: f64) -> Result<Self> {
        let condition = |name: &String| match name {
            name if begins_with(name, "inlet") => inflow(gamma),
            name if begins_with(name, "outlet") => outflow(),
            _ => Condition::Natural,
        };
        if !["inlet", "outlet"].iter().all(|word| names.iter().any(|name| begins_with(name, word))) {
            return Err(Error::NoDefaultConditions { names: names.join(", ") });
        }
        Ok(Self { conditions: names.iter().map(condition).collect(), ..Self::channel(gamma) })
    }
}

fn inflow(gamma: f64) -> Condition {
    Condition::Robin { p: Field::Constant(0.0), gamma: Field::Constant(gamma) }
}

fn outflow() -> Condition {
    Condition::Dirichlet(Field::Constant(0.0))
}

/// Whether the first word of the name is this one.
fn begins_with(name: &str, word: &str) -> bool {
    let name = name.to_lowercase();
    name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(names: &[&str]) -> Result<Vec<Condition>> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Problem::by_names(&names, 1.5).map(|problem| problem.conditions)
    }

    #[test]
    fn inlets_and_outlets_are_known_by_their_first_word() {
        let found = conditions(&["Inlet", "outlet_left", "OUTLET 2", "outlets", "wall"]).unwrap();
        assert!(matches!(found[0], Condition::Robin { gamma: Field::Constant(1.5), .. }));
        assert!(matches!(found[1..3], [Condition::Dirichlet(_), Condition::Dirichlet(_)]));
        assert!(matches!(found[3..], [Condition::Natural, Condition::Natural]));
    }

    #[test]
    fn without_an_inlet_or_an_outlet_the_names_are_listed() {
        for names in [["inlet", "right"], ["left", "outlet"]] {
            let message = conditions(&names).unwrap_err().to_string();
            assert!(message.contains(&names.join(", ")) && message.contains("--bc NAME=dirichlet:VALUE"), "{message}");
        }
    }
}
