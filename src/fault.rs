//! Failures on demand, so that tests can see how the real program dies.
//!
//! `QUAD8_MPI_FAULT=panic@solve:1` makes rank 1 panic when it comes to the
//! solve, `exit@solve:1` leave without a word.
//! Stages: partition, assemble, solve, iterate, export. `USR1@iteration-40:1` raises a
//! signal on rank 1 in iteration 40 of the solve (USR1, TERM, INT, KILL).

use std::sync::OnceLock;

use signal_hook::consts::{SIGINT, SIGKILL, SIGTERM, SIGUSR1};
use signal_hook::low_level::raise;

use crate::parallel::Comm;

/// Fails here if the environment asks for it.
pub fn point(comm: &Comm, stage: &str) {
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let Some(wanted) = WANTED.get_or_init(|| std::env::var("QUAD8_MPI_FAULT").ok()) else { return };
    let here = format!("@{stage}:{}", comm.rank());
    match wanted.strip_suffix(&here) {
        Some("panic") => panic!("asked for by QUAD8_MPI_FAULT"),
        Some("exit") => std::process::exit(crate::ExitCode::Internal as i32),
        Some("USR1") => signal(SIGUSR1),
        Some("TERM") => signal(SIGTERM),
        Some("INT") => signal(SIGINT),
        Some("KILL") => signal(SIGKILL),
        _ => {}
    }
}

/// Fails in this iteration of the solve if the environment asks for it.
pub fn at_iteration(comm: &Comm, iteration: usize) {
    point(comm, &format!("iteration-{iteration}"));
}

fn signal(number: i32) {
    raise(number).expect("a process may raise signals");
}
