//! Files: parallel HDF5, XDMF, VTKHDF and the run record.

mod dataset;
mod record;
mod results;
mod slabs;
mod tags;
mod vtkhdf;
mod xdmf;

pub use record::{Convergence, Libraries, Memory, MeshInfo, Parallel, RunRecord, SolutionStats, SolverConfig};
pub use results::{Companion, Results, ResultsFile};
