//! Ranks and threads: the communicator, block distributions, who owns which
//! unknown, and the halo exchange. Knows no mesh and no matrix.

mod blocks;
mod comm;
mod halo;
pub mod hdf5_rows;
pub mod heartbeat;
mod hosts;
pub mod loops;
pub mod traffic;
pub mod work;

pub use blocks::Blocks;
pub use comm::{Comm, Datum};
pub use halo::{Halo, IndexMap};
pub use hosts::{Placement, place, start_threads};

/// Index of a node, unknown or element on this rank.
pub type Local = u32;

/// Index of a node, unknown or element in the whole problem.
pub type Global = u64;
