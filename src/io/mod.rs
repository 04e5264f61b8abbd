//! Files and console: meshes, results, partitions, run records and messages.

pub mod console;
pub mod file;
pub mod hdf5;
pub mod mesh;
mod partition_file;
pub mod record;
pub mod results;

pub use partition_file::{PartitionFile, read_partition};
