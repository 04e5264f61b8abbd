//! Tables as CSV (RFC 4180).

use std::fmt::Write;

use crate::io::csv_cell;
use crate::post::{NodeColumn, Probe, ProbeRow};

/// Rows of probes with their columns.
pub struct Rows<'a> {
    /// Probes, which give the first column.
    pub probes: &'a [Probe],
    /// Columns of the values.
    pub columns: &'a [NodeColumn<'a>],
    /// Rows, in the order of the probes.
    pub rows: &'a [ProbeRow],
}

impl Rows<'_> {
    /// Returns the table: name of the probe, x, y, values, distance.
    pub fn to_csv(&self) -> String {
        let values = self.columns.iter().map(|column| column.name);
        let heading: Vec<&str> = ["x", "y"].into_iter().chain(values).chain(["distance"]).collect();
        let row = |row: &ProbeRow| {
            let numbers = row.point.iter().chain(&row.values).chain([&row.distance]).copied().collect();
            (self.probes[row.probe].name.clone(), numbers)
        };
        csv("probe", &heading, self.rows.iter().map(row))
    }
}

/// Returns a table of rows with a name and numbers, which keep all their digits.
pub fn csv(first: &str, heading: &[&str], rows: impl Iterator<Item = (String, Vec<f64>)>) -> String {
    let mut text = format!("{first},{}\n", heading.join(","));
    for (name, numbers) in rows {
        text += &csv_cell(&name);
        for number in numbers {
            // A String can always be written.
            let _ = write!(text, ",{number:?}");
        }
        text.push('\n');
    }
    text
}
