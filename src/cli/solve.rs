//! Options of `quad8-mpi solve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{finite, positive, tolerance};
use crate::mesh::Partitioner;

/// Options of a solve.
#[derive(Debug, Clone, Args)]
pub struct SolveArgs {
    /// HDF5 mesh with x (N), y (N) in metres and quad8 (E,8) from 0 [default: a built-in Y-channel]
    pub mesh: Option<PathBuf>,

    /// Results file (HDF5); OUT.xdmf for ParaView is written beside it
    #[arg(short, long, value_name = "OUT.h5", default_value = "quad8.h5")]
    pub output: PathBuf,

    /// Split every element into four, this many times
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub refine: u32,

    /// How the elements are dealt to the ranks
    #[arg(long, value_enum, default_value_t = PartitionerKind::Auto)]
    pub partitioner: PartitionerKind,

    /// Deal the elements to the ranks as this file of quad8-mpi partition says
    #[arg(long, value_name = "PARTS.h5", conflicts_with = "partitioner")]
    pub partition: Option<PathBuf>,

    /// Preconditioner of CG
    #[arg(long, value_enum, default_value_t = PreconditionerKind::Multigrid)]
    pub preconditioner: PreconditionerKind,

    /// How the stiffness is kept
    #[arg(long, value_enum, default_value_t = OperatorKind::Elements)]
    pub operator: OperatorKind,

    /// Relative residual ||b - K u|| / ||b|| to reach (no unit)
    #[arg(long, default_value_t = 1e-8, value_parser = tolerance)]
    pub rtol: f64,

    /// Most iterations of CG
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub max_iterations: usize,

    /// Threads per rank [default: RAYON_NUM_THREADS, else SLURM_CPUS_PER_TASK, else this rank's share of the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub threads: Option<u32>,

    /// Inflow speed at the inlet, in m/s
    #[arg(long, default_value_t = 2.5, value_parser = finite, allow_negative_numbers = true)]
    pub gamma: f64,

    /// Stagnation pressure, in Pa
    #[arg(long, default_value_t = 101_328.828_1, value_parser = finite, allow_negative_numbers = true)]
    pub p0: f64,

    /// Density, in kg/m^3
    #[arg(long, default_value_t = 1.225, value_parser = finite, allow_negative_numbers = true)]
    pub density: f64,

    /// Also write the run record (timings, iterations, memory) to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Say what the solve would take in memory and time, and solve nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Ranks of the solve that --dry-run is about [default: those of this run]
    #[arg(long, value_name = "P", requires = "dry_run", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub ranks: Option<u32>,

    /// Memory bandwidth of one rank that --dry-run counts with, in GB/s
    #[arg(long, value_name = "B", requires = "dry_run", default_value_t = 7.0, value_parser = positive)]
    pub bandwidth: f64,

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// The ways to split a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartitionerKind {
    /// metis below 100,000 elements, two-level from there on
    Auto,
    /// METIS on the graph of all elements, on one rank
    Metis,
    /// METIS on the graph of small blocks of elements, which all ranks make
    TwoLevel,
}

impl PartitionerKind {
    /// The partitioner of this name.
    pub fn partitioner(self) -> Partitioner {
        match self {
            Self::Auto => Partitioner::Auto,
            Self::Metis => Partitioner::Metis,
            Self::TwoLevel => Partitioner::TwoLevel,
        }
    }
}

/// The ways to keep the stiffness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OperatorKind {
    /// Element by element: fastest, least memory
    Elements,
    /// As a distributed matrix of compressed rows
    Assembled,
}

impl OperatorKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elements => "elements",
            Self::Assembled => "assembled",
        }
    }
}

/// The preconditioners to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PreconditionerKind {
    /// Corners of the elements, then smoothed aggregation
    Multigrid,
    /// Division by the diagonal
    Jacobi,
}

impl PreconditionerKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Multigrid => "multigrid",
            Self::Jacobi => "jacobi",
        }
    }
}
