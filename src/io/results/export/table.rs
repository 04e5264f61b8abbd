//! Tables of nodes and elements.

use std::fmt::Write;

use crate::error::Result;
use crate::io::results::ResultsReader;

/// Table of columns of one length.
pub struct Table {
    /// Headings and columns.
    pub columns: Vec<(String, Column)>,
}

/// Column of a table.
pub enum Column {
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Numbers; NaN is an empty cell.
    Numbers(Vec<f64>),
}

impl Column {
    /// Writes the cell of a row, nothing where it is empty.
    pub fn write(&self, row: usize, text: &mut String) {
        // A String can always be written.
        let _ = match self {
            Self::Integers(values) => write!(text, "{}", values[row]),
            Self::Numbers(values) if values[row].is_nan() => Ok(()),
            Self::Numbers(values) => write!(text, "{:?}", values[row]),
        };
    }
}

impl Table {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| match column {
            Column::Integers(values) => values.len(),
            Column::Numbers(values) => values.len(),
        })
    }

    /// Returns the table as CSV.
    pub fn to_csv(&self) -> String {
        let headings: Vec<&str> = self.columns.iter().map(|(heading, _)| heading.as_str()).collect();
        let mut text = headings.join(",") + "\n";
        for row in 0..self.rows() {
            for (i, (_, column)) in self.columns.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                column.write(row, &mut text);
            }
            text.push('\n');
        }
        text
    }
}

/// Reads the tables of nodes and elements for CSV.
///
/// # Errors
/// A dataset is missing or cannot be read.
pub fn of_csv(reader: &ResultsReader) -> Result<[Table; 2]> {
    let mesh = reader.mesh()?;
    let coordinate = |axis: usize| Column::Numbers(mesh.points.iter().map(|point| point[axis]).collect());
    let corner = |i: usize| Column::Integers(mesh.elements.iter().map(|nodes| i64::from(nodes[i])).collect());
    let nodes = mesh.points.len();
    let u = if has_pressure(reader) { "VELOCITY_POTENTIAL" } else { "u" };
    let nodes = vec![
        ("#NODE".to_owned(), count(nodes)),
        ("X_COORD".to_owned(), coordinate(0)),
        ("Y_COORD".to_owned(), coordinate(1)),
        (u.to_owned(), Column::Numbers(reader.numbers("u", Some(&[nodes]))?)),
    ];
    let mut elements = vec![("#ELEMENT".to_owned(), count(mesh.elements.len()))];
    elements.extend((0..8).map(|i| (format!("N{}", i + 1), corner(i))));
    let headings = ["U_m_s", "V_m_s", "ABS_VEL_m_s", "PRESSURE_PA"];
    elements.extend(element_values(reader, mesh.elements.len(), headings)?);
    Ok([Table { columns: nodes }, Table { columns: elements }])
}

/// Reads the tables of nodes and elements for one sheet.
///
/// # Errors
/// A dataset is missing or cannot be read.
pub fn of_sheet(reader: &ResultsReader) -> Result<[Table; 2]> {
    let u = reader.numbers("u", None)?;
    let heading = if has_pressure(reader) { "VELOCITY POTENTIAL" } else { "u" };
    let nodes = vec![("#NODE".to_owned(), count(u.len())), (heading.to_owned(), Column::Numbers(u))];
    let total = reader.numbers("abs_vel", None)?.len();
    let mut elements = vec![("#ELEMENT".to_owned(), count(total))];
    let headings = ["U m/s (x  vel)", "V m/s (y vel)", "|V| m/s", "Pressure (Pa)"];
    elements.extend(element_values(reader, total, headings)?);
    Ok([Table { columns: nodes }, Table { columns: elements }])
}

/// Reads velocity, speed and pressure of the elements. The headings are those of potential flow;
/// without a pressure the physics is another one, and the names of the datasets take their place.
fn element_values(reader: &ResultsReader, total: usize, headings: [&str; 4]) -> Result<Vec<(String, Column)>> {
    let velocity = reader.numbers("vel", Some(&[total, 2]))?;
    let component = |c: usize| Column::Numbers(velocity.iter().skip(c).step_by(2).copied().collect());
    let mut columns = vec![component(0), component(1), Column::Numbers(reader.numbers("abs_vel", Some(&[total]))?)];
    let headings = if has_pressure(reader) {
        columns.push(Column::Numbers(reader.numbers("pressure", Some(&[total]))?));
        headings
    } else {
        ["vel_x", "vel_y", "abs_vel", ""]
    };
    Ok(headings.map(str::to_owned).into_iter().zip(columns).collect())
}

fn has_pressure(reader: &ResultsReader) -> bool {
    reader.has("pressure")
}

/// Returns the numbers from 1 to `total`.
fn count(total: usize) -> Column {
    Column::Integers((1..=total as i64).collect())
}
