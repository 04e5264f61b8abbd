//! Files and console: meshes, results, partitions, run records, timelines and messages.

pub(crate) mod console;
mod csv;
pub mod file;
pub(crate) mod hdf5;
pub mod mesh;
mod partition_file;
pub mod record;
pub mod results;
mod timeline;

pub(crate) use csv::csv_cell;
pub(crate) use partition_file::PartitionFile;
pub use partition_file::read_partition;
pub(crate) use timeline::write_timeline;

/// Largest compression ratio of Deflate (zlib, *Technical Details*: 1032 : 1).
const LARGEST_DEFLATE_RATIO: u64 = 1032;
