//! Output to the user during and after a run; rank 0 only.

mod progress;
mod terminal;

use std::path::Path;

use crate::io::console::progress::Progress;
use crate::io::record::{BoundaryCondition, conditions, is_stdout};
use crate::parallel::Placement;
use crate::system::{print_info, print_stderr};

/// Console of a run, which may be quiet.
pub struct Console {
    /// Whether it prints warnings.
    is_enabled: bool,
    /// Whether it prints the summary, too.
    prints: bool,
    /// Progress of the run.
    pub progress: Progress,
}

impl Console {
    /// Creates a console that prints if `is_enabled`.
    pub fn new(is_enabled: bool) -> Self {
        Self { is_enabled, prints: is_enabled, progress: Progress::new(is_enabled) }
    }

    /// Creates a console that prints if `is_enabled`, but only warnings where the record goes to the
    /// standard output.
    pub fn beside(is_enabled: bool, record: Option<&Path>) -> Self {
        let prints = is_enabled && !record.is_some_and(is_stdout);
        Self { is_enabled, prints, progress: Progress::new(prints) }
    }

    /// Prints a line with a label.
    pub fn line(&self, label: &str, text: &str) {
        if self.prints {
            self.progress.suspend(|| print_info(&format!("{label:<10} {text}\n")));
        }
    }

    /// Prints the ranks, threads and hosts, and the virtual ranks if there are any.
    pub fn start(&self, placement: &Placement, virtual_ranks: Option<usize>) {
        let text = format!(
            "{}: {} x {} on {}{}",
            env!("CARGO_PKG_VERSION"),
            count(placement.ranks as u64, "rank"),
            count(placement.threads as u64, "thread"),
            count(placement.hosts as u64, "host"),
            virtual_ranks
                .map_or(String::new(), |ranks| format!(", reproducible as {}", count(ranks as u64, "virtual rank"))),
        );
        self.line("quad8-mpi", &text);
    }

    /// Prints warnings.
    pub fn warn(&self, warnings: &[String]) {
        if self.is_enabled {
            self.progress
                .suspend(|| warnings.iter().for_each(|warning| print_stderr(&format!("warning: {warning}\n"))));
        }
    }

    /// Prints the condition of each boundary, after a guess of the boundaries.
    pub fn conditions(&self, guess: Option<String>, conditions: &[BoundaryCondition]) {
        for (i, line) in guess.into_iter().chain(conditions::lines(conditions)).enumerate() {
            self.line(if i == 0 { "boundary" } else { "" }, &line);
        }
    }
}

/// Returns the name of a mesh with its refinements.
pub(crate) fn refined(name: &str, levels: u32) -> String {
    if levels > 0 { format!("{name}, refined {}", count(u64::from(levels), "time")) } else { name.to_owned() }
}

/// Converts bytes to MiB.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// Returns a number with its noun: "1 rank", "2 ranks".
pub(crate) fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", group(n), if n == 1 { "" } else { "s" })
}

/// Returns a number with its digits in groups of three.
pub(crate) fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the start of a line about a partition: its edge cut, if known.
pub(crate) fn edge_cut(cut: Option<u64>) -> String {
    cut.map_or(String::new(), |cut| format!("edge cut {}, ", group(cut)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        assert_eq!(count(1, "rank"), "1 rank");
        assert_eq!(count(0, "rank"), "0 ranks");
        assert_eq!(group(1_026_193), "1,026,193");
        assert_eq!(group(100), "100");
    }
}
