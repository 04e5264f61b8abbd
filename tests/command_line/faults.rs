//! A rank that dies, stops or hangs in any stage: the job ends within its bound,
//! with the right code and one message, and leaves nothing that a later run
//! trips over.

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::mpirun::Outcome;
use crate::program::Folder;
use crate::{at_ranks, trial};

const STAGES: [&str; 5] = ["read", "partition", "assemble", "solve", "export"];
const RANKS: [usize; 2] = [4, 16];
/// Until the job has ended, start included.
const SECONDS: f64 = 30.0;

/// A way to fail: what the test asks for, the exit code, what is said, and what sets the time until then (s).
#[derive(Clone, Copy)]
struct Fault {
    kind: &'static str,
    code: i32,
    message: &'static str,
    limit: Option<(&'static str, &'static str)>,
}

const KILL: Fault = Fault { kind: "kill", code: 128 + 9, message: "exited on signal 9", limit: None };
const STOP: Fault =
    Fault { kind: "stop", code: 4, message: "has been silent for 1 s", limit: Some(("QUAD8_MPI_SILENCE", "1")) };
const HANG: Fault =
    Fault { kind: "hang", code: 4, message: "no rank has got on for 2 s", limit: Some(("QUAD8_MPI_STALL", "2")) };
const MEMORY: Fault =
    Fault { kind: "memory", code: 4, message: "has no memory for 8589934592 more bytes", limit: None };

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (i, stage) in STAGES.into_iter().enumerate() {
        // Rank 0 is in the way in other places than the rest.
        let rank = [0, 3, 1][i % 3];
        trials.extend(at_ranks(&format!("a_killed_rank_ends_the_job_in_{stage}"), RANKS, move |n| {
            fails(KILL, stage, rank, n);
        }));
        trials.extend(at_ranks(&format!("a_stopped_rank_ends_the_job_in_{stage}"), RANKS, move |n| {
            fails(STOP, stage, [3, 0, 1][i % 3], n);
        }));
        trials.extend(at_ranks(&format!("a_rank_without_memory_ends_the_job_in_{stage}"), RANKS, move |n| {
            fails(MEMORY, stage, rank, n);
        }));
        trials.extend(at_ranks(&format!("a_rank_that_hangs_ends_the_job_in_{stage}"), [4], move |n| {
            fails(HANG, stage, rank, n);
        }));
    }
    trials.push(trial("a_run_after_one_that_died_while_it_wrote_succeeds::ranks_4", after_half_a_file));
    trials.push(trial("a_slow_rank_is_not_taken_for_a_stopped_one::ranks_4", slow));
    trials.push(trial("ranks_that_get_on_are_not_taken_for_hanging_ones::ranks_4", long));
    trials.push(trial("a_thread_that_hangs_ends_a_reproducible_run::ranks_2", one_thread));
    trials.push(trial("ranks_wait_for_ever_where_nobody_watches::ranks_2", for_ever));
    trials.push(trial("a_time_that_is_none_is_refused::ranks_3", no_time));
    trials
}

fn fails(fault: Fault, stage: &str, rank: usize, ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = broken(&folder, fault, stage, rank, ranks);
    assert_eq!(folder.names_but_lock(), ["mesh.h5"], "{outcome}");
}

/// A run on mesh.h5 in which one rank fails.
fn broken(folder: &Folder, fault: Fault, stage: &str, rank: usize, ranks: usize) -> Outcome {
    let asked = format!("{}@{stage}:{rank}", fault.kind);
    let env: Vec<(&str, &str)> = fault.limit.into_iter().chain([("QUAD8_MPI_FAULT", asked.as_str())]).collect();
    let outcome = folder.run_with(ranks, &env, &["mesh.h5", "--threads", "1"]).expect_code(fault.code);
    assert!(outcome.seconds < SECONDS, "{} s", outcome.seconds);
    assert_eq!(outcome.stderr.matches(fault.message).count(), 1, "{outcome}");
    assert_eq!(outcome.errors().len(), usize::from(fault.kind != "kill"), "{outcome}");
    assert!(outcome.stderr.contains(&format!("rank {rank} ")), "{outcome}");
    outcome
}

/// The results of the run before stay, and half of a new file is no obstacle.
fn after_half_a_file() {
    let folder = Folder::with(&Mesh::channel());
    folder.run(4, &["mesh.h5"]).expect_code(0);
    let before = folder.contents();
    for fault in [KILL, STOP, HANG, MEMORY] {
        broken(&folder, fault, "writing", 2, 4);
        let kept = folder.contents_but_lock().into_iter().filter(|(name, _)| name != "quad8.h5.partial");
        assert!(kept.eq(before.clone()));
        assert!(folder.names().contains(&"quad8.h5.partial".to_owned()));
    }
    folder.run(4, &["mesh.h5"]).expect_code(0);
    assert_eq!(folder.names(), ["mesh.h5", "quad8.h5", "quad8.xdmf"]);
}

/// Ranks that wait far longer than the time of silence for one that is at work.
fn slow() {
    let env = [("QUAD8_MPI_FAULT", "sleep@solve:2"), ("QUAD8_MPI_SILENCE", "0.5")];
    let outcome = Folder::new().run_with(4, &env, &["--threads", "1"]).expect_code(0);
    assert!(outcome.seconds > 3.0, "{} s", outcome.seconds);
}

/// An iteration that takes far longer than ranks may stand still.
fn long() {
    let args = ["--preconditioner", "jacobi", "--refine", "2", "--threads", "1"];
    let outcome = Folder::new().run_with(4, &[("QUAD8_MPI_STALL", "1.5")], &args).expect_code(0);
    assert!(outcome.seconds > 3.0, "{} s", outcome.seconds);
}

/// One of eight threads, for which the others of its process wait and then the other process.
fn one_thread() {
    let folder = Folder::new();
    let env = [("QUAD8_MPI_FAULT", "hang@solve:6"), ("QUAD8_MPI_STALL", "2")];
    let outcome = folder.run_with(2, &env, &["--reproducible=8"]).expect_code(4);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains("in the stage 'solve': rank 1 hangs"), "{error}");
}

fn for_ever() {
    for variable in ["QUAD8_MPI_SILENCE", "QUAD8_MPI_STALL"] {
        let env = [("QUAD8_MPI_FAULT", "sleep@solve:1"), ("QUAD8_MPI_STALL", "0.5"), (variable, "0")];
        Folder::new().run_with(2, &env, &["--threads", "1"]).expect_code(0);
    }
    let env = [("QUAD8_MPI_FAULT", "sleep@solve:1"), ("QUAD8_MPI_STALL", "0.5")];
    Folder::new().run_with(2, &env, &["--threads", "1"]).expect_code(4);
}

fn no_time() {
    let folder = Folder::new();
    for (variable, text) in [("QUAD8_MPI_SILENCE", "-1"), ("QUAD8_MPI_SILENCE", "soon"), ("QUAD8_MPI_STALL", "NaN")] {
        let outcome = folder.run_with(3, &[(variable, text)], &[]).expect_code(2);
        let expected = format!("quad8-mpi: error: {variable}={text} is no time");
        assert!(outcome.errors().len() == 1 && outcome.errors()[0].starts_with(&expected), "{outcome}");
    }
}
