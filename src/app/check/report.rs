//! Report of a check, as text and as JSON.

use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::io::record::BoundaryCondition;
use crate::mesh::ElementNames;
use crate::mesh::quality::{ASPECT_BARS, BARS, MeshQuality};
use crate::system::{plural, significant};

/// Report on one mesh. The fields are the keys of the JSON file.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Source of the mesh.
    pub source: String,
    /// `good`; `bad` where there is any error; `doubtful` where elements are folded that a solve
    /// does not refuse.
    pub verdict: &'static str,
    /// Errors that end a solve.
    pub errors: Vec<String>,
    /// Warnings of a solve, and probable mistakes.
    pub warnings: Vec<String>,
    /// The mesh in numbers, where it could be read.
    pub mesh: Option<MeshReport>,
}

/// A mesh in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct MeshReport {
    /// Nodes, with those that no element uses.
    pub nodes: u64,
    /// Elements.
    pub elements: u64,
    /// Nodes that no element uses.
    pub orphan_nodes: u64,
    /// Nodes with the coordinates of another node.
    pub duplicate_nodes: u64,
    /// Clockwise elements.
    pub clockwise_elements: u64,
    /// Connected pieces; pieces that share one node are one.
    pub pieces: u64,
    /// The largest aspect ratio of an element; none where it is not a number.
    pub aspect_ratio_max: Option<f64>,
    /// Elements that are folded somewhere.
    pub folded_elements: u64,
    /// Scaled Jacobians of the elements.
    pub scaled_jacobian: Quality,
    /// Aspect ratios of the elements.
    pub aspect_ratio: AspectRatio,
    /// Place of the guessed boundaries of a mesh without names.
    pub guess: Option<String>,
    /// Conditions of a solve; empty where they are not complete.
    pub conditions: Vec<BoundaryCondition>,
    /// Named boundaries.
    pub boundaries: Vec<Boundary>,
    /// Boundary edges without a name, which have the natural condition.
    pub unnamed: Boundary,
    /// Named regions.
    pub regions: Vec<Region>,
}

/// Scaled Jacobian over all elements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Lowest value; none where it is not a number.
    pub lowest: Option<f64>,
    /// Element with the lowest value.
    pub worst_element: u64,
    /// Its name in messages.
    #[serde(skip)]
    pub name: String,
    /// Elements with a value of at most 0.
    pub folded: u64,
    /// Elements in each tenth of 0 to 1.
    pub histogram: [u64; BARS],
}

/// The aspect ratio over all elements: the largest condition number of the Jacobian matrix at the
/// Gauss points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AspectRatio {
    /// Element with the largest value.
    pub worst_element: u64,
    /// Its Gauss point (x, y in m); none where it is not a number.
    pub point: Option<[f64; 2]>,
    /// Largest value in words.
    #[serde(skip)]
    pub text: String,
    /// Lower limits of the bars.
    pub from: [f64; ASPECT_BARS.len()],
    /// Elements in each bar.
    pub histogram: [u64; ASPECT_BARS.len()],
}

/// Part of the boundary.
#[derive(Debug, Clone, Serialize)]
pub struct Boundary {
    /// Its name.
    pub name: String,
    /// Number of edges.
    pub edges: u64,
    /// Length (m).
    pub length: f64,
}

/// Region of the mesh.
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
    /// Creates the report of a mesh that cannot be read.
    pub fn refused(source: String, error: &Error) -> Self {
        Self::new(source, vec![error.to_string()], Vec::new(), None)
    }

    /// Creates a report with its verdict.
    pub fn new(source: String, errors: Vec<String>, warnings: Vec<String>, mesh: Option<MeshReport>) -> Self {
        let is_folded = mesh.as_ref().is_some_and(|mesh| mesh.folded_elements > 0);
        let verdict = match (errors.is_empty(), is_folded) {
            (false, _) => "bad",
            (true, true) => "doubtful",
            (true, false) => "good",
        };
        Self { source, verdict, errors, warnings, mesh }
    }
}

impl Quality {
    /// Summarizes the scaled Jacobians of a mesh.
    pub fn new(quality: &MeshQuality, names: &ElementNames) -> Self {
        let MeshQuality { lowest, folded, bars, .. } = *quality;
        let name = names.of(lowest.element);
        let lowest_value = lowest.value.is_finite().then_some(lowest.value);
        Self { lowest: lowest_value, worst_element: lowest.element, name, folded, histogram: bars }
    }
}

impl AspectRatio {
    /// Summarizes the aspect ratios of a mesh.
    pub fn new(quality: &MeshQuality, names: &ElementNames) -> Self {
        let slenderest = quality.slenderest;
        Self {
            worst_element: slenderest.element,
            point: Some(slenderest.point).filter(|point| point.iter().all(|v| v.is_finite())),
            text: quality.describe_aspect(names),
            from: ASPECT_BARS,
            histogram: quality.aspect_bars,
        }
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
            (0, 0) => self.verdict.to_owned(),
            (0, warnings) => format!("{}, with {}", self.verdict, plural(warnings as u64, "warning")),
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
        if let Some(guess) = &self.guess {
            line("boundary", guess.clone())?;
        }
        let unnamed = Some(&self.unnamed).filter(|unnamed| unnamed.edges > 0);
        for boundary in self.boundaries.iter().chain(unnamed) {
            let text =
                format!("{}: {}, {} m", boundary.name, plural(boundary.edges, "edge"), significant(boundary.length));
            let condition = self.conditions.iter().find(|condition| condition.name() == boundary.name);
            line("boundary", text + &condition.map_or(String::new(), |condition| format!(", {condition}")))?;
        }
        for region in &self.regions {
            let text =
                format!("{}: {}, {} m^2", region.name, plural(region.elements, "element"), significant(region.area));
            line("region", text)?;
        }
        let quality = &self.scaled_jacobian;
        let lowest = quality.lowest.map_or("not a number".to_owned(), significant);
        line("quality", format!("scaled Jacobian at least {lowest} ({})", quality.name))?;
        if quality.folded > 0 {
            line("", format!("{:>12} {:>9}", "<= 0", quality.folded))?;
        }
        let tenth = |bar: usize| format!("{:.1} - {:.1}", bar as f64 / BARS as f64, (bar + 1) as f64 / BARS as f64);
        bars(&quality.histogram, tenth).into_iter().try_for_each(|bar| line("", bar))?;
        line("", self.aspect_ratio.text.clone())?;
        let range = |bar: usize| match ASPECT_BARS.get(bar + 1) {
            Some(end) => format!("{} - {end}", ASPECT_BARS[bar]),
            None => format!(">= {}", ASPECT_BARS[bar]),
        };
        bars(&self.aspect_ratio.histogram, range).into_iter().try_for_each(|bar| line("", bar))
    }
}

/// Returns the lines of a histogram from its first to its last bar with elements.
fn bars(counts: &[u64], range: impl Fn(usize) -> String) -> Vec<String> {
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    let first = counts.iter().position(|&n| n > 0).unwrap_or(0);
    let end = counts.iter().rposition(|&n| n > 0).map_or(0, |last| last + 1);
    let stars = |count: u64| "#".repeat((count * 50).div_ceil(most) as usize);
    let bar = |i: usize| format!("{:>12} {:>9} {}", range(i), counts[i], stars(counts[i])).trim_end().to_owned();
    (first..end).map(bar).collect()
}
