//! What a person sees while and after the program runs; rank 0 only.

mod progress;
mod terminal;

use std::path::Path;

use crate::app::case::{Case, Output};
use crate::io::console::progress::Progress;
use crate::io::record::{BoundaryCondition, Convergence, Parallel, RestartedFrom, RunRecord, conditions, is_stdout};
use crate::la::cg::{CgReport, Outcome};
use crate::mesh::quality::SLENDER;
use crate::mesh::{LocalMesh, MeshSource};
use crate::parallel::{Placement, Share, Span};
use crate::perf::estimate::{Estimate, Time};
use crate::post::{BoundaryFlow, FlowReport};
use crate::problem::{Label, Labels};
use crate::system::{rounded, say, signed, significant, tell};

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
            self.progress.suspend(|| tell(&format!("{label:<10} {text}\n")));
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
            self.progress.suspend(|| warnings.iter().for_each(|warning| say(&format!("warning: {warning}\n"))));
        }
    }

    /// The mesh and how it is split.
    pub fn mesh(&self, case: &Case, mesh: &LocalMesh, parallel: &Parallel) {
        let (elements, nodes) = (group(mesh.total_elements), group(mesh.total_nodes));
        let scaled = case.scale.map_or(String::new(), |scale| format!(", scaled by {scale}"));
        let name = refined(&(case.mesh.name() + &scaled), case.refine);
        self.line("mesh", &format!("{name}: {elements} elements, {nodes} nodes"));
        if parallel.ranks > 1 {
            let text = format!(
                "edge cut {}, imbalance {:.3}, at most {} and {} values a halo exchange",
                group(parallel.edge_cut),
                parallel.load_imbalance,
                count(parallel.neighbours_max, "neighbour"),
                group(parallel.halo_max),
            );
            self.line("partition", &text);
        }
    }

    /// The condition of each boundary, after what was guessed.
    pub fn conditions(&self, guess: Option<String>, conditions: &[BoundaryCondition]) {
        for (i, line) in guess.into_iter().chain(conditions::lines(conditions)).enumerate() {
            self.line(if i == 0 { "boundary" } else { "" }, &line);
        }
    }

    /// A partition that was stored: elements and nodes of the mesh, and the
    /// weight of each part.
    pub fn split(&self, source: &MeshSource, [elements, nodes]: [u64; 2], loads: &[u64], cut: u64, file: &Path) {
        self.line("mesh", &format!("{}: {} elements, {} nodes", source.name(), group(elements), group(nodes)));
        let fullest = loads.iter().max().copied().unwrap_or(0) as f64;
        let imbalance = fullest * loads.len() as f64 / loads.iter().sum::<u64>() as f64;
        let text = format!("{}, edge cut {}, imbalance {imbalance:.3}", count(loads.len() as u64, "part"), group(cut));
        self.line("partition", &text);
        self.line("files", &format!("{} (for --partition)", file.display()));
    }

    /// What a solve would take on ranks of this memory bandwidth (GB/s), with the aspect ratio of the elements where
    /// it is known.
    pub fn estimate(&self, estimate: &Estimate, aspect: Option<&str>, bandwidth: f64) {
        let Estimate { elements, unknowns, ranks, refine, .. } = *estimate;
        let text = format!(
            "{}: {} elements, {} unknowns",
            refined(&estimate.source, refine),
            group(elements),
            group(unknowns)
        );
        self.line("mesh", &text);
        self.line("dry run", &format!("{}, nothing is solved", count(ranks as u64, "rank")));
        let row = |name: &str, per_rank: f64| {
            self.line("", &format!("{name:<32} {per_rank:>11.1} {:>11.1}", per_rank * ranks as f64));
        };
        self.line("memory", &format!("{:<32} {:>11} {:>11}", "largest at the peak", "MiB a rank", "MiB in all"));
        let mut arrays: Vec<_> = estimate.arrays.iter().filter(|a| a.stages.contains(&estimate.peak_stage)).collect();
        arrays.sort_by_key(|array| std::cmp::Reverse(array.bytes_per_rank));
        for array in arrays {
            row(array.name, mebibytes(array.bytes_per_rank));
        }
        row("all of these", mebibytes(estimate.peak_bytes_per_rank));
        self.line("quality", aspect.unwrap_or("not looked at in so large a file, see quad8-mpi check"));
        let is_slender = estimate.aspect_ratio_max.is_some_and(|ratio| ratio > SLENDER);
        let more = if is_slender { ", and more because of the slender elements" } else { "" };
        self.line("solve", &format!("about {}{more}", count(estimate.iterations, "iteration")));
        let Time { setup, solve } = estimate.seconds;
        let text = format!(
            "assemble and set up {setup:.2} s, iterate {solve:.2} s, at {bandwidth} GB/s a rank (--bandwidth), without files"
        );
        self.line("time", &text);
    }

    /// Where the iteration goes on from.
    pub fn restart(&self, from: &RestartedFrom) {
        let iterations = count(from.iteration as u64, "iteration");
        self.line("restart", &format!("from {}, after {iterations}", from.file.display()));
    }

    /// How the iteration went.
    pub fn solved(&self, report: &CgReport, convergence: &Convergence, rtol: f64) {
        let verdict = if report.outcome == Outcome::Converged { "converged" } else { "NOT converged" };
        let text = format!(
            "{verdict} in {} by a factor of {:.2} each, relative residual {} (wanted {rtol:.0e})",
            count(report.iterations as u64, "iteration"),
            convergence.factor,
            report.shown_residual(2)
        );
        self.line("solve", &text);
        for used in &convergence.preconditioners {
            if let Some(reason) = &used.reason {
                self.line("", &format!("{} after iteration {}: {reason}", used.name, used.from_iteration));
            }
        }
        if !report.repairs.is_empty() {
            let times = count(report.repairs.len() as u64, "time");
            self.line("", &format!("recurrence started again {times} from the true residual, which had left it"));
        }
    }

    /// Prints the range of a magnitude at the nodes and over the means of the elements.
    fn magnitude(&self, label: &str, quantity: &Label, nodes: [f64; 2], elements: [f64; 2]) {
        let (name, nodes) = (named(label, &quantity.name), quantity.with_unit(&span(nodes)));
        self.line(label, &format!("{name}{nodes} at the nodes (element means {})", span(elements)));
    }

    /// What goes through the boundaries that are no walls, a line for each where
    /// they do not fit into one.
    fn flow(&self, flow: &FlowReport, label: &Label) {
        let boundaries = flow.boundaries.iter().filter(|boundary| boundary.flow != 0.0);
        let with_unit = |value: f64| label.with_unit(&signed(value));
        let mut parts: Vec<String> = boundaries
            .map(|boundary| {
                let BoundaryFlow { name, flow, sampled } = boundary;
                format!("{name} {} (sampled {})", with_unit(*flow), signed(*sampled))
            })
            .collect();
        if flow.source != 0.0 {
            parts.push(format!("source {}", with_unit(flow.source)));
        }
        parts.push(format!("imbalance {:.1e} of the inflow", flow.relative_imbalance));
        parts[0].insert_str(0, &named("flow", &label.name));
        const WIDTH: usize = 109;
        let line = parts.join(", ");
        let lines = if line.chars().count() > WIDTH { parts } else { vec![line] };
        for (i, line) in lines.iter().enumerate() {
            self.line(if i == 0 { "flow" } else { "" }, line);
        }
    }

    /// Seconds of the stages with their shares, and how much longer the slowest
    /// rank took than the mean, where that is more than a tenth.
    fn times(&self, record: &RunRecord) {
        let total = record.timing_metrics.get(crate::parallel::TOTAL).map_or(0.0, |span| span.max);
        let stages = STAGES.map(|(name, parts)| {
            let spans = || parts.iter().filter_map(|part| record.timing_metrics.get(part));
            let sum = |of: fn(&Span) -> f64| spans().map(of).sum::<f64>();
            let (longest, mean) = (sum(|s| s.max), sum(|s| s.mean));
            let uneven = longest > 1.1 * mean && longest > 0.01 * total;
            let uneven = if uneven { format!(", uneven {:.1}", longest / mean) } else { String::new() };
            format!("{name} {longest:.3} ({:.0} %{uneven})", 100.0 * longest / total.max(f64::MIN_POSITIVE))
        });
        self.line("time", &format!("{total:.3} s: {},", stages[..3].join(", ")));
        self.line("", &stages[3..].join(", "));
    }

    /// How long ranks waited for each other, and what they sent.
    fn messages(&self, record: &RunRecord) {
        let Some(all) = record.breakdown.stages.get(crate::parallel::TOTAL).filter(|_| record.parallel.ranks > 1)
        else {
            return;
        };
        let part = |share: &Share| 100.0 * share.seconds.mean / all.seconds.mean.max(f64::MIN_POSITIVE);
        let text = format!(
            "halo {:.0} %, reductions {:.0} %, other {:.0} % of the time; at most {} and {:.1} MiB from a rank",
            part(&all.halo),
            part(&all.reductions),
            part(&all.others),
            count(all.halo.count.max as u64, "message"),
            mebibytes(all.halo.bytes.max as u64),
        );
        self.line("messages", &text);
    }

    /// The results and where they are.
    pub fn finish(&self, record: &RunRecord, output: &Output, companion: &Path) {
        self.progress.end();
        let stats = &record.solution_stats;
        let Labels { u, magnitude, flux, flow, .. } = &record.names;
        let range = u.with_unit(&span(stats.u_range));
        self.line("u", &format!("{}{range}, mean {}", named("u", &u.name), significant(stats.u_mean)));
        let label = if magnitude.name == "speed" { "speed" } else { "gradient" };
        self.magnitude(label, magnitude, stats.speed_node_range, stats.speed_range);
        if let Some((nodes, elements)) = stats.flux_node_range.zip(stats.flux_range) {
            self.magnitude("flux", flux, nodes, elements);
        }
        self.flow(&record.flow, flow);
        // The estimate holds for a solution of the system only.
        if record.converged {
            let percent = rounded(stats.error_estimate_percent, 2);
            self.line("error", &format!("{percent} % estimated, in the energy norm"));
        }
        self.times(record);
        self.messages(record);
        let memory = &record.memory;
        let text = format!(
            "{:.0} MiB in all, {:.0} MiB on the fullest rank",
            mebibytes(memory.peak_bytes_sum),
            mebibytes(memory.peak_bytes_max)
        );
        self.line("memory", &text);
        self.line("limit", &record.limited_by);
        let json = output.json.as_ref().map_or(String::new(), |path| format!(", {}", path.display()));
        let (results, companion) = (output.results.display(), companion.display());
        self.line("files", &format!("{results}, {companion} (open this one in ParaView){json}"));
    }
}

/// The stages as they are shown: a name, and what it sums up.
const STAGES: [(&str, &[&str]); 6] = [
    ("read", &["load_mesh"]),
    ("partition", &["partition"]),
    ("assemble", &["assemble_system", "apply_bc"]),
    ("solve", &["setup_preconditioner", "solve_system"]),
    ("fields", &["compute_derived"]),
    ("write", &["export"]),
];

/// Returns a range as it is shown.
fn span([low, high]: [f64; 2]) -> String {
    format!("{} to {}", significant(low), significant(high))
}

/// Returns what stands between the label of a line and its values: the name, where it is another one.
fn named(label: &str, name: &str) -> String {
    if name == label { String::new() } else { format!("{name}: ") }
}

/// The name of a mesh and how often it is refined.
fn refined(name: &str, levels: u32) -> String {
    if levels > 0 { format!("{name}, refined {}", count(u64::from(levels), "time")) } else { name.to_owned() }
}

/// In MiB.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// "1 rank", "2 ranks".
fn count(n: u64, noun: &str) -> String {
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
