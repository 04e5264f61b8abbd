//! Checks that a failed rank ends the job before the deadline, with an exit code that is not 0, and
//! leaves no results; and that the program of users holds no fault of the tests.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::mpirun::{Running, content};
use crate::program::{Folder, ranks_of, send, wait_for};
use crate::{rooms, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("a_panic_before_the_partition_ends_the_job::ranks_3", || panic("partition", 2)),
        test("a_panic_before_the_solve_ends_the_job::ranks_3", || panic("solve", 1)),
        test("a_panic_before_the_export_ends_the_job::ranks_3", || panic("export", 0)),
        test("a_rank_that_exits_ends_the_job::ranks_3", leave),
        test("a_rank_that_is_killed_ends_the_job::ranks_3", kill),
        test("an_mpirun_that_is_killed_leaves_no_rank::ranks_3", kill_mpirun),
        test("faults_are_in_the_program_of_tests_alone", features),
    ]
}

fn panic(stage: &str, rank: usize) {
    let folder = Folder::new();
    let fault = format!("panic@{stage}:{rank}");
    let outcome = folder.run_with(3, &[("QUAD8_MPI_FAULT", &fault)], &[]).expect_code(4);
    let message = format!("quad8-mpi: rank {rank} failed inside: ");
    assert_eq!(outcome.stderr.matches(&message).count(), 1, "{outcome}");
    assert_eq!(outcome.stderr.matches("failed inside").count(), 1, "{outcome}");
    assert!(folder.names_but_lock().is_empty(), "{:?}", folder.names());
}

fn leave() {
    let folder = Folder::new();
    let outcome = folder.run_with(3, &[("QUAD8_MPI_FAULT", "exit@assemble:1")], &[]);
    assert!(outcome.code.is_some_and(|code| code != 0), "{outcome}");
    assert!(folder.names_but_lock().is_empty(), "{:?}", folder.names());
}

/// Starts a job, waits for its solve, which takes minutes, and returns it with its ranks.
fn at_work(folder: &Folder) -> (Running, Vec<u32>) {
    let args = ["--refine", "3", "--preconditioner", "jacobi", "--rtol", "1e-13", "--threads", "1"];
    let running = folder.start(3, &args);
    wait_for("the solve", || content(&running.stdout).contains("\npartition ").then_some(()));
    let ranks = ranks_of(&running);
    assert_eq!(ranks.len(), 3);
    (running, ranks)
}

/// Checks that the ranks end themselves after mpirun was killed.
fn kill_mpirun() {
    let folder = Folder::new();
    let (running, ranks) = at_work(&folder);
    send(Signal::SIGKILL, running.child.id());
    let status = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/status"));
    // The process that adopts them may not reap the zombies.
    let runs = |pid: &u32| status(pid).is_ok_and(|status| !status.contains("State:\tZ"));
    wait_for("the end of the ranks", || (!ranks.iter().any(runs)).then_some(()));
    assert!(folder.names_but_lock().is_empty(), "{:?}", folder.names());
    running.wait();
}

fn kill() {
    let folder = Folder::new();
    let (running, ranks) = at_work(&folder);
    send(Signal::SIGKILL, ranks[1]);
    let outcome = running.wait();
    assert!(outcome.code.is_some_and(|code| code != 0), "{outcome}");
    assert!(folder.names_but_lock().is_empty(), "{:?}", folder.names());
}

/// Checks that the variables that ask for faults are read in the module of the feature
/// `fault-injection` alone, and that the feature is off by default and on in the program under
/// test. `tests/release.sh` builds a release and checks that.
fn features() {
    const VARIABLES: [&[u8]; 2] = [b"QUAD8_MPI_FAULT", b"QUAD8_MPI_MESSAGE_BYTES"];
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |path: &Path| {
        let content = fs::read(path).unwrap();
        VARIABLES.iter().any(|name| content.windows(name.len()).any(|window| window == *name))
    };
    let is_in_feature =
        |path: &Path| path.ends_with("fault_injection/enabled.rs") || path.ends_with("fault_injection/mod.rs");
    let mut sources = Vec::new();
    rooms::collect(&package.join("src"), &mut sources);
    let outside: Vec<_> = sources.iter().filter(|path| names(path) && !is_in_feature(path)).collect();
    assert!(outside.is_empty(), "{outside:?}");
    let gate = fs::read_to_string(package.join("src/parallel/fault_injection/mod.rs")).unwrap();
    assert!(gate.contains("#[cfg(feature = \"fault-injection\")]\nmod enabled;"), "{gate}");
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
    assert!(!manifest.lines().any(|line| line.starts_with("default ")), "{manifest}");
    assert!(names(Path::new(env!("CARGO_BIN_EXE_quad8-mpi"))));
}
