//! A rank that dies, or stops, in any stage: the job ends within its bound,
//! with the right code and one message, and leaves nothing that a later run
//! trips over.

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::mpirun::Outcome;
use crate::program::Folder;
use crate::{at_ranks, trial};

const STAGES: [&str; 5] = ["read", "partition", "assemble", "solve", "export"];
const RANKS: [usize; 2] = [4, 16];
/// Of silence, until a job is ended.
const SILENCE: &str = "1";
/// Until the job has ended, start included.
const SECONDS: f64 = 30.0;

/// A way to fail: what the test asks for, the exit code, and what is said.
#[derive(Clone, Copy)]
struct Fault {
    kind: &'static str,
    code: i32,
    message: &'static str,
}

const KILL: Fault = Fault { kind: "kill", code: 128 + 9, message: "exited on signal 9" };
const STOP: Fault = Fault { kind: "stop", code: 4, message: "has been silent for 1 s" };
const MEMORY: Fault = Fault { kind: "memory", code: 4, message: "has no memory for 8589934592 more bytes" };

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
    }
    trials.push(trial("a_run_after_one_that_died_while_it_wrote_succeeds::ranks_4", after_half_a_file));
    trials.push(trial("a_slow_rank_is_not_taken_for_a_stopped_one::ranks_4", slow));
    trials.push(trial("a_time_of_silence_that_is_none_is_refused::ranks_3", no_time));
    trials
}

fn fails(fault: Fault, stage: &str, rank: usize, ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = broken(&folder, fault, stage, rank, ranks);
    assert_eq!(folder.names(), ["mesh.h5"], "{outcome}");
}

/// A run on mesh.h5 in which one rank fails.
fn broken(folder: &Folder, fault: Fault, stage: &str, rank: usize, ranks: usize) -> Outcome {
    let asked = format!("{}@{stage}:{rank}", fault.kind);
    let env = [("QUAD8_MPI_FAULT", asked.as_str()), ("QUAD8_MPI_SILENCE", SILENCE)];
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
    for fault in [KILL, STOP, MEMORY] {
        broken(&folder, fault, "writing", 2, 4);
        let kept = folder.contents().into_iter().filter(|(name, _)| name != "quad8.h5.partial");
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

fn no_time() {
    let folder = Folder::new();
    for text in ["-1", "soon", "NaN"] {
        let outcome = folder.run_with(3, &[("QUAD8_MPI_SILENCE", text)], &[]).expect_code(2);
        let expected = format!("quad8-mpi: error: QUAD8_MPI_SILENCE={text} is no time");
        assert!(outcome.errors().len() == 1 && outcome.errors()[0].starts_with(&expected), "{outcome}");
    }
}
