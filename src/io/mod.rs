//! Files and console: meshes, results, partitions, run records, timelines and messages.

pub(crate) mod console;
pub mod file;
pub(crate) mod hdf5;
pub mod mesh;
mod partition_file;
pub mod record;
pub mod results;
mod timeline;

pub(crate) use partition_file::PartitionFile;
pub use partition_file::read_partition;
pub(crate) use timeline::write_timeline;
