//! Checks signals to the whole job, and files that change during a run.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::mesh::Mesh;
use crate::mpirun::Running;
use crate::program::{Folder, is_mpich, ranks_of, send, wait_for};
use crate::tier::ignored_for;
use crate::{at_ranks, test};

const IO: i32 = 3;
/// Longest time until a job has ended.
const BOUND: Duration = Duration::from_secs(10);

pub fn tests() -> Vec<Trial> {
    // The mpirun of MPICH hands the signal on, so that the job stops with a checkpoint.
    let why_not = is_mpich().then_some("a test of Open MPI");
    let mut tests: Vec<Trial> = [
        test("sigterm_ends_the_job_and_keeps_the_results::ranks_4", || ends(Signal::SIGTERM)),
        test("sigint_ends_the_job_and_keeps_the_results::ranks_4", || ends(Signal::SIGINT)),
    ]
    .map(|test| ignored_for(test, why_not))
    .into();
    type Change = fn(&Path);
    let changes: [(&str, Change); 3] =
        [("truncated", truncate), ("replaced", replace), ("deleted", |path| fs::remove_file(path).unwrap())];
    for (name, change) in changes {
        for file in ["mesh.h5", "names.msh"] {
            let format = file.split('.').next().unwrap_or_default();
            let name = format!("a_file_{name}_while_it_is_read_is_refused_{format}");
            tests.extend(at_ranks(&name, [1, 3], move |ranks| changed(file, change, ranks)));
        }
    }
    tests
}

/// Starts a job with a rank that stops at a stage. Returns both.
pub fn stopped(folder: &Folder, ranks: usize, stage: &str, args: &[&str]) -> (Running, u32) {
    let fault = format!("stop@{stage}:0");
    let running = folder.start_with(ranks, &[("QUAD8_MPI_FAULT", &fault)], args);
    let pid = wait_for("a rank that stops", || ranks_of(&running).into_iter().find(|pid| is_stopped(*pid)));
    (running, pid)
}

/// Tests whether a process is stopped.
pub fn is_stopped(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tT"))
}

fn ends(signal: Signal) {
    let folder = Folder::with(&Mesh::channel());
    folder.run(4, &["mesh.h5"]).expect_code(0);
    let before = folder.contents();
    let (running, _) = stopped(&folder, 4, "solve", &["mesh.h5"]);
    let start = Instant::now();
    send(signal, running.child.id());
    let outcome = running.wait();
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
    assert!(outcome.code.is_some_and(|code| code != 0), "{outcome}");
    assert!(folder.contents_but_lock() == before, "{:?}", folder.names());
}

fn changed(name: &str, change: fn(&Path), ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(40, 20));
    let gmsh = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/meshes/names.msh");
    fs::copy(gmsh, folder.path("names.msh")).unwrap();
    let (running, rank) = stopped(&folder, ranks, "reading", &[name]);
    change(&folder.path(name));
    send(Signal::SIGCONT, rank);
    let outcome = running.wait().expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    let message = format!("{name} was changed, replaced or deleted while it was read");
    assert!(outcome.errors()[0].contains(&message), "{outcome}");
}

fn truncate(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

/// Replaces a file as `mv` does.
fn replace(path: &Path) {
    let other = path.with_extension("other");
    fs::copy(path, &other).unwrap();
    fs::rename(other, path).unwrap();
}
