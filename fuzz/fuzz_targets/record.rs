//! No text may make a report, the model or the picture of a convergence panic.
#![no_main]

mod alone;

use std::path::Path;

use clap::Parser;
use quad8_mpi::app::cli::{Cli, Command};
use quad8_mpi::{ExitCode, Result, plot};
use quad8_mpi::perf::{model, scaling};

/// A proper record of a run.
const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/record/run.json");

fn run(words: &[&str], output: &Path) -> Result<ExitCode> {
    let words = ["quad8-mpi"].iter().chain(words).chain(&["--output"]).map(Path::new);
    match Cli::parse_from(words.chain([output])).into_command() {
        Command::Report(args) => scaling::report(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Model(args) => alone::with_comm(|comm| model::model(comm, &args)),
        _ => unreachable!("these are all"),
    }
}

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let record = alone::temporary("record.json");
    std::fs::write(&record, text).expect("the folder for temporary files can be written");
    let name = record.to_str().expect("a name in UTF-8");
    let picture = alone::temporary("picture.svg");
    let _ = run(&["report", name, "--claims"], &alone::temporary("report.txt"));
    let _ = run(&["plot", "--residuals", name, "--width", "200", "--quiet"], &picture);
    let predict = |words: &[&str]| {
        let _ = run(&[&["model", "--ranks", "2", "--width", "200", "--quiet"], words].concat(), &picture);
    };
    predict(&["--record", name, "--compare", name]);
    for measured in ["--messages", "--stream"] {
        predict(&["--record", RUN, "--compare", RUN, measured, name]);
    }
});
