//! Files: parallel HDF5, XDMF and the run record.

mod record;
mod results;
mod slabs;
mod tags;
mod xdmf;

pub use record::{Convergence, Libraries, Memory, MeshInfo, Parallel, RunRecord, SolutionStats, SolverConfig};
pub use results::{Results, ResultsFile};
