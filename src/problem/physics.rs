//! Names and units of the computed quantities, by the physics that the equation describes.

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::problem::Geometry;

/// Physics that -div(k grad u) = f describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Physics {
    /// Potential flow: velocity potential (m^2/s), speed (m/s), pressure (Pa)
    #[default]
    Flow,
    /// Heat conduction: temperature (K), heat flux (W/m^2), heat flow (W/m)
    Heat,
    /// Seepage: head (m), Darcy velocity (m/s), flow (m^2/s)
    Seepage,
    /// Electrostatics: potential (V), electric field (V/m), displacement (C/m^2), charge (C/m)
    Electrostatics,
    /// No names and no units
    None,
}

/// Name and unit of a quantity; the unit is empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
}

/// Names and units of all computed quantities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// u.
    pub u: Label,
    /// -grad u.
    pub gradient: Label,
    /// |grad u|.
    pub magnitude: Label,
    /// -k grad u.
    pub flux: Label,
    /// The flux through a boundary, in plane geometry per metre of depth.
    pub flow: Label,
    /// The energy norm of the error.
    pub error: Label,
}

/// Names and units that a case gives in place of those of its physics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// Name of u.
    #[serde(skip_serializing_if = "Name::is_empty")]
    pub u: Name,
    /// Name of -grad u and of its magnitude.
    #[serde(skip_serializing_if = "Name::is_empty")]
    pub gradient: Name,
    /// Name of -k grad u.
    #[serde(skip_serializing_if = "Name::is_empty")]
    pub flux: Name,
    /// Name of the flux through a boundary.
    #[serde(skip_serializing_if = "Name::is_empty")]
    pub flow: Name,
}

/// Name and unit of one quantity in a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Name {
    /// Its name.
    #[serde(deserialize_with = "read_text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its unit.
    #[serde(deserialize_with = "read_text", skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Physics {
    /// Returns whether the speed has a pressure, by Bernoulli's equation.
    pub(crate) fn has_pressure(self) -> bool {
        self == Self::Flow
    }

    /// Returns the units of the flow through a boundary and of the error in axisymmetric geometry,
    /// where no depth of 1 m divides them.
    fn axisymmetric_units(self) -> [&'static str; 2] {
        match self {
            Self::Flow => ["m^3/s", "m^2.5/s"],
            Self::Heat => ["W", "(W K)^0.5"],
            Self::Seepage => ["m^3/s", "m^2/s^0.5"],
            Self::Electrostatics => ["C", "J^0.5"],
            Self::None => ["", ""],
        }
    }

    /// Returns name and unit of u, -grad u, |grad u|, -k grad u, the flow through a boundary, and
    /// the error, in plane geometry.
    fn table(self) -> [(&'static str, &'static str); 6] {
        const ERROR: &str = "estimated error";
        match self {
            Self::Flow => [
                ("velocity potential", "m^2/s"),
                ("velocity", "m/s"),
                ("speed", "m/s"),
                ("flux density", "m/s"),
                ("flow", "m^2/s"),
                (ERROR, "m^2/s"),
            ],
            Self::Heat => [
                ("temperature", "K"),
                ("negative temperature gradient", "K/m"),
                ("temperature gradient", "K/m"),
                ("heat flux", "W/m^2"),
                ("heat flow", "W/m"),
                (ERROR, "(W K/m)^0.5"),
            ],
            Self::Seepage => [
                ("head", "m"),
                ("hydraulic gradient", ""),
                ("hydraulic gradient", ""),
                ("Darcy velocity", "m/s"),
                ("flow", "m^2/s"),
                (ERROR, "m^1.5/s^0.5"),
            ],
            Self::Electrostatics => [
                ("potential", "V"),
                ("electric field", "V/m"),
                ("electric field", "V/m"),
                ("displacement", "C/m^2"),
                ("charge", "C/m"),
                (ERROR, "(J/m)^0.5"),
            ],
            Self::None => [("u", ""), ("-grad u", ""), ("|grad u|", ""), ("-k grad u", ""), ("flow", ""), (ERROR, "")],
        }
    }
}

impl Label {
    /// Returns a text with the unit behind it.
    pub(crate) fn with_unit(&self, text: &str) -> String {
        if self.unit.is_empty() { text.to_owned() } else { format!("{text} {}", self.unit) }
    }
}

impl Labels {
    /// Returns the labels of a physics with the names of a case in their place.
    pub fn new(physics: Physics, geometry: Geometry, names: &Names) -> Self {
        let [u, gradient, magnitude, flux, mut flow, mut error] =
            physics.table().map(|(name, unit)| Label { name: name.to_owned(), unit: unit.to_owned() });
        if !geometry.is_plane() {
            [flow.unit, error.unit] = physics.axisymmetric_units().map(str::to_owned);
        }
        if [&names.u, &names.gradient, &names.flux, &names.flow].iter().any(|name| name.unit.is_some()) {
            // The unit of the energy depends on all others.
            error.unit.clear();
        }
        Self {
            u: names.u.instead_of(u),
            gradient: names.gradient.instead_of(gradient),
            magnitude: names.gradient.instead_of(magnitude),
            flux: names.flux.instead_of(flux),
            flow: names.flow.instead_of(flow),
            error,
        }
    }

    /// Returns name and unit of a dataset of the results, if it has them.
    pub(crate) fn of(&self, dataset: &str) -> Option<[&str; 2]> {
        let label = match dataset {
            "x" | "y" | "Points" => return Some(["coordinate", "m"]),
            "pressure" | "pressure_node" => return Some(["pressure", "Pa"]),
            "u" => &self.u,
            "vel" | "vel_node" => &self.gradient,
            "abs_vel" | "abs_vel_node" => &self.magnitude,
            "flux" | "flux_node" => &self.flux,
            "error" => &self.error,
            _ => return None,
        };
        Some([&label.name, &label.unit])
    }
}

impl Names {
    /// Returns whether nothing has a name of its own.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Name {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn instead_of(&self, label: Label) -> Label {
        Label { name: self.name.clone().unwrap_or(label.name), unit: self.unit.clone().unwrap_or(label.unit) }
    }
}

/// Reads a text of one line.
fn read_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    if text.contains(char::is_control) {
        return Err(de::Error::custom("must be one line without control characters"));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_case_replace_those_of_its_physics() {
        let names: Names = toml::from_str("u.unit = 'degC'\ngradient = { name = 'slope', unit = '' }").unwrap();
        let labels = Labels::new(Physics::Heat, Geometry::Plane, &names);
        assert_eq!(labels.of("u"), Some(["temperature", "degC"]));
        assert_eq!(labels.of("abs_vel_node"), Some(["slope", ""]));
        assert_eq!(labels.of("flux"), Some(["heat flux", "W/m^2"]));
        assert_eq!((labels.of("error"), labels.of("quad8")), (Some(["estimated error", ""]), None));
        let round = Labels::new(Physics::Heat, Geometry::Axisymmetric, &Names::default());
        assert_eq!([&round.flow.unit, &round.error.unit, &round.flux.unit], ["W", "(W K)^0.5", "W/m^2"]);
        assert_eq!([labels.u.with_unit("20"), labels.gradient.with_unit("1")], ["20 degC", "1"]);
    }
}
