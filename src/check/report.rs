//! What a check found, as text and as JSON.

use std::fmt;

use serde::Serialize;

use crate::digits::significant;
use crate::error::Error;
use crate::mesh::quality::{BARS, Summary};

/// Everything about one mesh. The names are those of the JSON file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Where the mesh comes from.
    pub source: String,
    /// `good`, or `bad` where there is any error.
    pub verdict: &'static str,
    /// What a solve refuses.
    pub errors: Vec<String>,
    /// What a solve warns of, and what looks like a mistake.
    pub warnings: Vec<String>,
    /// The mesh in numbers, where it could be read.
    pub mesh: Option<MeshReport>,
}

/// A mesh in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeshReport {
    /// Nodes, used or not.
    pub nodes: u64,
    /// Elements.
    pub elements: u64,
    /// Nodes that no element uses.
    pub orphan_nodes: u64,
    /// Nodes at the place of another one.
    pub duplicate_nodes: u64,
    /// Clockwise elements.
    pub clockwise_elements: u64,
    /// Connected pieces; pieces that share one node are one.
    pub pieces: u64,
    /// How good the elements are.
    pub scaled_jacobian: Quality,
    /// Named boundaries.
    pub boundaries: Vec<Boundary>,
    /// Boundary edges without a name, which are walls.
    pub unnamed: Boundary,
    /// Regions; elements without one are in none of them.
    pub regions: Vec<Region>,
}

/// The scaled Jacobian over all elements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// The lowest one; none where it is not a number.
    pub lowest: Option<f64>,
    /// The element that has it.
    pub worst_element: u64,
    /// Elements that are not better than 0.
    pub folded: u64,
    /// Elements in each tenth of 0 to 1.
    pub histogram: [u64; BARS],
}

/// A part of the boundary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Boundary {
    /// Its name.
    pub name: String,
    /// Number of edges.
    pub edges: u64,
    /// Length (m).
    pub length: f64,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// Number of elements.
    pub elements: u64,
    /// Area (m^2).
    pub area: f64,
}

impl Report {
    /// The report of a mesh that cannot even be read.
    pub fn refused(source: String, error: &Error) -> Self {
        Self::new(source, vec![error.to_string()], Vec::new(), None)
    }

    /// A report with its verdict.
    pub fn new(source: String, errors: Vec<String>, warnings: Vec<String>, mesh: Option<MeshReport>) -> Self {
        let verdict = if errors.is_empty() { "good" } else { "bad" };
        Self { source, verdict, errors, warnings, mesh }
    }
}

impl Quality {
    /// From what was counted, and the element that is worst.
    pub fn new(summary: &Summary, worst_element: u64) -> Self {
        let lowest = summary.lowest.is_finite().then_some(summary.lowest);
        Self { lowest, worst_element, folded: summary.folded, histogram: summary.bars }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<11} {}", "mesh", self.source)?;
        if let Some(mesh) = &self.mesh {
            write!(f, "{mesh}")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "{:<11} {warning}", "warning"))?;
        self.errors.iter().try_for_each(|error| writeln!(f, "{:<11} {error}", "error"))?;
        let verdict = match (self.errors.len(), self.warnings.len()) {
            (0, 0) => "good".to_owned(),
            (0, warnings) => format!("good, with {}", plural(warnings as u64, "warning")),
            (errors, _) => format!("bad: {}", plural(errors as u64, "error")),
        };
        writeln!(f, "{:<11} {verdict}", "verdict")
    }
}

impl fmt::Display for MeshReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |label: &str, text: String| writeln!(f, "{label:<11} {text}");
        line("elements", format!("{}, {} of them clockwise", self.elements, self.clockwise_elements))?;
        let nodes = format!(
            "{}, {} of them in no element, {} at the place of another",
            self.nodes, self.orphan_nodes, self.duplicate_nodes
        );
        line("nodes", nodes)?;
        line("pieces", self.pieces.to_string())?;
        for boundary in self.boundaries.iter().chain([&self.unnamed]) {
            let text =
                format!("{}: {}, {} m", boundary.name, plural(boundary.edges, "edge"), significant(boundary.length));
            line("boundary", text)?;
        }
        for region in &self.regions {
            let text =
                format!("{}: {}, {} m^2", region.name, plural(region.elements, "element"), significant(region.area));
            line("region", text)?;
        }
        let quality = &self.scaled_jacobian;
        let lowest = quality.lowest.map_or("not a number".to_owned(), significant);
        line("quality", format!("scaled Jacobian at least {lowest} (element {})", quality.worst_element))?;
        if quality.folded > 0 {
            line("", format!("{:>9} {:>9}", "<= 0", quality.folded))?;
        }
        let most = quality.histogram.iter().max().copied().unwrap_or(0).max(1);
        let first = quality.histogram.iter().position(|&n| n > 0).unwrap_or(0);
        for (bar, &count) in quality.histogram.iter().enumerate().skip(first) {
            let stars = "#".repeat((count * 50).div_ceil(most) as usize);
            let range = format!("{:.1} - {:.1}", bar as f64 / BARS as f64, (bar + 1) as f64 / BARS as f64);
            line("", format!("{range:>9} {count:>9} {stars}").trim_end().to_owned())?;
        }
        Ok(())
    }
}

fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
