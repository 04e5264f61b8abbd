//! What the cluster is given to do, and the same done here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::mpirun::Run;
use crate::results::{Results, difference};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quad8-mpi");
/// Of results that were iterated to [`TIGHT`] on different numbers of ranks.
const ROUNDING: f64 = 1e-11;

pub const TIGHT: [&str; 2] = ["--rtol", "1e-13"];
/// A solve that takes minutes, of which a test sees the beginning.
pub const ENDLESS: [&str; 6] = ["--refine", "3", "--preconditioner", "jacobi", "--rtol", "1e-13"];

/// Lets others have the cores first.
pub const MODEST: &str = "renice -n 10 -p $$ >/dev/null";

/// The program after a line of shell, on every rank.
pub fn program(folder: &Path, line: &str) -> PathBuf {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{line}\nexec {PROGRAM} \"$@\"\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Solves on this machine alone, in a folder.
pub fn solve_here(folder: &Path, options: &[&str]) {
    let run = Run { ranks: 0, timeout: Duration::from_secs(60), env: Vec::new() };
    let outcome = run.run(Path::new(PROGRAM), &[options, &["--quiet", "-o", "here.h5"]].concat(), folder);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

/// Asserts that a results file agrees with what a run here finds with these options.
pub fn assert_agrees(results: &Path, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    solve_here(folder.path(), options);
    let apart = difference(&Results::read(results).u, &Results::read(&folder.path().join("here.h5")).u);
    assert!(apart < ROUNDING, "{apart} apart");
}
