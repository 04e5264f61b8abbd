//! A communicator of one rank.

use std::rc::Rc;

use mpi::environment::Universe;
use quad8_mpi::parallel::Comm;

thread_local! {
    static MPI: (Universe, Rc<Comm>) = {
        let universe = mpi::initialize().expect("MPI starts once");
        let comm = Rc::new(Comm::new(universe.world()));
        (universe, comm)
    };
}

/// Calls `work` with the communicator.
pub fn with_comm<T>(work: impl FnOnce(&Rc<Comm>) -> T) -> T {
    MPI.with(|(_, comm)| work(comm))
}
