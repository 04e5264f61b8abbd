//! Files: parallel HDF5, XDMF, VTKHDF and the run record.

mod claim;
mod columns;
pub(crate) mod dataset;
pub(crate) mod draft;
mod partition_file;
pub(crate) mod place;
mod record;
mod results;
mod run_group;
pub(crate) mod slabs;
pub(crate) mod stored;
mod tags;
mod vtkhdf;
mod whole;
mod xdmf;

pub use draft::survive_size_limits;
pub use partition_file::{PartitionFile, read_partition};
pub(crate) use place::{followed, refuse_input};
pub use record::{
    Convergence, Libraries, Memory, MeshInfo, Parallel, RestartedFrom, RunRecord, SolutionStats, SolverConfig,
    is_stdout, write_json, write_json_once,
};
pub use results::{Companion, Results, ResultsFile};
pub(crate) use whole::write_whole;
