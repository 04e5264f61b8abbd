//! Solves for the cluster, and the same solves on this machine for comparison.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::mpirun::Run;
use crate::results::{Results, difference};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quad8-mpi");
/// Largest relative difference of results to [`TIGHT`] on different numbers of ranks.
const ROUNDING: f64 = 1e-11;

pub const TIGHT: [&str; 2] = ["--rtol", "1e-13"];
/// Arguments of a solve that takes minutes, longer than any test.
pub const ENDLESS: [&str; 6] = ["--refine", "3", "--preconditioner", "jacobi", "--rtol", "1e-13"];

/// Command that leaves the cores to others first.
pub const MODEST: &str = "renice -n 10 -p $$ >/dev/null";

/// Creates a script that runs a line of shell and then the program, on every rank.
pub fn program(folder: &Path, line: &str) -> PathBuf {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{line}\nexec {PROGRAM} \"$@\"\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Solves on this machine, in a folder.
pub fn solve_here(folder: &Path, options: &[&str]) {
    let run = Run { ranks: 0, timeout: Duration::from_secs(60), env: Vec::new() };
    let outcome = run.run(Path::new(PROGRAM), &[options, &["--quiet", "-o", "here.h5"]].concat(), folder);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

/// Asserts that a results file agrees with a solve on this machine with these options.
pub fn assert_agrees(results: &Path, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    solve_here(folder.path(), options);
    let apart = difference(&Results::read(results).u, &Results::read(&folder.path().join("here.h5")).u);
    assert!(apart < ROUNDING, "{apart} apart");
}
