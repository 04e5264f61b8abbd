//! The command line: the subcommands, whose options stand with each of them.

mod shell;
mod surplus;

pub use shell::{CompletionArgs, completions, manual};

use crate::app::case::SolveArgs;
use crate::app::check::CheckArgs;
use crate::app::convert::ConvertArgs;
use crate::app::partition::PartitionArgs;
use crate::app::probe::ProbeArgs;
use crate::perf::bench::BenchArgs;
use crate::perf::model::ModelArgs;
use crate::perf::scaling::ReportArgs;
use crate::plot::{PlotArgs, ViewArgs};

use std::ffi::OsString;

use clap::{ColorChoice, Parser, Subcommand};

/// Potential flow and other -div(k grad u) = f problems on meshes of 8-node quadrilaterals, on any
/// number of MPI ranks and threads.
///
/// Start it with mpirun: `mpirun -n 4 quad8-mpi MESH.h5 -o OUT.h5`. Without a mesh it solves a
/// built-in Y-channel; `quad8-mpi meshes` lists more of them. A case file describes a whole run:
/// `quad8-mpi case > channel.toml` writes one to start from. Exit codes: 0 solved, 1 not converged,
/// 2 bad input or usage, 3 a file could not be read or written, 4 a failure inside, 5 stopped by a
/// signal or --max-time: start it again, with --restart where a checkpoint was written.
#[derive(Debug, Parser)]
// Launchers give ranks a terminal even where the output goes to a file.
#[command(name = "quad8-mpi", version, long_version = shell::long_version(), args_conflicts_with_subcommands = true, args_override_self = true, color = ColorChoice::Never)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    solve: SolveArgs,
}

/// Subcommands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Solve a case or a mesh (the default without a subcommand)
    Solve(SolveArgs),
    /// Print a commented case file with all keys, to start from
    Case,
    /// Check a mesh without solving: exit code 0 if it is good, 2 if not
    Check(CheckArgs),
    /// List the built-in meshes and the channels
    Meshes,
    /// Partition a mesh once, for many runs with --partition
    Partition(PartitionArgs),
    /// Convert a mesh to HDF5, or results to CSV, NumPy (.npz) or a spreadsheet (.xlsx)
    Convert(ConvertArgs),
    /// Plot a results file, or the convergence of a run, as PNG or SVG
    Plot(PlotArgs),
    /// Write results and run records as one page (HTML) for a browser
    View(ViewArgs),
    /// Print values of a results file at points, along lines and boundaries, or the flows, as CSV
    Probe(ProbeArgs),
    /// Report a scaling study: tables and a picture from run records
    Report(ReportArgs),
    /// Measure the memory bandwidth or the messages of this machine
    Bench(BenchArgs),
    /// Predict the scaling of a solve on a cluster
    Model(ModelArgs),
    /// Print the completions of a shell
    Completions(CompletionArgs),
    /// Print the manual page
    Man,
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    /// An error of usage, or the help where it is asked for.
    pub fn read() -> Result<Command, clap::Error> {
        let args: Vec<OsString> = std::env::args_os().collect();
        Self::try_parse_from(&args).map(Self::into_command).map_err(|error| surplus::explained(error, &args))
    }

    /// Returns the subcommand, or a solve without one.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Solve(self.solve))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::app::case::input::SUBCOMMANDS;

    #[test]
    fn every_subcommand_is_suggested_for_a_missing_file() {
        let command = Cli::command();
        let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(names, SUBCOMMANDS);
    }
    #[test]
    fn the_last_of_repeated_options_counts() {
        for words in [
            &["quad8-mpi", "--refine", "1", "--refine", "2"][..],
            &["quad8-mpi", "solve", "--refine", "1", "--refine", "2"],
        ] {
            let command = Cli::try_parse_from(words).map(Cli::into_command);
            assert!(matches!(command, Ok(Command::Solve(args)) if args.refine == Some(2)), "{words:?}");
        }
    }
}
