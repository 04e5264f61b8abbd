//! Output to the user during and after a run; rank 0 only.

mod progress;
mod terminal;

use std::path::Path;

use crate::io::console::progress::Progress;
use crate::io::record::{BoundaryCondition, conditions, is_stdout};
use crate::parallel::Placement;
use crate::system::{group, plural, print_info, print_stderr};

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

    /// Creates a console that prints if `is_enabled`, but only warnings where the record goes to
    /// the standard output.
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
            plural(placement.ranks as u64, "rank"),
            plural(placement.threads as u64, "thread"),
            plural(placement.hosts as u64, "host"),
            virtual_ranks
                .map_or(String::new(), |ranks| format!(", reproducible as {}", plural(ranks as u64, "virtual rank"))),
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
    if levels > 0 { format!("{name}, refined {}", plural(u64::from(levels), "time")) } else { name.to_owned() }
}

/// Converts bytes to MiB.
pub fn mebibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

/// Returns the start of a line about a partition: its edge cut, if known.
pub(crate) fn edge_cut(cut: Option<u64>) -> String {
    cut.map_or(String::new(), |cut| format!("edge cut {}, ", group(cut)))
}
