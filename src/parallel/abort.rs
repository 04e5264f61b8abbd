//! Ends a job from one rank.

use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use crate::error::ExitCode;
use crate::system::wait_for_reader;

/// Ends all ranks with this code.
///
/// Under Open MPI this process exits without `MPI_Finalize`; mpirun then ends the others and
/// returns the code. `MPI_Abort` can make mpirun crash or hang there
/// (<https://github.com/open-mpi/ompi/issues/13650>; docs/design/failure-detection.md).
pub fn abort(code: ExitCode) -> ! {
    let code = code as i32;
    if std::env::var_os("OMPI_COMM_WORLD_SIZE").is_some() {
        // Skips the handlers of exit(3), in which HDF5 waits for the other ranks.
        signal_hook::low_level::exit(code)
    }
    // The mpirun of MPICH lost one message in five without this.
    wait_for_reader();
    SimpleCommunicator::world().abort(code)
}
