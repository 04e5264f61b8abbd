//! Table of a prediction.

use std::fmt::Write;

use crate::io::record::Stage;
use crate::perf::model::prediction::{ComparedTime, StageRow};
use crate::perf::model::{Comparison, Prediction, Row};
use crate::system::group;

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
        text += COLUMNS;
        for (what, iteration) in [("first bottleneck", &last.iteration), ("were coarse levels spread", &last.spread)] {
            let (name, seconds) = iteration.limiting_factor();
            let part = 100.0 * seconds / iteration.total();
            let _ = writeln!(text, "{what}: {name}, {:.3} ms of an iteration ({part:.1} %)", seconds * 1e3);
        }
    }
    if !rows.is_empty() {
        text += &stage_table(rows);
    }
    for comparison in compared {
        text += &comparison_table(comparison);
    }
    text
}

/// Explains the columns of the first table.
const COLUMNS: &str = "\
neigh., values, uneven: most neighbours of a part, most values it receives, the largest part over the mean
work to ms/iter: ms of an iteration by cause: work, waiting for the largest part, messages on the meshes and on
coarser levels, reductions, the coarsest level, and their sum; spread: the same with coarse levels on all ranks

";

/// Formats the seconds of the stages for all numbers of ranks, and what limits them on most ranks.
fn stage_table(rows: &[Row]) -> String {
    let mut text = format!("\n{:>5}", "ranks");
    for stage in Stage::ALL {
        let _ = write!(text, " {:>10}", stage.name());
    }
    let _ = writeln!(text, " {:>8} {:>6} {:>11} {:>8}", "all, s", "eff.", "solve, eff.", "MiB/rank");
    for row in rows {
        let _ = write!(text, "{:>5}", row.ranks);
        for stage in &row.stages {
            let _ = write!(text, " {:>10.3}", stage.time.total());
        }
        let _ = writeln!(
            text,
            " {:>8.3} {:>6.2} {:>11.2} {:>8.0}",
            row.seconds(&Stage::ALL),
            row.run_efficiency,
            row.stages_efficiency,
            row.peak_bytes / f64::from(1 << 20)
        );
    }
    text += "seconds; solve: assembly, setup and iterations\n";
    for StageRow { stage, time } in rows.last().into_iter().flat_map(|row| &row.stages) {
        let (name, seconds) = time.limiting_factor();
        let _ = writeln!(text, "{}: limited by {name}, {:.0} %", stage.name(), 100.0 * seconds / time.total());
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

/// Formats the seconds of stages and the messages of one iteration, measured and predicted, with
/// their ratio.
fn comparison_table(comparison: &Comparison) -> String {
    let Comparison { source, refine, ranks, runs, stages, counted, expected } = comparison;
    let mut text = format!("\n{source}, --refine {refine}, ranks {ranks}, runs {runs}\n");
    let _ = writeln!(text, "{:>15} {:>12} {:>12} {:>6}", "", "measured", "model", "ratio");
    for ComparedTime { name, measured, predicted } in stages {
        let ratio = ratio(*measured, *predicted);
        let _ = writeln!(text, "{:>15} {measured:>12.6} {predicted:>12.6} {ratio:>6}", format!("{name}, s"));
    }
    for (what, (counted, expected)) in ["messages", "bytes"].iter().zip(counted.iter().zip(expected)) {
        let _ = writeln!(text, "{what:>15} {counted:>12.0} {expected:>12.0} {:>6}", ratio(*counted, *expected));
    }
    text
}

/// Formats a ratio; none where the prediction is zero.
fn ratio(measured: f64, predicted: f64) -> String {
    if predicted > 0.0 { format!("{:.2}", measured / predicted) } else { "-".to_owned() }
}
