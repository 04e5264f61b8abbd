//! The boundary value problem -div(k grad u) = f with Dirichlet and Robin conditions.

mod coefficient;
mod conductivity;
pub mod expression;
mod field;
mod geometry;
mod physics;

pub use coefficient::Coefficient;
pub use conductivity::Conductivity;
pub(crate) use conductivity::is_positive_definite;
pub use field::Field;
pub(crate) use field::{OutOfRange, Range};
pub use geometry::Geometry;
pub use physics::{Label, Labels, Name, Names, Physics};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{Error, Result};
use crate::system::numbers::finite;

/// Condition on a part of the boundary.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Condition {
    /// u = g.
    Dirichlet(Field),
    /// p u + k du/dn = gamma.
    Robin {
        /// Transfer coefficient, not negative.
        #[serde(default)]
        p: Field,
        /// Inflow (m/s for potential flow).
        gamma: Field,
    },
    /// Uniform k du/dn with this total flow into the domain (m^2/s for potential flow).
    Flow(#[serde(deserialize_with = "read_finite")] f64),
    /// One unknown value of u, with this total flow into the domain.
    Floating(#[serde(deserialize_with = "read_finite")] f64),
    /// k du/dn = 0.
    Natural,
}

fn read_finite<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<f64, D::Error> {
    finite(f64::deserialize(from)?).map_err(de::Error::custom)
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirichlet(value) => write!(f, "dirichlet {value}"),
            Self::Robin { p, gamma } => write!(f, "robin {p}, {gamma}"),
            Self::Flow(flow) => write!(f, "flow {flow}"),
            Self::Floating(flow) => write!(f, "floating {flow}"),
            Self::Natural => write!(f, "natural"),
        }
    }
}

/// Parses the form of the command line: `dirichlet:VALUE`, `robin:P,GAMMA`, `flow:Q`, `floating:Q`
/// (Q = 0 where it is left out) or `natural`.
impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, values) = text.split_once(':').unwrap_or((text, ""));
        let wrong = || {
            Error::input(format!(
                "'{text}' is no condition: it must be dirichlet:VALUE, robin:P,GAMMA, flow:Q, floating:Q (Q a number) or \
                 natural"
            ))
        };
        let number = |text: &str| text.parse().ok().and_then(|value| finite(value).ok()).ok_or_else(wrong);
        match (kind.trim(), &split_values(values)[..]) {
            ("natural", [""]) => Ok(Self::Natural),
            ("flow", [flow]) => Ok(Self::Flow(number(flow)?)),
            ("floating", [""]) => Ok(Self::Floating(0.0)),
            ("floating", [flow]) => Ok(Self::Floating(number(flow)?)),
            ("dirichlet", [value]) if !value.is_empty() => Ok(Self::Dirichlet(value.parse()?)),
            ("robin", [p, gamma]) => Ok(Self::Robin { p: p.parse()?, gamma: gamma.parse()? }),
            _ => Err(wrong()),
        }
    }
}

/// Splits a text at the commas outside all brackets.
fn split_values(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let is_end = move |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    text.split(is_end).map(str::trim).collect()
}

/// Material of a region.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Material {
    /// Conductivity k, positive (definite).
    #[serde(rename = "k")]
    pub conductivity: Conductivity,
    /// Source f.
    #[serde(rename = "f")]
    pub source: Coefficient,
}

impl Material {
    /// Iterates over the names of the datasets that k and f take their values from.
    pub(crate) fn data(&self) -> impl Iterator<Item = &str> {
        self.conductivity.given().chain([&self.source]).filter_map(Coefficient::data)
    }
}

impl Default for Material {
    fn default() -> Self {
        Self { conductivity: Field::Constant(1.0).into(), source: Coefficient::default() }
    }
}

/// Source at a point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WellTable")]
pub struct Well {
    /// Coordinates (m).
    pub at: [f64; 2],
    /// Flow into the domain (m^2/s for potential flow).
    pub strength: f64,
}

/// Well in a case file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WellTable {
    at: [f64; 2],
    strength: f64,
}

impl TryFrom<WellTable> for Well {
    type Error = &'static str;

    fn try_from(WellTable { at, strength }: WellTable) -> std::result::Result<Self, Self::Error> {
        for value in [at[0], at[1], strength] {
            finite(value)?;
        }
        Ok(Self { at, strength })
    }
}

/// Data of a boundary value problem. Boundary edges without a condition have k du/dn = 0.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// Geometry of the domain.
    pub geometry: Geometry,
    /// Material of elements without a region.
    pub material: Material,
    /// Material of each named region, by its number.
    pub regions: Vec<Material>,
    /// Condition of each named boundary, by its number.
    pub conditions: Vec<Condition>,
    /// Wells.
    pub wells: Vec<Well>,
}

impl Problem {
    /// Creates potential flow with inflow speed `gamma` (m/s) through boundary 0 and u = 0 on
    /// boundary 1.
    pub fn channel(gamma: f64) -> Self {
        Self { conditions: vec![inflow(gamma), outflow()], ..Self::default() }
    }

    /// Returns the material of a region by its number.
    pub(crate) fn material(&self, region: u16) -> &Material {
        self.regions.get(usize::from(region)).unwrap_or(&self.material)
    }

    /// Returns the number of floating boundaries.
    pub(crate) fn floating_boundaries(&self) -> usize {
        self.conditions.iter().filter(|condition| matches!(condition, Condition::Floating(_))).count()
    }

    /// Returns whether k is the constant 1 everywhere, so that the flux is the velocity.
    pub(crate) fn has_unit_conductivity(&self) -> bool {
        self.materials().all(|material| material.conductivity == Field::Constant(1.0).into())
    }

    /// Returns whether there is a source anywhere.
    pub(crate) fn has_source(&self) -> bool {
        self.materials().any(|material| !material.source.is_zero())
    }

    /// Returns whether k is the same in all directions everywhere.
    pub(crate) fn is_isotropic(&self) -> bool {
        self.materials().all(|material| material.conductivity.is_isotropic())
    }

    /// Iterates over the material of elements without a region and those of all regions.
    pub(crate) fn materials(&self) -> impl Iterator<Item = &Material> {
        std::iter::once(&self.material).chain(&self.regions)
    }
}

/// Returns the default condition of a boundary by its name: inflow of speed `gamma` (m/s) for an
/// inlet, u = 0 for an outlet, and the natural condition for all others. Upper and lower case are
/// equal, and further words may follow, as in `outlet_left`.
pub fn usual_condition(name: &str, gamma: f64) -> Condition {
    match name {
        name if begins_with(name, "inlet") => inflow(gamma),
        name if begins_with(name, "outlet") => outflow(),
        _ => Condition::Natural,
    }
}

fn inflow(gamma: f64) -> Condition {
    Condition::Robin { p: Field::Constant(0.0), gamma: Field::Constant(gamma) }
}

fn outflow() -> Condition {
    Condition::Dirichlet(Field::Constant(0.0))
}

/// Returns whether the first word of the name is this one.
fn begins_with(name: &str, word: &str) -> bool {
    let name = name.to_lowercase();
    name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_from_the_command_line() {
        let read = |text: &str| text.parse::<Condition>();
        assert!(matches!(read("natural"), Ok(Condition::Natural)));
        assert!(matches!(read("dirichlet:-0.5"), Ok(Condition::Dirichlet(Field::Constant(-0.5)))));
        let Ok(Condition::Robin { p, gamma }) = read("robin: max(0, x), 2.5*(1-y^2)") else { panic!("a condition") };
        assert_eq!([p.to_string(), gamma.to_string()], ["'max(0, x)'", "'2.5*(1-y^2)'"]);
        assert!(matches!(read("flow: -0.3"), Ok(Condition::Flow(-0.3))));
        assert!(matches!(
            [read("floating"), read("floating:2")],
            [Ok(Condition::Floating(0.0)), Ok(Condition::Floating(2.0))]
        ));
        for text in [
            "flow",
            "flow:x",
            "flow:inf",
            "floating:1,2",
            "",
            "natural:1",
            "dirichlet",
            "dirichlet:",
            "dirichlet:1,2",
            "robin:1",
            "neumann:1",
            "Natural",
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains("dirichlet:VALUE, robin:P,GAMMA, flow:Q, floating:Q"), "{message}");
        }
        assert!(read("robin:0,").unwrap_err().to_string().contains("cannot read the expression ''"));
    }

    #[test]
    fn inlets_and_outlets_are_known_by_their_first_word() {
        let found = ["Inlet", "outlet_left", "OUTLET 2", "outlets", "wall"].map(|name| usual_condition(name, 1.5));
        assert!(matches!(found[0], Condition::Robin { gamma: Field::Constant(1.5), .. }));
        assert!(matches!(found[1..3], [Condition::Dirichlet(_), Condition::Dirichlet(_)]));
        assert!(matches!(found[3..], [Condition::Natural, Condition::Natural]));
    }
}
