//! Files: parallel HDF5, XDMF, VTKHDF and the run record.

mod dataset;
mod partition_file;
mod record;
mod results;
mod slabs;
mod tags;
mod vtkhdf;
mod xdmf;

pub use partition_file::{PartitionFile, read_partition};
pub use record::{
    Convergence, Libraries, Memory, MeshInfo, Parallel, RunRecord, SolutionStats, SolverConfig, write_json,
};
pub use results::{Companion, Results, ResultsFile};
