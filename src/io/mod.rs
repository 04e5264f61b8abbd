//! Files: parallel HDF5, XDMF and the run record.

mod partition_file;
mod record;
mod results;
mod slabs;
mod xdmf;

pub use partition_file::{PartitionFile, read_partition};
pub use record::{
    Convergence, Libraries, Memory, MeshInfo, Parallel, RunRecord, SolutionStats, SolverConfig, write_json,
};
pub use results::{Results, ResultsFile};
