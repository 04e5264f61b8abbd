//! The prediction as a table.

use std::fmt::Write;

use super::prediction::{Comparison, Prediction, Row};
use crate::console::group;

/// What rank 0 prints.
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
            "\n{} ranks, {} unknowns: assembly {assembly:.3} s, setup {setup:.3} s, iterations {solve:.3} s",
            last.ranks,
            group(last.unknowns as u64)
        );
        for (what, iteration) in [("first bottleneck", &last.iteration), ("were coarse levels spread", &last.spread)] {
            let (name, seconds) = iteration.bottleneck();
            let part = 100.0 * seconds / iteration.total();
            let _ = writeln!(text, "{what}: {name}, {:.3} ms of an iteration ({part:.1} %)", seconds * 1e3);
        }
    }
    for comparison in compared {
        let _ = writeln!(text, "{}", beside(comparison));
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

fn beside(comparison: &Comparison) -> String {
    let Comparison { source, refine, ranks, measured, predicted, counted, expected } = comparison;
    let mut text = format!("\n{source}, --refine {refine}, {ranks} ranks: measured, from the model, ratio");
    for (i, name) in ["assembly, s", "setup, s", "iteration, s"].into_iter().enumerate() {
        let ratio = predicted[i] / measured[i];
        let _ = write!(text, "\n    {name:<12} {:>9.5} {:>9.5} {ratio:>6.2}", measured[i], predicted[i]);
    }
    for (i, name) in ["messages", "bytes"].into_iter().enumerate().filter(|(i, _)| counted[*i] > 0.0) {
        let ratio = expected[i] / counted[i];
        let _ = write!(text, "\n    {name:<12} {:>9.0} {:>9.0} {ratio:>6.2}", counted[i], expected[i]);
    }
    text
}
