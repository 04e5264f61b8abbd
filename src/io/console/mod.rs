//! What a person sees while and after the program runs; rank 0 only.

mod progress;
mod terminal;

use std::path::Path;

use crate::io::console::progress::Progress;
use crate::io::record::{BoundaryCondition, conditions, is_stdout};
use crate::parallel::Placement;
use crate::system::{print_info, print_stderr};

/// Prints, or keeps quiet.
pub struct Console {
    speaks: bool,
    /// Whether it prints the summary, too.
    prints: bool,
    /// How far the run is.
    pub progress: Progress,
}

impl Console {
    /// A console that prints if `speaks`.
    pub fn new(speaks: bool) -> Self {
        Self { speaks, prints: speaks, progress: Progress::new(speaks) }
    }

    /// A console that prints if `speaks`, but only warnings where the record goes to the standard output.
    pub fn beside(speaks: bool, record: Option<&Path>) -> Self {
        let prints = speaks && !record.is_some_and(is_stdout);
        Self { speaks, prints, progress: Progress::new(prints) }
    }

    /// A line of its own.
    pub fn line(&self, label: &str, text: &str) {
        if self.prints {
            self.progress.suspend(|| print_info(&format!("{label:<10} {text}\n")));
        }
    }

    /// Who is at work, for how many logical ranks if so.
    pub fn start(&self, placement: &Placement, logical: Option<usize>) {
        let text = format!(
            "{}: {} x {} on {}{}",
            env!("CARGO_PKG_VERSION"),
            count(placement.ranks as u64, "rank"),
            count(placement.threads as u64, "thread"),
            count(placement.hosts as u64, "host"),
            logical.map_or(String::new(), |ranks| format!(", reproducible as {}", count(ranks as u64, "logical rank"))),
        );
        self.line("quad8-mpi", &text);
    }

    /// Things that are wrong but can be lived with.
    pub fn warn(&self, warnings: &[String]) {
        if self.speaks {
            self.progress
                .suspend(|| warnings.iter().for_each(|warning| print_stderr(&format!("warning: {warning}\n"))));
        }
    }

    /// The condition of each boundary, after what was guessed.
    pub fn conditions(&self, guess: Option<String>, conditions: &[BoundaryCondition]) {
        for (i, line) in guess.into_iter().chain(conditions::lines(conditions)).enumerate() {
            self.line(if i == 0 { "boundary" } else { "" }, &line);
        }
    }
}

/// The name of a mesh and how often it is refined.
pub(crate) fn refined(name: &str, levels: u32) -> String {
    if levels > 0 { format!("{name}, refined {}", count(u64::from(levels), "time")) } else { name.to_owned() }
}

/// In MiB.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// "1 rank", "2 ranks".
pub(crate) fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", group(n), if n == 1 { "" } else { "s" })
}

/// A number with its digits in groups of three.
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
