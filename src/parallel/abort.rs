//! The end of a job that cannot go on, from one rank.

use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use crate::error::ExitCode;

/// Ends all ranks with this code.
///
/// Under Open MPI's mpirun this process just ends, without `MPI_Finalize`: mpirun
/// then ends the others and returns the code. `MPI_Abort` tells mpirun twice, by
/// a message and by its end, which meet while it tears down: with 4.1.4 and
/// PMIx 4.2.2 it crashed or waited for ever once in 25 jobs with a stopped rank
/// (<https://github.com/open-mpi/ompi/issues/13650> reports the same of others).
pub fn abort(code: ExitCode) -> ! {
    let code = code as i32;
    if std::env::var_os("OMPI_COMM_WORLD_SIZE").is_some() {
        // Without the handlers of exit(3), in which HDF5 waits for the other ranks.
        signal_hook::low_level::exit(code)
    }
    SimpleCommunicator::world().abort(code)
}
