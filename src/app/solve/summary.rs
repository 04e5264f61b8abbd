//! Prints the summary of a solve on the console.

use std::path::Path;

use crate::app::case::Case;
use crate::io::console::{Console, edge_cut, mebibytes, refined};
use crate::io::record::{Accuracy, Convergence, Parallel, RestartedFrom, RunRecord, Stage};
use crate::la::cg::{CgReport, ConvergedReason};
use crate::mesh::LocalMesh;
use crate::parallel::CommShare;
use crate::post::{BoundaryFlow, FlowReport};
use crate::problem::{Label, Labels};
use crate::system::{group, plural, rounded, signed, significant};

impl Console {
    /// Prints the mesh and its partition.
    pub fn mesh(&self, case: &Case, mesh: &LocalMesh, parallel: &Parallel) {
        let (elements, nodes) = (plural(mesh.total_elements, "element"), plural(mesh.total_nodes, "node"));
        let scaled = case.scale.map_or(String::new(), |scale| format!(", scaled by {scale}"));
        let geometry = if case.geometry.is_plane() { "" } else { ", axisymmetric" };
        let name = refined(&(case.mesh.name() + &scaled + geometry), mesh.refinements);
        self.line("mesh", &format!("{name}: {elements}, {nodes}"));
        if parallel.layout.ranks > 1 {
            let text = format!(
                "{}imbalance {:.3}, at most {} and {} values a halo exchange",
                edge_cut(parallel.edge_cut),
                parallel.load_imbalance,
                plural(parallel.neighbours_max, "neighbour"),
                group(parallel.halo_max),
            );
            self.line("partition", &text);
        }
    }

    /// Prints the checkpoint from which the iteration continues.
    pub fn restart(&self, from: &RestartedFrom) {
        let iterations = plural(from.iteration as u64, "iteration");
        self.line("restart", &format!("from {}, after {iterations}", from.file.display()));
    }

    /// Prints the end of the iteration.
    pub fn solved(&self, report: &CgReport, convergence: &Convergence, rtol: f64) {
        let verdict = if report.outcome == ConvergedReason::Converged { "converged" } else { "NOT converged" };
        let text = format!(
            "{verdict} in {} by a factor of {:.2} each, relative residual {} (wanted {})",
            plural(report.iterations as u64, "iteration"),
            convergence.factor,
            report.shown_residual(3),
            rounded(rtol, 2)
        );
        self.line("solve", &text);
        for used in &convergence.preconditioners {
            if let Some(reason) = &used.reason {
                self.line("", &format!("{used} after iteration {}: {reason}", used.from_iteration));
            }
        }
        if !report.replacements.is_empty() {
            let times = plural(report.replacements.len() as u64, "time");
            self.line("", &format!("recurrence started again {times} from the true residual, which had left it"));
        }
    }

    /// Prints the range of a magnitude at the nodes and over the means of the elements.
    fn magnitude(&self, label: &str, quantity: &Label, nodes: [f64; 2], elements: [f64; 2]) {
        let (name, nodes) = (named(label, &quantity.name), quantity.with_unit(&span(nodes)));
        self.line(label, &format!("{name}{nodes} at the nodes (element means {})", span(elements)));
    }

    /// Prints the flow through the boundaries that are no walls, in one line where it fits, else in
    /// a line for each.
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
        parts.push(format!("imbalance {} of the inflow", rounded(flow.relative_imbalance, 2)));
        parts[0].insert_str(0, &named("flow", &label.name));
        const WIDTH: usize = 109;
        let line = parts.join(", ");
        let lines = if line.chars().count() > WIDTH { parts } else { vec![line] };
        for (i, line) in lines.iter().enumerate() {
            self.line(if i == 0 { "flow" } else { "" }, line);
        }
    }

    /// Prints the solutions of a run with `--until-error` as a table.
    fn levels(&self, accuracy: &Accuracy) {
        let row = |label: &str, [refine, unknowns, error, rate, iterations, seconds]: [&str; 6]| {
            let numbers = format!("{refine:>6} {unknowns:>15} {error:>10} {rate:>6} {iterations:>11} {seconds:>9}");
            self.line(label, &numbers);
        };
        row("levels", ["refine", "unknowns", "error", "rate", "iterations", "seconds"]);
        let rates = accuracy.rates().into_iter().map(|rate| format!("{rate:.2}"));
        for (level, rate) in accuracy.levels.iter().zip(std::iter::once(String::new()).chain(rates)) {
            let error = format!("{} %", rounded(level.error_estimate_percent, 3));
            let [refine, iterations] = [u64::from(level.refine), level.iterations as u64].map(group);
            row("", [&refine, &group(level.unknowns), &error, &rate, &iterations, &format!("{:.3}", level.seconds)]);
        }
    }

    /// Prints the seconds and the shares of the stages, and the ratio of the slowest rank to the
    /// mean where it exceeds a tenth.
    fn times(&self, record: &RunRecord) {
        let total = record.timing_metrics.get(crate::parallel::TOTAL).map_or(0.0, |span| span.max);
        let stages = Stage::ALL.map(|stage| {
            let [longest, mean] = stage.seconds(&record.timing_metrics);
            let uneven = longest > 1.1 * mean && longest > 0.01 * total;
            let uneven = if uneven { format!(", uneven {:.1}", longest / mean) } else { String::new() };
            let percent = 100.0 * longest / total.max(f64::MIN_POSITIVE);
            format!("{} {longest:.3} ({percent:.0} %{uneven})", stage.name())
        });
        self.line("time", &format!("{total:.3} s: {},", stages[..3].join(", ")));
        self.line("", &stages[3..].join(", "));
    }

    /// Prints the share of communication and the messages.
    fn messages(&self, record: &RunRecord) {
        let Some(all) =
            record.breakdown.stages.get(crate::parallel::TOTAL).filter(|_| record.parallel.layout.ranks > 1)
        else {
            return;
        };
        let part = |share: &CommShare| 100.0 * share.seconds.mean / all.seconds.mean.max(f64::MIN_POSITIVE);
        let text = format!(
            "halo {:.0} %, reductions {:.0} %, other {:.0} % of the time; at most {} and {:.1} MiB from a rank",
            part(&all.halo),
            part(&all.reductions),
            part(&all.others),
            plural(all.halo.count.max as u64, "message"),
            mebibytes(all.halo.bytes.max),
        );
        self.line("messages", &text);
    }

    /// Prints the results and their files.
    pub fn finish(&self, record: &RunRecord, case: &Case, companion: &Path) {
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
        // The estimate is valid only for a converged solution.
        if record.converged {
            let percent = rounded(stats.error_estimate_percent, 2);
            self.line("error", &format!("{percent} % estimated, in the energy norm"));
        }
        if let Some(accuracy) = &record.accuracy {
            self.levels(accuracy);
        }
        self.times(record);
        self.messages(record);
        let memory = &record.memory;
        let text = format!(
            "{:.0} MiB in all, {:.0} MiB on the fullest rank",
            mebibytes(memory.peak_bytes_sum as f64),
            mebibytes(memory.peak_bytes_max as f64)
        );
        self.line("memory", &text);
        self.line("limit", &record.limited_by);
        let output = &case.output;
        let others: String =
            output.json.iter().chain(&case.run.trace).map(|path| format!(", {}", path.display())).collect();
        let probes = if case.probe.is_empty() { String::new() } else { format!(", {}", case.probe_path().display()) };
        let (results, companion) = (output.results.display(), companion.display());
        self.line("files", &format!("{results}, {companion} (open this one in ParaView){others}{probes}"));
    }
}

/// Returns a range as text.
fn span([low, high]: [f64; 2]) -> String {
    format!("{} to {}", significant(low), significant(high))
}

/// Returns the name of a quantity with a colon, or nothing where it equals the label of the line.
fn named(label: &str, name: &str) -> String {
    if name == label { String::new() } else { format!("{name}: ") }
}
