//! Model of the scaling on a cluster: the time of an iteration from real partitions, the levels of
//! multigrid, and a few numbers of a machine. An exchange takes a latency and a time for each of
//! its messages and bytes; a reduction takes as many messages as the logarithm of the ranks; work
//! takes the time of a measured run, longer where more ranks share the memory bandwidth.
//!
//! Messages do not overlap with work, all cross the network, and on each level all ranks wait for
//! the slowest one.

mod args;
mod bandwidth;
mod cost;
mod interfaces;
mod iteration;
mod levels;
mod machine;
mod memory;
mod message_costs;
mod partitions;
mod prediction;
mod report;
mod run;
mod run_cost;
mod stages;

pub use args::ModelArgs;
pub use interfaces::{Interfaces, Part};
pub(crate) use iteration::Iteration;
pub(crate) use prediction::{Comparison, Prediction, Row};

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::{ExitCode, Result};
use crate::io::file::refuse_input;
use crate::io::record::{is_stdout, write_json};
use crate::la::hierarchy::SMALLEST;
use crate::parallel::Comm;
use crate::perf::estimate::multigrid_iterations;
use crate::perf::model::bandwidth::MemoryBandwidth;
use crate::perf::model::levels::CoarseningRatios;
use crate::perf::model::machine::{Machine, Rates};
use crate::perf::model::message_costs::Messages;
use crate::perf::model::prediction::Model;
use crate::perf::model::run::Run;
use crate::perf::model::stages::StageCommunication;
use crate::plot;
use crate::plot::Efficiencies;
use crate::system::group;
use crate::system::print;

/// Bytes a second of one Gbit/s.
const GIGABIT: f64 = 1e9 / 8.0;
/// Relative residual of the predicted solves.
const RTOL: f64 = 1e-8;

/// Predicts the performance that the command line asks for, on rank 0. **Collective.**
///
/// # Errors
/// A record cannot be read, a mesh cannot be partitioned, or an output cannot be written; the same
/// on every rank.
pub fn model(comm: &Comm, args: &ModelArgs) -> Result<ExitCode> {
    comm.agree(if comm.is_root() { predict(args) } else { Ok(()) })?;
    Ok(ExitCode::Success)
}

fn predict(args: &ModelArgs) -> Result<()> {
    let alone = Rc::new(Comm::alone());
    let inputs = [&args.record, &args.stream, &args.messages, &args.compare];
    for output in args.json.iter().chain(&args.output) {
        refuse_input(output, inputs.into_iter().flatten().map(PathBuf::as_path))?;
    }
    let set_by = Run::read_equal(&args.record)?;
    let run = set_by.first();
    let compared: Vec<Run> = args.compare.iter().map(|path| Run::read(path)).collect::<Result<_>>()?;
    let memory = MemoryBandwidth::read(&args.stream)?;
    let messages = Messages::read(&args.messages)?;
    let parts = run.map(|run| prediction::interfaces(&alone, run)).transpose()?.flatten();
    let ratios = run.map_or(CoarseningRatios::TYPICAL, CoarseningRatios::of);
    let [latency, overhead, bandwidth, ranks_per_node, file_system] = args.cluster.numbers();
    let ranks_per_node = args.ranks_per_node.unwrap_or(ranks_per_node);
    let machine = Machine {
        latency: args.latency.unwrap_or(latency) * 1e-6,
        overhead: args.overhead.unwrap_or(overhead) * 1e-6,
        bandwidth: args.bandwidth.unwrap_or(bandwidth) * GIGABIT / ranks_per_node,
        taper: args.taper,
        ranks_per_node,
        file_system: args.file_system.unwrap_or(file_system) * 1e9,
        rates: match run {
            _ if args.network => Rates::NONE,
            Some(_) => {
                let imbalance = parts.as_ref().map_or(1.0, Interfaces::imbalance);
                Rates::median(set_by.iter().map(|run| Rates::of(run, &ratios, imbalance)).collect())
            }
            None => Rates::TYPICAL,
        },
    };
    let model = Model {
        machine,
        ratios,
        iterations: run.map_or(multigrid_iterations(RTOL), |run| run.iterations as f64),
        stages: run
            .zip(parts.as_ref())
            .map_or(StageCommunication::TYPICAL, |(run, parts)| StageCommunication::of(run, parts.neighbours())),
        bandwidth: run.zip(memory).map(|(run, memory)| (memory.of_rank(run.parallel.layout), memory)),
        messages,
        cores: args.cores,
        fewest: args.fewest.unwrap_or(SMALLEST as f64),
    };
    let prediction = Prediction {
        mesh: args.mesh.name,
        machine,
        is_weak: args.unknowns.is_none(),
        rows: if args.network { Vec::new() } else { model.rows(&alone, args)? },
        compared: model.compare(&alone, &compared)?,
    };
    if !args.quiet && !args.json.as_deref().is_some_and(is_stdout) {
        print(report::text(&prediction))?;
    }
    if let Some(path) = &args.json {
        write_json(path, &prediction)?;
    }
    if let Some(path) = &args.output {
        draw(&prediction, path, args.width)?;
    }
    Ok(())
}

fn draw(Prediction { mesh, is_weak, rows, .. }: &Prediction, path: &Path, width: u32) -> Result<()> {
    let (scaling, what) = if *is_weak { ("weak", " a rank") } else { ("strong", "") };
    let unknowns = group(rows.first().map_or(0.0, |row| row.unknowns) as u64);
    let of = |value: fn(&Row) -> f64| rows.iter().map(value).collect();
    let efficiencies = Efficiencies {
        title: &format!("Model: {scaling} scaling of the built-in {mesh}, {unknowns} unknowns{what}"),
        quantity: &format!("{scaling} efficiency of an iteration"),
        ranks: &rows.iter().map(|row| row.ranks).collect::<Vec<_>>(),
        curves: [
            ("parts alone, no messages", of(|row| 1.0 / row.imbalance)),
            ("coarse levels on all ranks", of(|row| row.spread_efficiency)),
            ("as the solver does", of(|row| row.efficiency)),
        ],
    };
    plot::efficiency(&efficiencies, path, width)
}
