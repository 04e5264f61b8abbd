//! Options of `quad8-mpi solve`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::app::case::{ChannelArgs, OutputFormat};
use crate::error::{Error, Result};
use crate::fem::{OperatorKind, PreconditionerKind};
use crate::mesh::partition::Partitioner;
use crate::parallel::MOST_THREADS;
use crate::parallel::virtual_ranks::MOST_VIRTUAL_RANKS;
use crate::problem::{Condition, Conductivity, Field, Geometry, Physics};
use crate::system::arguments::{finite, minutes, positive, relative_error, tolerance};

/// Options of a solve. They override the case file.
#[derive(Debug, Clone, Args)]
pub struct SolveArgs {
    /// Case file (.toml, see `quad8-mpi case`); mesh file (HDF5, Gmsh MSH 4.1, .npz or .xlsx;
    /// metres); or, where no file has that name, a built-in mesh [default: y-channel]
    #[arg(value_name = "CASE.toml|MESH")]
    pub(crate) input: Option<PathBuf>,

    /// Results file (HDF5); a file for ParaView is written beside it, see --format [default:
    /// quad8.h5]
    #[arg(short, long, value_name = "OUT.h5")]
    pub(crate) output: Option<PathBuf>,

    /// Format of the file for ParaView beside OUT.h5 [default: xdmf]
    #[arg(long, value_enum)]
    pub(crate) format: Option<OutputFormat>,

    /// Fields to write, by the names of their datasets, as in u,vel_node [default: all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) fields: Option<Vec<String>>,

    /// Write fields in single precision (about seven digits)
    #[arg(long)]
    pub(crate) single: bool,

    /// Compress the datasets of the results
    #[arg(long)]
    pub(crate) compress: bool,

    /// Multiply the coordinates of the mesh by this factor, as in --scale 0.001 for a mesh in
    /// millimetres [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) scale: Option<f64>,

    /// Split every element into four, this many times [default: 0]
    #[arg(long, value_name = "K", value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub(crate) refine: Option<u32>,

    /// Refine, from --refine on, until the estimated error is at most this part of the energy norm,
    /// as in 0.1% or 0.001; where memory or the disk cannot hold so fine a mesh, write the last
    /// solution and exit with code 1
    #[arg(
        long,
        value_name = "ERROR",
        value_parser = relative_error,
        allow_hyphen_values = true,
        conflicts_with = "dry_run"
    )]
    pub(crate) until_error: Option<f64>,

    #[command(flatten)]
    pub(crate) channel: ChannelArgs,

    /// Method that partitions the elements among the ranks
    #[arg(long, value_enum, default_value_t = Partitioner::Auto)]
    pub(crate) partitioner: Partitioner,

    /// Read the partition of the elements among the ranks from this file of quad8-mpi partition
    #[arg(long, value_name = "PARTS.h5", conflicts_with = "partitioner")]
    pub(crate) partition: Option<PathBuf>,

    /// Condition of a boundary: NAME=dirichlet:VALUE (u), NAME=robin:P,GAMMA (P u + k du/dn =
    /// GAMMA), NAME=flow:Q (uniform, with this total), NAME=floating:Q (one unknown u with this
    /// total flow [default of Q: 0]) or NAME=natural; values other than Q are numbers or formulas
    /// in x and y (m), as in "inlet=robin:0,2.5*(1-y^2)"; may be repeated
    #[arg(long, value_name = "NAME=CONDITION", value_parser = BoundaryOption::from_str)]
    pub(crate) bc: Vec<BoundaryOption>,

    /// Physics of the equation: names and units of the results [default: flow]
    #[arg(long, value_enum)]
    pub(crate) physics: Option<Physics>,

    /// Geometry of the domain: in axisymmetric geometry x is the distance from the axis [default:
    /// plane]
    #[arg(long, value_enum)]
    pub(crate) geometry: Option<Geometry>,

    /// Conductivity k of the domain: a number or a formula in x and y, more than 0; KX,KY or
    /// KXX,KXY,KYY where it depends on the direction [default: 1]
    #[arg(long, value_name = "K", allow_hyphen_values = true)]
    pub(crate) k: Option<Conductivity>,

    /// Source f of the domain: a number or a formula in x and y [default: 0]
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    pub(crate) f: Option<Field>,

    /// Preconditioner of CG [default: multigrid]
    #[arg(long, value_enum)]
    pub(crate) preconditioner: Option<PreconditionerKind>,

    /// Storage of the stiffness operator [default: elements]
    #[arg(long, value_enum)]
    pub(crate) operator: Option<OperatorKind>,

    /// Tolerance of the relative residual ||b - K u|| / ||b|| (no unit) [default: 1e-8]
    #[arg(long, value_parser = tolerance, allow_negative_numbers = true)]
    pub(crate) rtol: Option<f64>,

    /// Largest number of iterations of CG [default: 200000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_negative_numbers = true)]
    pub(crate) max_iterations: Option<usize>,

    /// Threads per rank [default: RAYON_NUM_THREADS, else SLURM_CPUS_PER_TASK, else this rank's
    /// share of the cores]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_THREADS)),
        allow_negative_numbers = true
    )]
    pub(crate) threads: Option<u16>,

    /// Solve on L virtual ranks, so that the results have the same bits on any number of ranks up
    /// to L [default of L: 16]
    #[arg(
        long,
        value_name = "L",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "16",
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_VIRTUAL_RANKS))
    )]
    pub(crate) reproducible: Option<u16>,

    /// Inflow speed at inlets without a condition of their own, in m/s [default: 2.5]
    #[arg(long, value_parser = finite, allow_negative_numbers = true)]
    pub(crate) gamma: Option<f64>,

    /// Stagnation pressure, in Pa [default: 101328.8281]
    #[arg(long, value_parser = finite, allow_negative_numbers = true)]
    pub(crate) p0: Option<f64>,

    /// Density, in kg/m^3, more than 0 [default: 1.225]
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub(crate) density: Option<f64>,

    /// Also write the run record (timings, iterations, memory) to this file; - prints it in place
    /// of the summary
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Write a timeline of the run to this file, in the trace event format, which ui.perfetto.dev
    /// opens: a row for each rank and thread with stages, iterations, levels, messages and files
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) trace: Option<PathBuf>,

    /// Stop after this time (minutes, from the start of the program) with a checkpoint beside the
    /// results, OUT.checkpoint.h5, and exit code 5; SIGUSR1, SIGTERM and SIGINT do the same
    #[arg(long, value_name = "MINUTES", value_parser = minutes, allow_negative_numbers = true)]
    pub max_time: Option<Duration>,

    /// Interval between two checkpoints (minutes); the one before the newest is kept as
    /// OUT.checkpoint.old.h5
    #[arg(long, value_name = "MINUTES", value_parser = minutes, allow_negative_numbers = true)]
    pub(crate) checkpoint_every: Option<Duration>,

    /// Continue from a checkpoint, on any number of ranks; where it is damaged, from the one before
    /// it
    #[arg(long, value_name = "OUT.checkpoint.h5", conflicts_with = "dry_run")]
    pub(crate) restart: Option<PathBuf>,

    /// Predict the memory and the time of the solve, and solve nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Ranks of the solve that --dry-run predicts [default: those of this run]
    #[arg(long, value_name = "P", requires = "dry_run", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(crate) ranks: Option<u32>,

    /// Memory bandwidth of one rank for --dry-run, in GB/s
    #[arg(long, value_name = "B", requires = "dry_run", default_value_t = 7.0, value_parser = positive)]
    pub(crate) bandwidth: f64,

    /// Print only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Value of --bc: the condition of one boundary.
#[derive(Debug, Clone)]
pub struct BoundaryOption {
    /// Name of the boundary.
    pub(crate) name: String,
    /// Its condition.
    pub(crate) condition: Condition,
}

impl FromStr for BoundaryOption {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // A name may contain the equals sign, a condition does not.
        match text.rsplit_once('=') {
            Some((name, condition)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), condition: condition.parse()? })
            }
            _ => Err(Error::input(format!(
                "'{text}' does not say which boundary: it must be NAME=CONDITION, as in inlet=robin:0,2.5"
            ))),
        }
    }
}

/// Reads a whole number, 0 or more.
fn whole<T: FromStr>(text: &str) -> std::result::Result<T, &'static str> {
    text.parse().map_err(|_| "must be a whole number, 0 or more")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::app::case::Case;
    use crate::app::cli::Cli;
    use crate::system::arguments::value_name;

    #[test]
    fn names_may_hold_an_equals_sign_and_conditions_formulas() {
        let read = |text: &str| BoundaryOption::from_str(text);
        let found = read("a = b=robin:0,max(x,y)").unwrap();
        assert_eq!(found.name, "a = b");
        for (text, expected) in [
            ("inlet", "does not say which boundary"),
            ("=natural", "does not say which boundary"),
            ("inlet=", "'' is no condition"),
            ("inlet=robin:0,z", "unknown name 'z' at position 1"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn the_help_states_the_defaults() {
        let help = Cli::command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let Case { solver, constants, output, refine, physics, .. } = Case::default();
        for value in [
            output.results.display().to_string(),
            refine.to_string(),
            value_name(&physics),
            value_name(&solver.preconditioner),
            value_name(&solver.operator),
            "1e-8".to_owned(),
            solver.max_iterations.to_string(),
            constants.gamma.to_string(),
            constants.p0.to_string(),
            constants.density.to_string(),
        ] {
            assert!(help.contains(&format!("[default: {value}]")), "{value} is no default in\n{help}");
        }
        assert_eq!(solver.rtol, 1e-8);
        let args = ["quad8-mpi", "--bc", "inlet=natural", "--bc", "out=dirichlet:0", "--f", "-x", "--k=2"];
        assert!(Cli::try_parse_from(args).is_ok());
    }
}
