//! Builds the problem of a case on a mesh: conditions and materials by number instead of by name.

use std::collections::BTreeMap;

use crate::app::case::Case;
use crate::error::{Error, Result};
use crate::io::mesh::GivenNames;
use crate::io::record::{BoundaryCondition, ConditionSource};
use crate::post::Fluid;
use crate::problem::{Coefficient, Condition, Conductivity, Material, Physics, Problem, usual_condition};
use crate::system::did_you_mean;

impl Case {
    /// Returns the problem on a mesh with these names. A boundary without a condition gets the
    /// default of its name.
    ///
    /// # Errors
    /// A condition or a material for a name that the mesh does not have; no condition at all where
    /// the names have no defaults for an inlet and an outlet.
    pub fn problem(&self, boundaries: &[String], regions: &[String]) -> Result<Problem> {
        check_names("boundary", &self.boundary, boundaries)?;
        check_names("region", &self.region, regions)?;
        let condition = |name: &String| {
            self.boundary.get(name).cloned().unwrap_or_else(|| usual_condition(name, self.constants.gamma))
        };
        let conditions: Vec<Condition> = boundaries.iter().map(condition).collect();
        let has = |wanted: fn(&Condition) -> bool| conditions.iter().any(wanted);
        let is_usual = has(|c| matches!(c, Condition::Dirichlet(_))) && has(|c| matches!(c, Condition::Robin { .. }));
        if self.boundary.is_empty() && !is_usual {
            return Err(Error::input(format!(
                "the mesh names the boundaries {}: without an inlet and an outlet among them, give conditions with \
                 --bc NAME=dirichlet:VALUE or --bc NAME=robin:P,GAMMA",
                boundaries.join(", ")
            )));
        }
        let material = |name: &String| {
            let own = self.region.get(name);
            Material {
                conductivity: own.and_then(|m| m.k.clone()).unwrap_or_else(|| self.material.conductivity.clone()),
                source: own.and_then(|m| m.f.clone()).unwrap_or_else(|| self.material.source.clone()),
            }
        };
        let regions = regions.iter().map(material).collect();
        let (geometry, material, wells) = (self.geometry, self.material.clone(), self.source.clone());
        Ok(Problem { geometry, material, regions, conditions, wells })
    }

    /// Returns the conditions of the problem on these boundaries with their sources.
    pub(crate) fn conditions(&self, boundaries: &[String], problem: &Problem) -> Vec<BoundaryCondition> {
        let source = |name: &str| match name {
            name if self.run.conditions.contains(name) => ConditionSource::CommandLine,
            name if self.boundary.contains_key(name) => ConditionSource::Case,
            _ => ConditionSource::Default,
        };
        let condition = |(name, condition): (&String, &Condition)| BoundaryCondition {
            boundary: Some(name.clone()),
            condition: condition.clone(),
            source: source(name),
            potential: None,
            count: None,
        };
        boundaries.iter().zip(&problem.conditions).map(condition).collect()
    }

    /// Returns the fluid of the pressure.
    pub fn fluid(&self) -> Fluid {
        Fluid { p0: self.constants.p0, density: self.constants.density }
    }

    /// Returns whether the flux density is another field than the velocity.
    pub(crate) fn has_flux(&self, problem: &Problem) -> bool {
        self.physics != Physics::Flow || !problem.has_unit_conductivity()
    }

    /// Returns whether a field of the results is computed.
    pub(crate) fn computes(&self, field: &str, problem: &Problem) -> bool {
        match field {
            "flux" | "flux_node" => self.has_flux(problem),
            "pressure" | "pressure_node" => self.physics.has_pressure(),
            _ => true,
        }
    }

    /// Returns the same case with the condition of every boundary, so that it does not depend on
    /// defaults.
    pub(crate) fn with_conditions(&self, boundaries: &[String], problem: &Problem) -> Self {
        let boundary = boundaries.iter().cloned().zip(problem.conditions.iter().cloned()).collect();
        Self { boundary, ..self.clone() }
    }
}

impl GivenNames for Case {
    fn has_condition(&self, boundary: &str) -> bool {
        let own = self.boundary.get(boundary).cloned();
        let condition = own.unwrap_or_else(|| usual_condition(boundary, self.constants.gamma));
        !matches!(condition, Condition::Natural)
    }

    fn has_material(&self, region: &str) -> bool {
        self.region.contains_key(region)
    }

    fn data(&self) -> Vec<&str> {
        let regions = self.region.values();
        let of_regions = regions.flat_map(|m| m.k.iter().flat_map(Conductivity::given).chain(&m.f));
        let mut names: Vec<&str> = self.material.data().chain(of_regions.filter_map(Coefficient::data)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn check_names<T>(kind: &'static str, given: &BTreeMap<String, T>, known: &[String]) -> Result<()> {
    match given.keys().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            let known = if known.is_empty() { "names none".to_owned() } else { format!("has {}", known.join(", ")) };
            Err(Error::input(format!("there is no {kind} '{name}': {hint}the mesh {known}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Field;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn boundaries_without_a_condition_have_the_usual_one() {
        let mut case = Case::default();
        case.boundary.insert("top".into(), Condition::Dirichlet(Field::Constant(1.0)));
        case.region.insert("b".into(), toml::from_str("k = 7").unwrap());
        let problem = case.problem(&names(&["inlet", "top", "wall"]), &names(&["a", "b"])).unwrap();
        let gamma = |c: &Condition| matches!(c, Condition::Robin { gamma: Field::Constant(2.5), .. });
        assert!(gamma(&problem.conditions[0]) && matches!(problem.conditions[1], Condition::Dirichlet(_)));
        assert!(matches!(problem.conditions[2], Condition::Natural));
        use ConditionSource::{Case as File, CommandLine, Default};
        let boundaries = names(&["inlet", "top", "wall"]);
        let sources = |case: &Case| {
            let list = case.conditions(&boundaries, &problem);
            list.iter().map(|condition| condition.source).collect::<Vec<_>>()
        };
        assert_eq!(sources(&case), [Default, File, Default]);
        case.run.conditions.insert("top".into());
        assert_eq!(sources(&case), [Default, CommandLine, Default]);
        let whole = case.with_conditions(&boundaries, &problem).boundary;
        let whole: Vec<_> = whole.iter().map(|(name, condition)| format!("{name}: {condition}")).collect();
        assert_eq!(whole, ["inlet: robin 0, 2.5", "top: dirichlet 1", "wall: natural"]);
        assert_eq!([0, 1, u16::MAX].map(|r| problem.material(r).conductivity.to_string()), ["1", "7", "1"]);
    }

    #[test]
    fn natural_conditions_and_the_common_material_are_nothing_given() {
        let mut case = Case::default();
        case.boundary.insert("top".into(), Condition::Dirichlet(Field::Constant(1.0)));
        case.boundary.insert("inlet".into(), Condition::Natural);
        case.region.insert("b".into(), toml::from_str("k = 7").unwrap());
        assert_eq!(["top", "outlet", "inlet", "wall"].map(|name| case.has_condition(name)), [true, true, false, false]);
        assert_eq!(["a", "b"].map(|name| case.has_material(name)), [false, true]);
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let mut case = Case::default();
        case.boundary.insert("inlte".into(), Condition::Natural);
        let message = case.problem(&names(&["inlet", "outlet"]), &[]).unwrap_err().to_string();
        assert_eq!(message, "there is no boundary 'inlte': did you mean inlet? the mesh has inlet, outlet");
        let mut case = Case::default();
        case.region.insert("sand".into(), Default::default());
        let message = case.problem(&names(&["inlet", "outlet"]), &[]).unwrap_err().to_string();
        assert_eq!(message, "there is no region 'sand': the mesh names none");
    }

    #[test]
    fn without_an_inlet_or_an_outlet_the_names_are_listed() {
        for list in [["inlet", "right"], ["left", "outlet"]] {
            let message = Case::default().problem(&names(&list), &[]).unwrap_err().to_string();
            assert!(message.contains(&list.join(", ")) && message.contains("--bc NAME=dirichlet:VALUE"), "{message}");
        }
    }
}
