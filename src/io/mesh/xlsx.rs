//! Spreadsheets with a sheet `coord` (x and y of each node, mm) and a sheet `conec` (the eight
//! nodes of each element, from 1).
//!
//! A first row of words is a heading. In `coord` the columns headed x and y are read; without a
//! heading the first two, or the second and third where the first one numbers the nodes. In `conec`
//! eight columns are read, after an optional first one that is headed element, id, index, no or not
//! at all.

use std::io::{Cursor, Read};

use calamine::{Data, DataRef, Reader, Xlsx};
use zip::ZipArchive;

use crate::io::LARGEST_DEFLATE_RATIO;
use crate::io::mesh::{FormatError, SerialMesh};
use crate::parallel::work;

const COORD: &str = "coord";
const CONEC: &str = "conec";
/// Number of columns that are read.
const WIDEST: u32 = 16;

/// Parses the bytes of a .xlsx file. The unpacked size, to which the memory is proportional, is
/// checked first.
///
/// # Errors
/// The first [`FormatError`].
pub fn parse(bytes: &[u8]) -> Result<SerialMesh, FormatError> {
    check_sizes(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|e| FormatError::Archive { cause: e.to_string() })?;
    let coordinates = Sheet::read(&mut book, COORD)?.points()?;
    work::done(bytes.len() as u64 / 2);
    let elements = Sheet::read(&mut book, CONEC)?.elements()?;
    Ok(SerialMesh { coordinates, elements, ..SerialMesh::default() })
}

/// Refuses entries whose declared size exceeds the largest compression ratio.
fn check_sizes(bytes: &[u8]) -> Result<(), FormatError> {
    let damaged = |cause: String| FormatError::Archive { cause };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(e.to_string()))?;
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).map_err(|e| damaged(e.to_string()))?;
        let limit = file.compressed_size().saturating_mul(LARGEST_DEFLATE_RATIO);
        let name = file.name().map(|name| name.into_owned()).unwrap_or_default();
        if file.size() > limit {
            return Err(FormatError::TooMany { what: format!("entry '{name}'"), count: file.size(), room: limit });
        }
        // A damaged entry is an error here; the reader of sheets takes it for the end of the sheet.
        std::io::copy(&mut file.by_ref().take(limit), &mut std::io::sink())
            .map_err(|e| damaged(format!("{name}: {e}")))?;
    }
    Ok(())
}

/// Content of a cell.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Empty,
    Number(f64),
    Word(String),
}

/// Rows with at least one value, each with its number from 1.
struct Sheet {
    name: &'static str,
    rows: Vec<(u32, Vec<Cell>)>,
    heading: Option<Vec<String>>,
}

impl Sheet {
    fn read(book: &mut Xlsx<Cursor<&[u8]>>, name: &'static str) -> Result<Self, FormatError> {
        let names = book.sheet_names();
        let Some(title) = names.iter().find(|title| title.trim().eq_ignore_ascii_case(name)) else {
            return Err(FormatError::NotFound { what: "sheet", name, found: names.join(", ") });
        };
        let damaged = |e: calamine::XlsxError| FormatError::Archive { cause: format!("sheet '{name}': {e}") };
        // Cell by cell: a whole sheet would take memory for the rectangle around its cells.
        let mut cells = book.worksheet_cells_reader(title).map_err(damaged)?;
        let mut rows: Vec<(u32, Vec<Cell>)> = Vec::new();
        while let Some(cell) = cells.next_cell().map_err(damaged)? {
            let (row, column) = cell.get_position();
            let value = convert(cell.get_value());
            if column >= WIDEST || value == Cell::Empty {
                continue;
            }
            if rows.last().is_none_or(|(last, _)| *last != row + 1) {
                rows.push((row + 1, Vec::new()));
            }
            if let Some((_, cells)) = rows.last_mut() {
                let width = cells.len().max(column as usize + 1);
                cells.resize(width, Cell::Empty);
                cells[column as usize] = value;
            }
        }
        let is_heading = rows.first().is_some_and(|(_, cells)| cells.iter().any(|c| matches!(c, Cell::Word(_))));
        let word = |cell: Cell| if let Cell::Word(word) = cell { word.trim().to_lowercase() } else { String::new() };
        let heading = is_heading.then(|| rows.remove(0).1.into_iter().map(word).collect());
        Ok(Self { name, rows, heading })
    }

    fn points(&self) -> Result<Vec<[f64; 2]>, FormatError> {
        let headed = |letter: &str| {
            let is_it = |word: &String| *word == letter || word.starts_with(&format!("{letter} "));
            self.heading.as_ref()?.iter().position(is_it)
        };
        let second = self.width() > 2 && self.counts_rows();
        let [x, y] = match (headed("x"), headed("y")) {
            (Some(x), Some(y)) => [x, y],
            _ if self.width() < 2 => return Err(self.columns("x and y")),
            _ if second => [1, 2],
            _ => [0, 1],
        };
        let value = |row: usize, column: usize| self.number(row, column).map(|mm| mm / 1000.0);
        (0..self.rows.len()).map(|row| Ok([value(row, x)?, value(row, y)?])).collect()
    }

    fn elements(&self) -> Result<Vec<[i64; 8]>, FormatError> {
        let is_index =
            |word: &String| ["element", "elem", "id", "index", "no", "no.", "#", ""].contains(&word.as_str());
        let first = usize::from(self.heading.as_ref().is_some_and(|words| words.first().is_some_and(is_index)));
        if self.width() < first + 8 {
            return Err(self.columns("the eight nodes of an element"));
        }
        (0..self.rows.len())
            .map(|row| {
                let mut nodes = [0; 8];
                for (node, column) in nodes.iter_mut().zip(first..) {
                    let value = self.number(row, column)?;
                    if value.fract() != 0.0 || value.abs() > 1e15 {
                        return Err(self.cell(row, column, "the number of a node"));
                    }
                    *node = value as i64 - 1;
                }
                Ok(nodes)
            })
            .collect()
    }

    fn width(&self) -> usize {
        self.rows.first().map_or(0, |(_, cells)| cells.len())
    }

    /// Returns whether the first column is 1, 2, 3 and so on.
    fn counts_rows(&self) -> bool {
        self.rows.iter().zip(1..).all(|((_, cells), i)| cells.first() == Some(&Cell::Number(f64::from(i))))
    }

    fn number(&self, row: usize, column: usize) -> Result<f64, FormatError> {
        match self.rows[row].1.get(column) {
            Some(Cell::Number(value)) => Ok(*value),
            _ => Err(self.cell(row, column, "a number")),
        }
    }

    fn cell(&self, row: usize, column: usize, expected: &'static str) -> FormatError {
        let (number, cells) = &self.rows[row];
        let found = match cells.get(column) {
            Some(Cell::Number(value)) => value.to_string(),
            Some(Cell::Word(word)) => word.chars().take(40).collect(),
            _ => "nothing".to_owned(),
        };
        FormatError::Cell { sheet: self.name, row: *number, column: column as u32 + 1, found, expected }
    }

    fn columns(&self, expected: &'static str) -> FormatError {
        FormatError::Columns { sheet: self.name, found: self.width(), expected }
    }
}

fn convert(value: &DataRef) -> Cell {
    match Data::from(value.clone()) {
        Data::Int(n) => Cell::Number(n as f64),
        Data::Float(x) => Cell::Number(x),
        Data::Empty => Cell::Empty,
        Data::String(text) if text.trim().is_empty() => Cell::Empty,
        Data::String(text) => text.trim().parse().map_or_else(|_| Cell::Word(text.clone()), Cell::Number),
        other => Cell::Word(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::mesh::damaged_inputs::archive;

    const BOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Coord" sheetId="1" r:id="r1"/><sheet name="conec" sheetId="2" r:id="r2"/></sheets></workbook>"#;
    const LINKS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/></Relationships>"#;

    const START: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

    /// Builds a sheet of cells that are given by their names.
    fn sheet(cells: &[(&str, &str)]) -> Vec<u8> {
        let rows: String =
            cells.iter().map(|(name, value)| format!("<row><c r=\"{name}\"><v>{value}</v></c></row>")).collect();
        let start = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>"#;
        format!("{start}{rows}</sheetData></worksheet>").into_bytes()
    }

    fn book(coord: &[(&str, &str)], conec: &[(&str, &str)]) -> Vec<u8> {
        book_of(BOOK, coord, conec)
    }

    fn book_of(workbook: &str, coord: &[(&str, &str)], conec: &[(&str, &str)]) -> Vec<u8> {
        archive(&[
            ("_rels/.rels", START.into()),
            ("xl/workbook.xml", workbook.into()),
            ("xl/_rels/workbook.xml.rels", LINKS.into()),
            ("xl/worksheets/sheet1.xml", sheet(coord)),
            ("xl/worksheets/sheet2.xml", sheet(conec)),
        ])
    }

    #[test]
    fn headings_and_index_columns_are_understood() {
        let plain = parse(include_bytes!("../../../tests/data/meshes/plain.xlsx")).unwrap();
        let indexed = parse(include_bytes!("../../../tests/data/meshes/index-columns.xlsx")).unwrap();
        assert_eq!((plain.coordinates.len(), plain.elements.len()), (73, 18));
        assert_eq!(plain, indexed);
        assert_eq!(plain.coordinates.iter().map(|p| p[0]).fold(0.0, f64::max), 2.0, "metres");
    }

    #[test]
    fn a_cell_far_away_takes_no_memory() {
        let bytes = book(&[("A1", "1"), ("B1", "2"), ("XFD1048576", "3")], &[]);
        assert_eq!(
            parse(&bytes).unwrap_err(),
            FormatError::Columns { sheet: CONEC, found: 0, expected: "the eight nodes of an element" }
        );
    }

    #[test]
    fn a_cell_that_is_no_number_is_named() {
        let names = ["A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1"];
        let cells = names.map(|name| (name, if name == "C1" { "2.5" } else { "1" }));
        let message = parse(&book(&[("A1", "1"), ("B1", "2")], &cells)).unwrap_err().to_string();
        assert_eq!(message, "sheet 'conec' has '2.5' in row 1, column 3: expected the number of a node");
    }

    #[test]
    fn a_missing_sheet_is_named_with_those_there_are() {
        let bytes = book_of(&BOOK.replace("Coord", "points"), &[], &[]);
        assert_eq!(parse(&bytes).unwrap_err().to_string(), "it has no sheet 'coord'; found: points, conec");
    }
}
