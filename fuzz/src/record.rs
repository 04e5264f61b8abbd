//! Records of runs.

use std::path::Path;
use std::rc::Rc;

use clap::Parser;
use quad8_mpi::app::cli::{Cli, Command};
use quad8_mpi::parallel::Comm;
use quad8_mpi::perf::{model, scaling};
use quad8_mpi::{ExitCode, Result, plot};

use super::files;

/// A proper record of a run.
const RUN: &str = "fuzz/corpus/record/run.json";

fn run(comm: &Comm, words: &[&str], output: &Path) -> Result<ExitCode> {
    let words = ["quad8-mpi"].iter().chain(words).chain(&["--output"]).map(Path::new);
    match Cli::parse_from(words.chain([output])).into_command() {
        Command::Report(args) => scaling::report(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Model(args) => model::model(comm, &args),
        _ => unreachable!("these are all"),
    }
}

/// Reports, predicts and plots from a record. No text may make them panic.
pub fn read(comm: &Rc<Comm>, text: &[u8]) {
    let record = files::temporary("record.json");
    std::fs::write(&record, text).expect("the folder for temporary files can be written");
    let name = record.to_str().expect("a name in UTF-8");
    let picture = files::temporary("picture.svg");
    let _ = run(comm, &["report", name, "--claims"], &files::temporary("report.txt"));
    let _ = run(comm, &["plot", "--residuals", name, "--width", "200", "--quiet"], &picture);
    let run_record = files::repository(RUN);
    let proper = run_record.to_str().expect("a name in UTF-8");
    let predict = |words: &[&str]| {
        let _ = run(comm, &[&["model", "--ranks", "2", "--width", "200", "--quiet"], words].concat(), &picture);
    };
    predict(&["--record", name, "--compare", name]);
    for measured in ["--messages", "--stream"] {
        predict(&["--record", proper, "--compare", proper, measured, name]);
    }
}
