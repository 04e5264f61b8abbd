//! Cells of comma-separated values (RFC 4180).

/// Returns a text as a cell, in quotes where it has a comma, a quote or a line break.
pub fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
