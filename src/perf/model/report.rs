//! Table of a prediction.

use std::fmt::Write;

use crate::io::console::group;
use crate::perf::model::prediction::COMPARED;
use crate::perf::model::{Comparison, Prediction, Row};

/// Formats the prediction as text.
pub fn text(prediction: &Prediction) -> String {
    let Prediction { mesh, machine, is_weak, rows, compared } = prediction;
    let mut text = match (rows.is_empty(), is_weak) {
        (true, _) => "work takes no time: ".to_owned(),
        (_, true) => format!("weak scaling of the built-in {mesh}: "),
        (_, false) => format!("strong scaling of the built-in {mesh}: "),
    };
    // Writing to a String cannot fail.
    let network = [machine.latency * 1e6, machine.bandwidth * 8e-9];
    let _ = writeln!(text, "{:.1} us and {:.1} Gbit/s for each rank", network[0], network[1]);
    if !rows.is_empty() {
        text += &heading();
    }
    for row in rows {
        let _ = writeln!(text, "{}", line(row));
    }
    if let Some(last) = rows.last() {
        let [assembly, setup, solve] = last.stages;
        let _ = writeln!(
            text,
            "\n{} ranks, {} unknowns: assembly {assembly:.3} s, setup {setup:.3} s, iterations {solve:.3} s; \
             efficiency of all three {:.2}",
            last.ranks,
            group(last.unknowns as u64),
            last.stages_efficiency
        );
        for (what, iteration) in [("first bottleneck", &last.iteration), ("were coarse levels spread", &last.spread)] {
            let (name, seconds) = iteration.limiting_factor();
            let part = 100.0 * seconds / iteration.total();
            let _ = writeln!(text, "{what}: {name}, {:.3} ms of an iteration ({part:.1} %)", seconds * 1e3);
        }
    }
    if !compared.is_empty() {
        text += &comparison_table(compared);
    }
    text
}

fn heading() -> String {
    format!(
        "\n{:>5} {:>13} {:>6} {:>7} {:>6} | {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>6} | {:>9} {:>6}\n",
        "ranks",
        "unknowns",
        "neigh.",
        "values",
        "uneven",
        "work",
        "uneven",
        "mesh",
        "coarse",
        "reduce",
        "direct",
        "ms/iter",
        "eff.",
        "spread",
        "eff."
    )
}

fn line(row: &Row) -> String {
    let Row {
        ranks, unknowns, neighbours, values, imbalance, iteration, efficiency, spread, spread_efficiency, ..
    } = row;
    let [work, uneven, mesh, coarse, reduce, direct] = [
        iteration.work,
        iteration.imbalance,
        iteration.mesh_messages,
        iteration.coarse_messages,
        iteration.reductions,
        iteration.direct,
    ]
    .map(|seconds| seconds * 1e3);
    let (total, spread) = (iteration.total() * 1e3, spread.total() * 1e3);
    format!(
        "{ranks:>5} {:>13} {neighbours:>6} {values:>7} {imbalance:>6.3} | {work:>8.3} {uneven:>7.3} \
         {mesh:>7.3} {coarse:>7.3} {reduce:>7.3} {direct:>7.3} {total:>8.3} \
         {efficiency:>6.2} | {spread:>9.3} {spread_efficiency:>6.2}",
        group(*unknowns as u64)
    )
}

/// Formats stages in seconds and the messages of one iteration, measured and predicted, with their
/// ratio.
fn comparison_table(compared: &[Comparison]) -> String {
    let mut text = format!("\n{:<36} {:>5} {:>4}", "mesh", "ranks", "runs");
    for what in COMPARED.iter().chain(&["messages", "bytes"]) {
        let _ = write!(text, " | {what:>9} {:>9} {:>5}", "model", "ratio");
    }
    for Comparison { source, refine, ranks, runs, measured, predicted, counted, expected } in compared {
        let mesh = format!("{source}, --refine {refine}");
        let _ = write!(text, "\n{mesh:<36} {ranks:>5} {runs:>4}");
        for (measured, predicted) in measured.iter().zip(predicted) {
            let _ = write!(text, " | {measured:>9.5} {predicted:>9.5} {:>5}", ratio(*measured, *predicted));
        }
        for (counted, expected) in counted.iter().zip(expected) {
            let _ = write!(text, " | {counted:>9.0} {expected:>9.0} {:>5}", ratio(*counted, *expected));
        }
    }
    text + "\n"
}

/// Formats a ratio; none where the prediction is zero.
fn ratio(measured: f64, predicted: f64) -> String {
    if predicted > 0.0 { format!("{:.2}", measured / predicted) } else { "-".to_owned() }
}
