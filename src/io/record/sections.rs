//! Sections of a run record.

use std::num::NonZeroU16;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Versions of the libraries that the program runs with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Libraries {
    /// The MPI library, as it names itself.
    pub mpi: String,
    /// HDF5.
    pub hdf5: String,
    /// METIS.
    pub metis: String,
}

/// The METIS that comes with metis-sys 0.3.2, which has no function for its version.
const METIS: &str = "5.2.1";

impl Libraries {
    /// Returns the versions in this process.
    pub fn in_use() -> Self {
        let (major, minor, patch) = hdf5::library_version();
        Self { mpi: Self::mpi_in_use(), hdf5: format!("{major}.{minor}.{patch}"), metis: METIS.to_owned() }
    }

    /// Returns the MPI library, also before MPI starts.
    pub fn mpi_in_use() -> String {
        first_line(&mpi::environment::library_version().unwrap_or_default())
    }
}

/// Returns the first line of a text from C, which may end with a NUL.
fn first_line(text: &str) -> String {
    text.split(['\n', '\0']).next().unwrap_or_default().trim().to_owned()
}

/// The solution in numbers.
#[derive(Debug, Clone, Default, Serialize)]
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MeshInfo {
    /// Name of a built-in mesh, or its file.
    pub source: String,
    /// Factor of its coordinates.
    #[serde(default)]
    pub scale: f64,
    /// Levels of refinement.
    pub refine: u32,
    /// Nodes, used or not.
    #[serde(default)]
    pub nodes: u64,
    /// Nodes that elements use.
    pub used_nodes: u64,
    /// Elements.
    #[serde(default)]
    pub elements: u64,
    /// Stored matrix entries.
    #[serde(default)]
    pub matrix_nnz: u64,
    /// Nodes with a Dirichlet value.
    #[serde(default)]
    pub fixed_nodes: u64,
    /// The largest aspect ratio of an element before refinement.
    #[serde(default)]
    pub aspect_ratio_max: Option<f64>,
    /// Elements before refinement that are folded somewhere.
    #[serde(default)]
    pub folded_elements: u64,
}

impl MeshInfo {
    /// Returns whether the other run solved the same mesh.
    pub(crate) fn is_same_mesh(&self, other: &Self) -> bool {
        let key = |info: &Self| (info.source.clone(), info.refine, info.used_nodes);
        key(self) == key(other)
    }
}

/// Options of the run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are the options of the command line")]
pub struct SolverConfig {
    pub operator: String,
    pub preconditioner: String,
    #[serde(default)]
    pub reproducible: Option<NonZeroU16>,
    pub rtol: f64,
    #[serde(default)]
    pub max_iterations: usize,
    #[serde(default)]
    pub gamma: f64,
    #[serde(default)]
    pub p0: f64,
    #[serde(default)]
    pub density: f64,
}

impl SolverConfig {
    /// Returns whether the other run solved by the same method to the same tolerance.
    pub(crate) fn is_same_method(&self, other: &Self) -> bool {
        let key = |config: &Self| (config.operator.clone(), config.preconditioner.clone(), config.rtol);
        key(self) == key(other)
    }
}

/// Peak resident memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Of each rank (bytes).
    #[serde(default)]
    pub peak_bytes: Vec<u64>,
    /// Of the fullest rank (bytes).
    #[serde(default)]
    pub peak_bytes_max: u64,
    /// Of all ranks (bytes).
    pub peak_bytes_sum: u64,
}

/// Ranks, threads and hosts of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Layout {
    /// MPI ranks.
    pub ranks: usize,
    /// Threads of the rank that has most.
    pub threads_per_rank: usize,
    /// Different hosts.
    pub hosts: usize,
}

impl Layout {
    /// Returns the threads of all ranks.
    pub(crate) fn cores(self) -> usize {
        self.ranks.saturating_mul(self.threads_per_rank)
    }

    /// Returns the cores in use on one host.
    pub(crate) fn cores_per_host(self) -> usize {
        self.cores().div_ceil(self.hosts.max(1))
    }
}

/// Ranks, threads and the partition.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parallel {
    /// Ranks, threads and hosts.
    #[serde(flatten)]
    pub layout: Layout,
    /// Name of the host of rank 0.
    #[serde(default)]
    pub first_host: String,
    /// Pairs of neighbouring elements on different ranks, before refinement; none where a
    /// partition file does not state it.
    #[serde(default)]
    pub edge_cut: Option<u64>,
    /// Values that a rank sends in one halo exchange: largest, and sum over ranks.
    #[serde(default)]
    pub halo_max: u64,
    /// See `halo_max`.
    #[serde(default)]
    pub halo_sum: u64,
    /// Most neighbours of a rank.
    #[serde(default)]
    pub neighbours_max: u64,
    /// Elements of the fullest rank over the mean.
    #[serde(default)]
    pub load_imbalance: f64,
}

/// The checkpoint from which a run continued.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestartedFrom {
    /// The file.
    pub file: PathBuf,
    /// The iterations before it.
    pub iteration: usize,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_metis_is_that_of_the_locked_crate() {
        assert!(include_str!("../../../Cargo.lock").contains("name = \"metis-sys\"\nversion = \"0.3.2\""));
    }
}
