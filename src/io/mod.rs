//! Files: parallel HDF5, XDMF, VTKHDF and the run record.

pub mod console;
pub mod file;
pub mod hdf5;
pub mod mesh;
mod partition_file;
pub mod record;
pub mod results;

pub use partition_file::{PartitionFile, read_partition};
