//! One rank with MPI.

use std::path::PathBuf;
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

/// Calls `work` with this one rank.
pub fn with_comm<T>(work: impl FnOnce(&Rc<Comm>) -> T) -> T {
    MPI.with(|(_, comm)| work(comm))
}

/// A place of this process for a file of this name.
pub fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("quad8-mpi-fuzz-{}-{name}", std::process::id()))
}
