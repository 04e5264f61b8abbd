//! Failures on demand, so that tests can see how the real program dies.
//!
//! `QUAD8_MPI_FAULT=panic@solve:1` makes rank 1 panic when it comes to the
//! solve, `exit@solve:1` leave without a word.
//! Stages: partition, assemble, solve, export.

use crate::parallel::Comm;

/// Fails here if the environment asks for it.
pub fn point(comm: &Comm, stage: &str) {
    let Ok(wanted) = std::env::var("QUAD8_MPI_FAULT") else { return };
    let here = format!("@{stage}:{}", comm.rank());
    match wanted.strip_suffix(&here) {
        Some("panic") => panic!("asked for by QUAD8_MPI_FAULT"),
        Some("exit") => std::process::exit(crate::ExitCode::Internal as i32),
        _ => {}
    }
}
