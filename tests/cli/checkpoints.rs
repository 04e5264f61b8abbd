//! Checks runs that stop before their end, and runs that continue from there.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::mpirun::{Outcome, Running};
use crate::program::{Folder, ranks_of, send, wait_for};
use crate::results::{Results, difference};
use crate::signals::stopped;
use crate::{at_ranks, test};

pub const STOPPED: i32 = 5;
const INPUT: i32 = 2;
pub const NEWEST: &str = "quad8.checkpoint.h5";
const OLDER: &str = "quad8.checkpoint.old.h5";

/// Arguments of a solve on a bent channel, which takes some hundred iterations.
pub const SLOW: [&str; 8] =
    ["mesh.h5", "--refine", "2", "--preconditioner", "jacobi", "--rtol", "1e-12", "--threads=1"];
pub const RESTART: [&str; 2] = ["--restart", NEWEST];
/// Arguments for a checkpoint after every iteration.
pub const OFTEN: [&str; 2] = ["--checkpoint-every", "1e-9"];

/// Results and record of a run without interruption.
static WHOLE: LazyLock<(Results, Value)> = LazyLock::new(|| {
    let folder = Folder::with(&Mesh::channel());
    folder.run(1, &[&SLOW[..], &["--json", "run.json"]].concat()).expect_code(0);
    (Results::read(&folder.path("quad8.h5")), folder.json("run.json"))
});

pub fn tests() -> Vec<Trial> {
    let mut tests = at_ranks("a_signal_to_one_rank_stops_with_a_checkpoint", [1, 3], signal_to_one_rank);
    tests.extend([
        test("another_number_of_ranks_continues_a_run::ranks_3_1_2", other_ranks),
        test("a_signal_to_the_job_stops_with_a_checkpoint::ranks_3", signal_to_the_job),
        test("a_second_signal_ends_the_job_at_once::ranks_2", signal_again),
        test("a_periodic_checkpoint_survives_a_killed_job::ranks_3", killed),
        test("the_older_checkpoint_replaces_a_damaged_one::ranks_3", damaged),
        test("the_time_limit_stops_the_run::ranks_2", out_of_time),
        test("before_the_first_iteration_there_is_nothing_to_save::ranks_2", too_early),
        test("a_checkpoint_of_another_problem_is_refused::ranks_2", refused),
        test("a_checkpoint_never_overwrites_the_mesh::ranks_2", mesh_in_its_place),
    ]);
    tests
}

/// Runs the slow solve with a fault. Returns its folder and its outcome.
fn faulty(ranks: usize, fault: &str, args: &[&str]) -> (Folder, Outcome) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = folder.run_with(ranks, &[("QUAD8_MPI_FAULT", fault)], &[&SLOW[..], args].concat());
    (folder, outcome)
}

/// Continues to the end: the results equal those without interruption, and no other file is left.
fn go_on(folder: &Folder, ranks: usize) -> Outcome {
    let args = [&SLOW[..], &RESTART, &["--json", "run.json"]].concat();
    let outcome = folder.run(ranks, &args).expect_code(0);
    let (whole, record) = &*WHOLE;
    let found = Results::read(&folder.path("quad8.h5"));
    assert!(difference(&found.u, &whole.u) < 1e-9, "{}", difference(&found.u, &whole.u));
    let [iterations, expected] = [&folder.json("run.json"), record].map(|run| run["iterations"].as_i64().unwrap());
    assert!((iterations - expected).abs() <= 3, "{iterations} instead of {expected}");
    assert_eq!(folder.names(), ["mesh.h5", "quad8.h5", "quad8.xdmf", "run.json"]);
    outcome
}

fn stopped_by(outcome: &Outcome, reason: &str) {
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{outcome}");
    assert!(errors[0].starts_with(&format!("quad8-mpi: error: stopped by {reason} ")), "{outcome}");
}

fn signal_to_one_rank(ranks: usize) {
    for signal in ["USR1", "TERM", "INT"] {
        let fault = format!("{}@iteration-40:{}", signal.to_lowercase(), ranks - 1);
        let (folder, outcome) = faulty(ranks, &fault, &[]);
        let outcome = outcome.expect_code(STOPPED);
        stopped_by(&outcome, &format!("SIG{signal} after iteration"));
        assert!(outcome.errors()[0].ends_with(&format!("--restart {NEWEST}")), "{outcome}");
        assert_eq!(folder.names(), ["mesh.h5", NEWEST]);
        if signal == "USR1" {
            let outcome = go_on(&folder, ranks);
            assert!(outcome.stdout.contains(&format!("\nrestart    from {NEWEST}, after ")), "{outcome}");
            let restart = &folder.json("run.json")["restart"];
            assert_eq!(restart["file"], NEWEST);
            assert!(restart["iteration"].as_i64().unwrap() >= 40);
        }
    }
}

fn other_ranks() {
    let (folder, outcome) = faulty(3, "term@iteration-60:1", &[]);
    outcome.expect_code(STOPPED);
    let again = [("QUAD8_MPI_FAULT", "term@iteration-150:0")];
    folder.run_with(1, &again, &[&SLOW[..], &RESTART].concat()).expect_code(STOPPED);
    assert_eq!(folder.names(), ["mesh.h5", NEWEST, OLDER]);
    go_on(&folder, 2);
}

/// Starts a run that takes long and waits for its first checkpoint.
fn long_run(folder: &Folder, ranks: usize) -> Running {
    let args = ["--refine", "2", "--preconditioner", "jacobi", "--rtol", "1e-12", "--threads", "1"];
    let running = folder.start(ranks, &[&args[..], &["--checkpoint-every", "0.001"]].concat());
    wait_for("a checkpoint", || folder.path(NEWEST).exists().then_some(()));
    running
}

/// Sends SIGUSR1 to mpirun, which passes it to all ranks.
fn signal_to_the_job() {
    let folder = Folder::new();
    let running = long_run(&folder, 3);
    send(Signal::SIGUSR1, running.child.id());
    let outcome = running.wait().expect_code(STOPPED);
    stopped_by(&outcome, "SIGUSR1 after iteration");
    assert!(!folder.names().iter().any(|name| name.ends_with(".partial")), "{:?}", folder.names());
    // The checkpoint can be read.
    let args = ["--refine", "2", "--preconditioner", "jacobi", "--max-iterations", "0"];
    let outcome = folder.run(1, &[&args[..], &RESTART].concat()).expect_code(1);
    assert!(outcome.stdout.contains("\nrestart    from "), "{outcome}");
}

/// Checks that a second signal ends the job while one stopped rank blocks the orderly end. A signal
/// within three seconds after the first is its echo, a later one ends the rank.
fn signal_again() {
    let folder = Folder::new();
    let (mut running, stopped) = stopped(&folder, 2, "iteration-2", &SLOW[1..]);
    let other = ranks_of(&running).into_iter().find(|&rank| rank != stopped).unwrap();
    let start = Instant::now();
    wait_for("the end of the job", || {
        // The rank may have ended already.
        let _ = kill(Pid::from_raw(other as i32), Signal::SIGTERM);
        sleep(Duration::from_millis(200));
        running.child.try_wait().unwrap()
    });
    assert!(start.elapsed() > Duration::from_secs(3), "{:?}", start.elapsed());
    let outcome = running.wait();
    assert!(outcome.code.is_some_and(|code| code != 0), "{outcome}");
}

fn killed() {
    let (folder, outcome) = faulty(3, "kill@iteration-12:1", &OFTEN);
    assert!(outcome.code.is_some_and(|code| code != 0), "{outcome}");
    assert!(folder.path(NEWEST).exists() && folder.path(OLDER).exists(), "{:?}", folder.names());
    go_on(&folder, 3);
}

fn damaged() {
    let (folder, outcome) = faulty(3, "term@iteration-12:1", &OFTEN);
    outcome.expect_code(STOPPED);
    let mut bytes = fs::read(folder.path(NEWEST)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(folder.path(NEWEST), bytes).unwrap();
    let older = fs::read(folder.path(OLDER)).unwrap();
    let outcome = go_on(&folder, 3);
    let warning = format!("warning: {NEWEST} is damaged");
    assert_eq!(outcome.stderr.matches(&warning).count(), 1, "{outcome}");
    assert!(outcome.stderr.contains(&format!("the older {OLDER} is used instead")), "{outcome}");
    let warnings = folder.json("run.json")["warnings"].to_string();
    assert!(warnings.contains(&warning[9..]), "{warnings}");

    // Without an intact checkpoint the run ends.
    fs::write(folder.path(NEWEST), &older[..older.len() / 3]).unwrap();
    let outcome = folder.run(2, &[&SLOW[..], &RESTART].concat()).expect_code(INPUT);
    assert!(outcome.errors()[0].contains("is damaged, or no checkpoint of quad8-mpi"), "{outcome}");
}

fn out_of_time() {
    let folder = Folder::new();
    let args = ["--refine", "3", "--preconditioner", "jacobi", "--rtol", "1e-12", "--threads", "1"];
    let start = Instant::now();
    let outcome = folder.run(2, &[&args[..], &["--max-time", "0.05"]].concat()).expect_code(STOPPED);
    assert!(start.elapsed() > Duration::from_secs(3), "{:?}", start.elapsed());
    stopped_by(&outcome, "--max-time");
    assert_eq!(folder.path(NEWEST).exists(), outcome.stderr.contains("--restart"), "{outcome}");
}

fn too_early() {
    let cases: [(&[&str], &str, &str); 2] =
        [(&["--max-time", "0.000001"], "", "--max-time before"), (&[], "int@assemble:1", "SIGINT before")];
    for (args, fault, reason) in cases {
        let (folder, outcome) = faulty(2, fault, args);
        let outcome = outcome.expect_code(STOPPED);
        stopped_by(&outcome, reason);
        assert!(outcome.errors()[0].contains("there is no iterate to save"), "{outcome}");
        assert_eq!(folder.names(), ["mesh.h5"]);
    }
}

fn refused() {
    let (folder, outcome) = faulty(2, "term@iteration-40:1", &[]);
    outcome.expect_code(STOPPED);
    let before = folder.contents();
    let cases: [(&[&str], &str); 7] = [
        (&["--gamma", "1"], "boundary.inlet.robin.gamma is 2.5, in this run 1"),
        (&["--bc", "outlet=dirichlet:1"], "boundary.outlet.dirichlet is 0.0, in this run 1"),
        (&["--bc", "inlet=robin:0,2*y"], "boundary.inlet.robin.gamma is 2.5, in this run \"2*y\""),
        (&["--operator", "assembled"], "solver.operator is \"elements\", in this run \"assembled\""),
        (&["--preconditioner", "multigrid"], "solver.preconditioner is \"jacobi\""),
        (&["--refine", "1"], "refine is 2, in this run 1"),
        (&["--scale", "2"], "scale is nothing, in this run 2"),
    ];
    for (args, message) in cases {
        // clap accepts an option only once.
        let names: Vec<&str> = args.iter().copied().filter(|arg| arg.starts_with("--")).collect();
        let given: Vec<&str> = match SLOW.iter().position(|arg| names.contains(arg)) {
            Some(at) => SLOW[..at].iter().chain(&SLOW[at + 2..]).copied().collect(),
            None => SLOW.to_vec(),
        };
        let outcome = folder.run(2, &[&given[..], &RESTART, args].concat()).expect_code(INPUT);
        assert_eq!(outcome.errors().len(), 1, "{outcome}");
        assert!(outcome.errors()[0].contains(message), "{message} is not in {outcome}");
    }
    Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
    let outcome = folder.run(2, &[&SLOW[..], &RESTART].concat()).expect_code(INPUT);
    assert!(outcome.errors()[0].contains("number of elements of the mesh is 18, in this run 8"), "{outcome}");
    Mesh::channel().write(&folder.path("mesh.h5"));
    assert!(folder.contents().iter().zip(&before).all(|(a, b)| a.0 == b.0), "{:?}", folder.names());
}

fn mesh_in_its_place() {
    let folder = Folder::new();
    Mesh::rectangle(4, 2).write(&folder.path(NEWEST));
    let outcome = folder.run(2, &[NEWEST]).expect_code(INPUT);
    assert!(outcome.errors()[0].contains(&format!("the output {NEWEST} is an input of this run")), "{outcome}");
    assert!(Path::new(&folder.path(NEWEST)).exists());
}
