//! Spreadsheets (Office Open XML, ECMA-376, part 1, section 18): one sheet with two tables side by
//! side.

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::ZipWriter;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;

use crate::error::{Error, Result};
use crate::io::file::write_error;
use crate::io::results::export::table::Table;

/// Largest number of rows of a sheet.
const MOST_ROWS: usize = 1 << 20;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

/// Returns the bytes of a workbook with the tables in one sheet, an empty column between them.
///
/// # Errors
/// There are more rows than a sheet has.
pub fn book(tables: &[Table; 2], path: &Path) -> Result<Vec<u8>> {
    let rows = tables.iter().map(Table::rows).max().unwrap_or(0);
    if rows >= MOST_ROWS {
        let path = path.display();
        return Err(Error::input(format!(
            "{path} would have {} rows: a sheet has {MOST_ROWS}; convert to .csv or .npz instead",
            rows + 1
        )));
    }
    pack(sheet(tables, rows)).map_err(|e| write_error(path, e))
}

fn pack(sheet: String) -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS),
        ("xl/worksheets/sheet1.xml", &sheet),
    ] {
        let is_large = u32::try_from(text.len()).is_err();
        archive.start_file(name, SimpleFileOptions::default().large_file(is_large))?;
        archive.write_all(text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

fn sheet(tables: &[Table; 2], rows: usize) -> String {
    let start = r#"<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">"#;
    let mut text = start.to_owned();
    let firsts = [b'A', b'A' + tables[0].columns.len() as u8 + 1];
    // A String can always be written.
    for (table, first) in tables.iter().zip(firsts) {
        for ((heading, _), letter) in table.columns.iter().zip(first..) {
            let letter = char::from(letter);
            let _ = write!(text, r#"<c r="{letter}1" t="inlineStr"><is><t>{heading}</t></is></c>"#);
        }
    }
    text += "</row>";
    let mut cell = String::new();
    for row in 0..rows {
        let _ = write!(text, r#"<row r="{}">"#, row + 2);
        for (table, first) in tables.iter().zip(firsts).filter(|(table, _)| row < table.rows()) {
            for ((_, column), letter) in table.columns.iter().zip(first..) {
                cell.clear();
                column.write(row, &mut cell);
                if !cell.is_empty() {
                    let _ = write!(text, r#"<c r="{}{}"><v>{cell}</v></c>"#, char::from(letter), row + 2);
                }
            }
        }
        text += "</row>";
    }
    text + "</sheetData></worksheet>"
}
