//! Failures on demand, with which tests show how the program ends.
//!
//! The feature `fault-injection` is on in tests alone; without it nothing here reads the
//! environment.
//!
//! `QUAD8_MPI_FAULT=KIND@STAGE:RANK` makes a rank fail where it comes to a stage. Kinds are
//! `panic`, `exit` (without a message), `memory` (asks for more than there is), `sleep` (a few
//! seconds), `hang` (for ever) and the signals `kill`, `stop`, `usr1`, `term` and `int`.
//! `QUAD8_MPI_FAULT=delay@SEED` makes each rank pause in each stage, for times that depend on the
//! seed.
//!
//! Stages are read, partition, assemble, solve, iterate and export; `reading`, with the mesh file
//! open; `writing`, with the results half written; `iteration-40`; and `saving-low`, where a
//! checkpoint holds the vectors up to this one.
//!
//! `QUAD8_MPI_MESSAGE_BYTES=N` splits messages into pieces of N bytes.

use std::fmt::Display;

use crate::parallel::Comm;

#[cfg(feature = "fault-injection")]
mod enabled;

/// Fails on this rank if the environment asks for it at this stage.
pub fn point(comm: &Comm, stage: impl Display) {
    #[cfg(feature = "fault-injection")]
    enabled::point(comm, stage);
    #[cfg(not(feature = "fault-injection"))]
    let _ = (comm, stage);
}

/// Fails on this rank if the environment asks for it in this iteration of the solve.
pub fn at_iteration(comm: &Comm, iteration: usize) {
    point(comm, format_args!("iteration-{iteration}"));
}

/// Returns the bytes to which the environment limits a message, if it does.
pub fn message_bytes() -> Option<usize> {
    #[cfg(feature = "fault-injection")]
    return enabled::message_bytes();
    #[cfg(not(feature = "fault-injection"))]
    None
}
