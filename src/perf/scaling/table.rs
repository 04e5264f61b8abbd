//! Tables in several formats.

use serde::Serialize;

use crate::io::csv_cell;

/// Table: rows of text below a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    heading: Vec<String>,
    /// Number of leading columns with words, aligned left; numbers are aligned right.
    words: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates an empty table whose first `words` columns hold words.
    pub fn new(heading: &[&str], words: usize) -> Self {
        Self { heading: heading.iter().map(|&h| h.to_owned()).collect(), words, rows: Vec::new() }
    }

    /// Adds a row of as many cells as the heading has.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Formats the table as text in columns; each line ends with a line break.
    pub fn text(&self) -> String {
        let widths = self.widths(|cell| cell.to_owned());
        self.lines().map(|cells| self.aligned(cells, &widths, "  ").trim_end().to_owned() + "\n").collect()
    }

    /// Formats the table as comma-separated values (RFC 4180).
    pub fn csv(&self) -> String {
        self.lines().map(|cells| joined(cells.iter().map(|c| csv_cell(c)), ",") + "\n").collect()
    }

    /// Formats the table in Markdown.
    pub fn markdown(&self) -> String {
        let escaped = |cell: &str| cell.replace('|', "\\|");
        let widths = self.widths(escaped);
        let rule = |(at, width): (usize, &usize)| {
            let dashes = "-".repeat((*width).max(3) - 1);
            if at < self.words { format!("{dashes}-") } else { format!("{dashes}:") }
        };
        let rule = format!("| {} |\n", joined(widths.iter().enumerate().map(rule), " | "));
        let mut lines = self.lines().map(|cells| {
            let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
            format!("| {} |\n", self.aligned(&cells, &widths, " | "))
        });
        let heading = lines.next().unwrap_or_default();
        heading + &rule + &lines.collect::<String>()
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.heading).chain(&self.rows)
    }

    fn widths(&self, text: impl Fn(&str) -> String) -> Vec<usize> {
        let width = |at: usize| {
            let cells = self.lines().filter_map(|cells| cells.get(at));
            cells.map(|cell| text(cell).chars().count()).max().unwrap_or(0).max(3)
        };
        (0..self.heading.len()).map(width).collect()
    }

    fn aligned(&self, cells: &[String], widths: &[usize], between: &str) -> String {
        let cell = |(at, (cell, &width)): (usize, (&String, &usize))| {
            if at < self.words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        };
        joined(cells.iter().zip(widths).enumerate().map(cell), between)
    }
}

fn joined(cells: impl Iterator<Item = String>, between: &str) -> String {
    cells.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_in_three_ways() {
        let mut table = Table::new(&["mesh", "s"], 1);
        table.row(vec!["a|b, \"c\"".to_owned(), "1.25".to_owned()]);
        assert_eq!(table.csv(), "mesh,s\n\"a|b, \"\"c\"\"\",1.25\n");
        assert_eq!(table.text(), "mesh         s\na|b, \"c\"  1.25\n");
        let markdown = "| mesh      |    s |\n| --------- | ---: |\n| a\\|b, \"c\" | 1.25 |\n";
        assert_eq!(table.markdown(), markdown);
    }
}
