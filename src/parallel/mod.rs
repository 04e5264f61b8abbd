//! Ranks and threads: the communicator, block distributions, who owns which
//! unknown, and the halo exchange. Knows no mesh and no matrix.
//!
//! A rank is a process of MPI, or one of the logical ranks that
//! [`on_logical_ranks`] makes of threads: behind a [`Comm`] they are alike.

mod abort;
mod blocks;
mod comm;
mod halo;
pub mod hdf5_rows;
pub mod heartbeat;
mod hosts;
mod logical;
pub mod loops;
mod ordered;
mod processes;
mod pulse;
mod seat;
mod team;
pub mod traffic;
pub mod work;

pub use abort::abort;
pub use blocks::Blocks;
pub use comm::Comm;
pub use halo::{Halo, IndexMap};
pub use hosts::{MOST_THREADS, Placement, host_name, place, start_threads};
pub use logical::{MOST_LOGICAL_RANKS, logical_ranks_here, on_logical_ranks};
pub use ordered::Ordered;
pub use processes::Datum;

/// Index of a node, unknown or element on this rank.
pub type Local = u32;

/// Index of a node, unknown or element in the whole problem.
pub type Global = u64;
