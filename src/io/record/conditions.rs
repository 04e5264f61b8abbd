//! Conditions on the parts of the boundary with their sources, for the console, the run record and
//! the report of a check.

use std::fmt;

use serde::Serialize;

use crate::mesh::{BoundarySummary, EdgeCount, LeftToRight};
use crate::problem::Condition;
use crate::system::{plural, significant};

/// Source of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConditionSource {
    /// The name of the boundary.
    Default,
    /// The case file.
    Case,
    /// An option of the command line.
    #[serde(rename = "command line")]
    CommandLine,
}

/// Condition on one part of the boundary.
#[derive(Debug, Clone, Serialize)]
pub struct BoundaryCondition {
    /// Name of the boundary; none for all boundary edges without a name.
    pub boundary: Option<String>,
    /// The condition.
    pub condition: Condition,
    /// Its source.
    pub source: ConditionSource,
    /// Value of u on a floating boundary, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub potential: Option<f64>,
    /// Edges of the boundary; none where they were not read.
    #[serde(flatten)]
    pub count: Option<EdgeCount>,
}

/// Name for boundary edges without a name.
pub const UNNAMED: &str = "(no name)";

impl BoundaryCondition {
    /// Returns the conditions of the named boundaries with their edges, and last that of the
    /// boundary edges without a name, if there are any.
    pub(crate) fn count(list: &[Self], summary: &BoundarySummary) -> Vec<Self> {
        let counted = list.iter().zip(&summary.named).map(|(part, &count)| Self { count: Some(count), ..part.clone() });
        let unnamed = Self {
            boundary: None,
            condition: Condition::Natural,
            source: ConditionSource::Default,
            potential: None,
            count: Some(EdgeCount { edges: summary.unnamed, interior: 0 }),
        };
        counted.chain((summary.unnamed > 0).then_some(unnamed)).collect()
    }

    /// Returns the name to show.
    pub(crate) fn name(&self) -> &str {
        self.boundary.as_deref().unwrap_or(UNNAMED)
    }
}

/// The condition with its default and its edges, where they are unusual.
impl fmt::Display for BoundaryCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.condition)?;
        if self.source == ConditionSource::Default {
            write!(f, " (default)")?;
        }
        match self.count {
            Some(EdgeCount { edges: 0, .. }) => write!(f, ", no edges"),
            Some(EdgeCount { edges, interior: inside }) if inside == edges => write!(f, ", inside the domain"),
            Some(EdgeCount { edges, interior: inside }) if inside > 0 => {
                write!(f, ", {inside} of {edges} edges inside the domain")
            }
            _ => Ok(()),
        }
    }
}

/// Returns a line for each condition, the names in a column.
pub fn lines(conditions: &[BoundaryCondition]) -> Vec<String> {
    const WIDEST: usize = 30;
    let width = conditions.iter().map(|part| part.name().chars().count()).filter(|width| *width <= WIDEST).max();
    let width = width.unwrap_or(0);
    conditions.iter().map(|part| format!("{:width$}  {part}", part.name())).collect()
}

/// Returns the place of the guessed inlet and outlet of a mesh without names.
pub fn guess(summary: &BoundarySummary) -> Option<String> {
    let places = summary.guessed?.into_iter().zip(&summary.named).zip(LeftToRight::NAMES);
    let places = places
        .map(|((x, count), name)| format!("{name} guessed at x = {}, {}", significant(x), plural(count.edges, "edge")));
    Some(format!("no names in the mesh: {}", places.collect::<Vec<_>>().join("; ")))
}

/// Returns warnings about named edges inside the domain without a given condition, and about
/// conditions without edges.
pub fn warnings(conditions: &[BoundaryCondition]) -> Vec<String> {
    let default_inside = |is_held: bool| {
        let parts = conditions.iter().filter(|part| part.source == ConditionSource::Default);
        let parts = parts.filter(|part| matches!(part.condition, Condition::Natural) != is_held);
        let parts =
            parts.filter_map(|part| Some((part.name(), part.count?.interior))).filter(|(_, inside)| *inside > 0);
        let parts: Vec<_> = parts.collect();
        let names: Vec<String> = parts.iter().map(|(name, inside)| format!("{name}: {inside}")).collect();
        let total: u64 = parts.iter().map(|(_, inside)| inside).sum();
        let lie = if total == 1 { "lies" } else { "lie" };
        (total > 0).then(|| format!("{} {lie} inside the domain ({})", plural(total, "named edge"), names.join(", ")))
    };
    let natural = default_inside(false).map(|edges| format!("{edges}: no condition holds there"));
    let held =
        default_inside(true).map(|edges| format!("{edges}: the default condition of their boundary holds there"));
    let without = conditions.iter().filter(|part| {
        part.count.is_some_and(|count| count.edges == 0) && !matches!(part.condition, Condition::Natural)
    });
    let without = without
        .map(|part| format!("boundary '{}' has no edges: its condition {} holds nowhere", part.name(), part.condition));
    natural.into_iter().chain(held).chain(without).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(parts: [(&str, &str, ConditionSource, [u64; 2]); 5]) -> Vec<BoundaryCondition> {
        let part = |(name, condition, source, [edges, inside]): (&str, &str, _, [u64; 2])| BoundaryCondition {
            boundary: (!name.is_empty()).then(|| name.to_owned()),
            condition: condition.parse().unwrap(),
            source,
            potential: None,
            count: Some(EdgeCount { edges, interior: inside }),
        };
        parts.map(part).into()
    }

    #[test]
    fn conditions_are_lined_up_and_say_what_is_unusual() {
        use ConditionSource::{Case, CommandLine, Default};
        let conditions = list([
            ("inlet", "robin:0,2.5", Default, [4, 0]),
            ("well", "dirichlet:x", CommandLine, [3, 3]),
            ("fault", "natural", Default, [5, 2]),
            ("top", "dirichlet:1", Case, [0, 0]),
            ("", "natural", Default, [7, 0]),
        ]);
        assert_eq!(
            lines(&conditions),
            [
                "inlet      robin 0, 2.5 (default)",
                "well       dirichlet 'x', inside the domain",
                "fault      natural (default), 2 of 5 edges inside the domain",
                "top        dirichlet 1, no edges",
                "(no name)  natural (default)",
            ]
        );
        assert_eq!(
            warnings(&conditions),
            [
                "2 named edges lie inside the domain (fault: 2): no condition holds there",
                "boundary 'top' has no edges: its condition dirichlet 1 holds nowhere",
            ]
        );
    }

    #[test]
    fn a_guess_names_its_place() {
        let named = vec![EdgeCount { edges: 4, interior: 0 }, EdgeCount { edges: 1, interior: 0 }];
        let mut summary = BoundarySummary { named, unnamed: 3, guessed: Some([0.0, 0.1 + 0.2]) };
        let expected = "no names in the mesh: inlet guessed at x = 0, 4 edges; outlet guessed at x = 0.3, 1 edge";
        assert_eq!(guess(&summary).as_deref(), Some(expected));
        summary.guessed = None;
        assert_eq!(guess(&summary), None);
    }
}
