//! The command line: one file for the options of each subcommand.

mod partition;
mod solve;

pub use partition::PartitionArgs;
pub use solve::{OperatorKind, PartitionerKind, PreconditionerKind, SolveArgs};

use clap::{ColorChoice, Parser, Subcommand};

/// Potential flow and other -div(k grad u) = f problems on meshes of 8-node
/// quadrilaterals, on any number of MPI ranks and threads.
///
/// Start it with mpirun: `mpirun -n 4 quad8-mpi MESH.h5 -o OUT.h5`. Without a
/// mesh it solves a built-in Y-channel. Exit codes: 0 solved, 1 not converged,
/// 2 bad input or usage, 3 a file could not be read or written, 4 a failure inside.
#[derive(Debug, Parser)]
// Launchers give ranks a terminal even where the output goes to a file.
#[command(name = "quad8-mpi", version, args_conflicts_with_subcommands = true, color = ColorChoice::Never)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    solve: SolveArgs,
}

/// What the program can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Solve a mesh (what happens without a subcommand, too)
    Solve(SolveArgs),
    /// Split a mesh once, for many runs with --partition
    Partition(PartitionArgs),
}

impl Cli {
    /// What is asked for; a solve where no subcommand stands.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Solve(self.solve))
    }
}

fn finite(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value.is_finite() { Ok(value) } else { Err("must be finite".to_owned()) }
}

fn positive(text: &str) -> Result<f64, String> {
    let value = finite(text)?;
    if value > 0.0 { Ok(value) } else { Err("must be positive".to_owned()) }
}

fn tolerance(text: &str) -> Result<f64, String> {
    let value = finite(text)?;
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err("must be between 0 and 1".to_owned()) }
}
