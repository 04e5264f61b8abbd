//! Records of `quad8-mpi bench`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::io::record::{Layout, not_record, read};
use crate::parallel::MinMeanMax;

/// Record of the memory bandwidth, by STREAM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Version of the program.
    #[serde(skip_deserializing)]
    pub version: &'static str,
    /// Ranks and threads that measured.
    pub parallel: BenchParallel,
    /// Size of each of the three arrays on the host that has most (bytes).
    #[serde(default)]
    pub array_bytes_per_host: u64,
    /// Last-level caches of the host of rank 0 (bytes); 0 where they are not known.
    #[serde(default)]
    pub cache_bytes_per_host: u64,
    /// Runs of each kernel.
    #[serde(default)]
    pub repeats: u32,
    /// Bandwidth by kernel.
    pub stream: Bandwidths,
    /// Warnings of the measurement.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Ranks and threads of a measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BenchParallel {
    /// Ranks, threads and hosts.
    #[serde(flatten)]
    pub layout: Layout,
    /// Name of the host of rank 0.
    #[serde(default)]
    pub first_host: String,
}

/// Bandwidth by kernel.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bandwidths {
    /// c = a, 16 bytes an entry.
    #[serde(default)]
    pub copy: Bandwidth,
    /// a = b + s c, 24 bytes an entry.
    pub triad: Bandwidth,
}

/// Bandwidth in the best of all runs.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Bandwidth of all ranks together, until the slowest has finished (GB/s).
    pub total: f64,
    /// Bandwidth of a rank (GB/s).
    #[serde(default)]
    pub per_rank: MinMeanMax,
}

/// Record of the time of messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessagesRecord {
    /// Version of the program.
    #[serde(skip_deserializing)]
    pub version: &'static str,
    /// Ranks that measured.
    pub parallel: BenchParallel,
    /// Seconds of work before each exchange, which do not count.
    #[serde(default)]
    pub work: f64,
    /// Measurements, of which the medians follow.
    #[serde(default)]
    pub repeats: u32,
    /// The medians.
    pub messages: MessageCosts,
    /// Warnings of the measurement.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Time of an exchange between neighbours: the latency, the overhead for each neighbour, and its
/// bytes over the bandwidth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MessageCosts {
    /// Latency (s).
    pub latency: f64,
    /// Overhead for each neighbour (s).
    pub overhead: f64,
    /// Bytes that a rank receives in a second.
    pub bandwidth: f64,
    /// Time of the sum of one number over the ranks (s).
    pub sum: f64,
}

impl StreamRecord {
    /// Reads a record of the memory bandwidth.
    ///
    /// # Errors
    /// A file that cannot be opened, or that is no such record.
    pub fn read(path: &Path) -> Result<Self> {
        read::<Self>(path)?.checked(path)
    }

    /// Returns the record that was read from `path`, if its numbers are positive.
    ///
    /// # Errors
    /// A record with other numbers.
    pub fn checked(self, path: &Path) -> Result<Self> {
        let is_positive = self.parallel.layout.cores() > 0 && self.stream.triad.total > 0.0;
        if is_positive { Ok(self) } else { Err(not_record(path, "its numbers are not positive")) }
    }
}

impl MessagesRecord {
    /// Reads a record of the time of messages.
    ///
    /// # Errors
    /// A file that cannot be opened, or that is no such record.
    pub fn read(path: &Path) -> Result<Self> {
        let record: Self = read(path)?;
        let MessageCosts { latency, overhead, bandwidth, .. } = record.messages;
        let is_positive = latency >= 0.0 && overhead >= 0.0 && bandwidth > 0.0;
        if is_positive { Ok(record) } else { Err(not_record(path, "its numbers are not positive")) }
    }
}
