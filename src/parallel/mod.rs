//! Ranks and threads: the communicator, block distributions, index maps, the halo exchange, loops
//! over threads, timing, timelines and failure detection. Independent of meshes and matrices.
//!
//! A rank is a process of MPI, or one of the virtual ranks that
//! [`on_virtual_ranks`](virtual_ranks::on_virtual_ranks) makes of threads. [`Comm`] has the same
//! operations for both.

mod abort;
mod agreement;
mod backend;
mod block_distribution;
mod block_requests;
mod breakdown;
mod comm;
mod comm_lists;
mod comm_stats;
pub(crate) mod fault_injection;
mod grouping;
mod halo;
pub mod heartbeat;
pub mod loops;
mod mpi;
mod ordered;
mod outgoing;
mod placement;
mod rank_times;
pub(crate) mod timeline;
pub(crate) mod timing;
pub mod virtual_ranks;
pub(crate) mod work;

pub use abort::abort;
pub use backend::MpiType;
pub use block_distribution::BlockDistribution;
pub(crate) use block_requests::BlockRequests;
pub use breakdown::{Breakdown, IterationTimer, Iterations};
pub use comm::Comm;
pub use comm_stats::{CommCounter, CommStats, Profile, measure};
pub(crate) use grouping::{Keyed, group_by_key};
pub use halo::{Halo, IndexMap};
pub(crate) use mpi::piece;
pub use ordered::Ordered;
pub(crate) use outgoing::concat;
pub use outgoing::{Message, Outgoing};
pub(crate) use placement::{MOST_THREADS, Placement, host_name, place, start_threads};
pub use rank_times::{RankTimes, StageOnRanks};
pub use timeline::SpanKind;
pub(crate) use timing::TOTAL;
pub use timing::{CommShare, MinMeanMax, Stages, Stopwatch, TimeSplit, Timings};

/// Index of a node, unknown or element on this rank.
pub type LocalIndex = u32;

/// Index of a node, unknown or element in the whole problem.
pub type GlobalIndex = u64;
