//! Ranks and threads: the communicator, block distributions, who owns which
//! unknown, and the halo exchange. Knows no mesh and no matrix.
//!
//! A rank is a process of MPI, or one of the logical ranks that
//! [`on_logical_ranks`](virtual_ranks::on_logical_ranks) makes of threads: behind a [`Comm`] they are alike.

mod abort;
mod block_distribution;
pub mod breakdown;
mod comm;
pub(crate) mod fault_injection;
mod halo;
pub mod heartbeat;
pub mod loops;
mod mpi;
mod ordered;
mod placement;
pub mod timing;
pub mod traffic;
pub mod virtual_ranks;
pub mod work;

pub use abort::abort;
pub use block_distribution::BlockDistribution;
pub use breakdown::{Breakdown, IterationTimer};
pub use comm::Comm;
pub use halo::{Halo, IndexMap};
pub use mpi::MpiType;
pub(crate) use mpi::piece;
pub use ordered::Ordered;
pub use placement::{MOST_THREADS, Placement, host_name, place, start_threads};
pub use timing::{CommShare, MinMeanMax, Stages, Stopwatch, TOTAL, TimeSplit, Timings};
pub use traffic::{CommCounter, CommStats, Profile, measure};

/// Index of a node, unknown or element on this rank.
pub type LocalIndex = u32;

/// Index of a node, unknown or element in the whole problem.
pub type GlobalIndex = u64;
