//! The run record: what a run did and how long it took, as JSON.

pub mod conditions;
pub(crate) mod read;

pub use conditions::{BoundaryCondition, ConditionSource, UNNAMED};
pub use read::{Bandwidth, Kernels, MessageCosts, Stream, median, not_record};

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::io::file::{failed, write_whole};
use crate::la::LevelSize;
use crate::la::cg::{CgReport, ConvergedReason, Cost, ResidualReplacement, UsedPreconditioner};
use crate::parallel::{Breakdown, Comm, MinMeanMax, Timings};
use crate::post::FlowReport;
use crate::problem::{Labels, Physics};
use crate::system::print;

/// Everything about one run. The names are those that scripts rely on.
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    /// Version of the program.
    pub version: &'static str,
    /// Versions of the libraries.
    pub libraries: Libraries,
    /// Seconds of each stage over the ranks.
    pub timing_metrics: Timings,
    /// Seconds from the start of the process to that of the work, MPI's own start included.
    pub start_up: MinMeanMax,
    /// Where that time went, and what was sent.
    pub breakdown: Breakdown,
    /// Iterations of CG.
    pub iterations: usize,
    /// Whether the tolerance was reached.
    pub converged: bool,
    /// Why the iteration ended.
    pub outcome: ConvergedReason,
    /// The solution in numbers.
    pub solution_stats: SolutionStats,
    /// The mesh in numbers.
    pub mesh_info: MeshInfo,
    /// Options of the run.
    pub solver_config: SolverConfig,
    /// The case file that does the same again.
    pub case: String,
    /// The physics that the equation describes.
    pub physics: Physics,
    /// Names and units of the computed quantities.
    pub names: Labels,
    /// The condition on each part of the boundary.
    pub conditions: Vec<BoundaryCondition>,
    /// What enters and leaves the domain.
    pub flow: FlowReport,
    /// How fast the iteration converged, and the levels it used.
    pub convergence: Convergence,
    /// Memory of the processes.
    pub memory: Memory,
    /// Ranks, threads and the partition.
    pub parallel: Parallel,
    /// Where the iteration went on from, if from a checkpoint.
    pub restart: Option<RestartedFrom>,
    /// Restarts of the recurrence, because it had left the true residual.
    pub repairs: Vec<ResidualReplacement>,
    /// ||r|| at the start and after each iteration.
    pub residual_history: Vec<f64>,
    /// The one thing that limited the run most.
    pub limited_by: String,
    /// What the run warned of.
    pub warnings: Vec<String>,
}

/// The checkpoint that a run went on from.
#[derive(Debug, Clone, Serialize)]
pub struct RestartedFrom {
    /// The file.
    pub file: PathBuf,
    /// The iterations before it.
    pub iteration: usize,
}

/// Versions of the libraries that the program runs with.
#[derive(Debug, Clone, Serialize)]
pub struct Libraries {
    /// The MPI library, in its own words.
    pub mpi: String,
    /// HDF5.
    pub hdf5: String,
    /// METIS.
    pub metis: String,
}

/// The METIS that comes with metis-sys 0.3.2, which does not tell its version.
const METIS: &str = "5.2.1";

impl Libraries {
    /// Those of this process.
    pub fn in_use() -> Self {
        let mpi = mpi::environment::library_version().unwrap_or_default();
        let (major, minor, patch) = hdf5::library_version();
        Self { mpi: first_line(&mpi), hdf5: format!("{major}.{minor}.{patch}"), metis: METIS.to_owned() }
    }
}

/// The first line of a text from C, which may end with a NUL.
fn first_line(text: &str) -> String {
    text.split(['\n', '\0']).next().unwrap_or_default().trim().to_owned()
}

/// The solution in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct SolutionStats {
    /// Smallest and largest u (m^2/s).
    pub u_range: [f64; 2],
    /// Mean u over the used nodes (m^2/s).
    pub u_mean: f64,
    /// Standard deviation of u over the used nodes (m^2/s).
    pub u_std: f64,
    /// Smallest and largest element speed (m/s).
    pub speed_range: [f64; 2],
    /// Smallest and largest speed at the nodes (m/s).
    pub speed_node_range: [f64; 2],
    /// Smallest and largest magnitude of the element flux, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flux_range: Option<[f64; 2]>,
    /// Smallest and largest magnitude of the flux at the nodes, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flux_node_range: Option<[f64; 2]>,
    /// Estimated error in the energy norm, (integral of k |grad e|^2)^1/2.
    pub error_estimate: f64,
    /// The same in percent of the energy norm of the solution.
    pub error_estimate_percent: f64,
    /// ||b - K u||.
    pub final_residual: f64,
    /// ||b - K u|| / ||b||.
    pub relative_residual: f64,
}

/// The mesh in numbers, after refinement.
#[derive(Debug, Clone, Serialize)]
pub struct MeshInfo {
    /// Where it comes from.
    pub source: String,
    /// What its coordinates were multiplied by.
    pub scale: f64,
    /// Levels of refinement.
    pub refine: u32,
    /// Nodes, used or not.
    pub nodes: u64,
    /// Nodes that elements use.
    pub used_nodes: u64,
    /// Elements.
    pub elements: u64,
    /// Stored matrix entries.
    pub matrix_nnz: u64,
    /// Nodes with a Dirichlet value.
    pub fixed_nodes: u64,
    /// The largest aspect ratio of an element before refinement.
    pub aspect_ratio_max: Option<f64>,
    /// Elements before refinement that are folded somewhere.
    pub folded_elements: u64,
}

/// Options of the run.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "they are the options of the command line")]
pub struct SolverConfig {
    pub operator: String,
    pub preconditioner: String,
    pub reproducible: Option<NonZeroU16>,
    pub rtol: f64,
    pub max_iterations: usize,
    pub gamma: f64,
    pub p0: f64,
    pub density: f64,
}

/// How fast the iteration converged, and the levels of the preconditioner.
#[derive(Debug, Clone, Serialize)]
pub struct Convergence {
    /// Mean reduction of the residual in an iteration.
    pub factor: f64,
    /// Where the time of the iterations went (s).
    pub seconds: Cost,
    /// The preconditioners in the order of their use.
    pub preconditioners: Vec<UsedPreconditioner>,
    /// Levels of the hierarchy, finest first; empty without one.
    pub levels: Vec<LevelSize>,
    /// Unknowns of all levels over those of the finest.
    pub grid_complexity: f64,
    /// Matrix entries of all levels over those of the finest.
    pub operator_complexity: f64,
}

impl Convergence {
    /// From the report of a solve and the levels of its preconditioner.
    pub fn new(report: &CgReport, levels: Vec<LevelSize>, preconditioners: Vec<UsedPreconditioner>) -> Self {
        let (first, last) = (report.history.first().copied(), report.history.last().copied());
        let factor = match (first, last) {
            (Some(first), Some(last)) if first > 0.0 && report.iterations > 0 => {
                (last / first).powf(1.0 / report.iterations as f64)
            }
            _ => 0.0,
        };
        let complexity = |size: fn(&LevelSize) -> u64| {
            let finest = levels.first().map_or(1, size) as f64;
            levels.iter().map(size).sum::<u64>().max(1) as f64 / finest
        };
        Self {
            factor,
            seconds: report.cost,
            preconditioners,
            grid_complexity: complexity(|level| level.unknowns),
            operator_complexity: complexity(|level| level.entries),
            levels,
        }
    }

    /// Says so where multigrid does not do what it is there for.
    pub fn slow_multigrid(&self) -> Option<String> {
        const SLOW: f64 = 0.6;
        (self.levels.len() > 1 && self.factor > SLOW).then(|| {
            format!(
                "multigrid converges slowly here, by a factor of {:.2} an iteration: very slender elements, \
                 jumps of k by many orders of magnitude or weak Robin conditions can do that",
                self.factor
            )
        })
    }
}

/// Peak resident memory.
#[derive(Debug, Clone, Serialize)]
pub struct Memory {
    /// Of each rank (bytes).
    pub peak_bytes: Vec<u64>,
    /// Of the fullest rank (bytes).
    pub peak_bytes_max: u64,
    /// Of all ranks (bytes).
    pub peak_bytes_sum: u64,
}

/// Ranks, threads and the partition.
#[derive(Debug, Clone, Serialize)]
pub struct Parallel {
    /// MPI ranks.
    pub ranks: usize,
    /// Threads of the rank that has most.
    pub threads_per_rank: usize,
    /// Different hosts.
    pub hosts: usize,
    /// Name of the host of rank 0.
    pub first_host: String,
    /// Pairs of neighbouring elements on different ranks, before refinement.
    pub edge_cut: u64,
    /// Values that a rank sends in one halo exchange: largest, and sum over ranks.
    pub halo_max: u64,
    /// See `halo_max`.
    pub halo_sum: u64,
    /// Most neighbours of a rank.
    pub neighbours_max: u64,
    /// Elements of the fullest rank over the mean.
    pub load_imbalance: f64,
}

/// Writes a value of rank 0 as JSON. **Collective.**
///
/// # Errors
/// [`Error::Write`](crate::error::Error::Write), the same on every rank.
pub fn write_json_once(comm: &Comm, path: &Path, value: &impl Serialize) -> Result<()> {
    comm.agree(if comm.is_root() { write_json(path, value) } else { Ok(()) })
}

/// Whether a path stands for the standard output.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a value as JSON, or prints it where the path is -; for rank 0.
///
/// # Errors
/// [`Error::Write`](crate::error::Error::Write).
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| failed(path, e))?;
    if is_stdout(path) { print(text + "\n") } else { write_whole(path, text + "\n") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_metis_is_that_of_the_locked_crate() {
        assert!(include_str!("../../../Cargo.lock").contains("name = \"metis-sys\"\nversion = \"0.3.2\""));
    }
}
