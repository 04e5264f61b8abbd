//! Files: parallel HDF5, XDMF, VTKHDF and the run record.

mod claim;
pub(crate) mod dataset;
pub(crate) mod draft;
mod partition_file;
mod record;
mod results;
mod run_group;
pub(crate) mod slabs;
pub(crate) mod stored;
mod tags;
mod vtkhdf;
mod xdmf;

pub use draft::survive_size_limits;
pub(crate) use draft::{followed, refuse_input, write_whole};
pub use partition_file::{PartitionFile, read_partition};
pub use record::{
    Convergence, Libraries, Memory, MeshInfo, Parallel, RestartedFrom, RunRecord, SolutionStats, SolverConfig,
    write_json, write_json_once,
};
pub use results::{Companion, Results, ResultsFile};
