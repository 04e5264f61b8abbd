//! Options of `quad8-mpi solve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{finite, tolerance};

/// Options of a solve.
#[derive(Debug, Clone, Args)]
pub struct SolveArgs {
    /// Mesh file (HDF5, Gmsh MSH 4.1, .npz or .xlsx; metres) or, where no file has that name, a built-in mesh
    /// [default: y-channel]
    pub mesh: Option<PathBuf>,

    /// Results file (HDF5); OUT.xdmf for ParaView is written beside it, see --format
    #[arg(short, long, value_name = "OUT.h5", default_value = "quad8.h5")]
    pub output: PathBuf,

    /// What ParaView opens, beside OUT.h5
    #[arg(long, value_enum, default_value_t = OutputFormat::Xdmf)]
    pub format: OutputFormat,

    /// Split every element into four, this many times
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub refine: u32,

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

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// What is written for ParaView.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// OUT.xdmf, a description of OUT.h5
    Xdmf,
    /// OUT.vtkhdf, a file of its own with one partition a rank, for reading in parallel
    Vtkhdf,
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
