//! Records that the program wrote, as far as it reads them again: reports, the model and pictures live on them.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::io::file::open;

/// Ranks, threads and hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Parallel {
    /// MPI ranks.
    pub ranks: usize,
    /// Threads of each.
    pub threads_per_rank: usize,
    /// Hosts that they are on.
    pub hosts: usize,
}

impl Parallel {
    /// Threads of all ranks.
    pub fn cores(self) -> usize {
        self.ranks.saturating_mul(self.threads_per_rank)
    }

    /// Cores at work on one host.
    pub fn cores_per_host(self) -> usize {
        self.cores().div_ceil(self.hosts.max(1))
    }
}

/// The mesh that was solved.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MeshInfo {
    /// Where it came from.
    pub source: String,
    /// Levels of refinement.
    pub refine: u32,
    /// Unknowns.
    pub used_nodes: u64,
}

/// What `quad8-mpi bench stream` measured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stream {
    /// Who measured.
    pub parallel: Parallel,
    /// See [`Kernels`].
    pub stream: Kernels,
}

/// The memory bandwidth by kernel.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Kernels {
    /// a = b + s c.
    pub triad: Bandwidth,
}

/// Of all ranks (GB/s).
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Bandwidth {
    /// See above.
    pub total: f64,
}

/// What an exchange between neighbours takes, as `quad8-mpi bench messages` measured: the latency, the overhead for
/// each neighbour, and its bytes over the bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MessageCosts {
    /// Seconds.
    pub latency: f64,
    /// Seconds a neighbour.
    pub overhead: f64,
    /// Bytes a second that a rank receives.
    pub bandwidth: f64,
    /// Seconds of the sum of one number over the ranks.
    pub sum: f64,
}

impl Stream {
    /// Reads a record of the memory bandwidth.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::NotRecord`].
    pub fn read(path: &Path) -> Result<Self> {
        read::<Self>(path)?.checked(path)
    }

    /// What was read from `path`, if it makes sense.
    ///
    /// # Errors
    /// [`Error::NotRecord`].
    pub fn checked(self, path: &Path) -> Result<Self> {
        let is_whole = self.parallel.cores() > 0 && self.stream.triad.total > 0.0;
        if is_whole { Ok(self) } else { Err(not_record(path, "its numbers are not positive")) }
    }
}

/// Reads what is wanted of a record.
///
/// # Errors
/// [`Error::Open`], [`Error::NotRecord`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&open::text(path)?).map_err(|e| not_record(path, e))
}

/// The error of a file that is none.
pub fn not_record(path: &Path, cause: impl ToString) -> Error {
    Error::NotRecord { path: path.into(), cause: cause.to_string() }
}

/// The middle value of equal runs, or the mean of the two in the middle; NaN of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    0.5 * (values[last / 2] + values[values.len() / 2])
}
