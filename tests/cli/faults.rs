//! Checks ranks that die, stop or hang in any stage: the job ends within its bound, with the right
//! code and one message, and leaves nothing that disturbs a later run. The bound is the deadline of
//! every program.

use std::sync::LazyLock;

use libtest_mimic::Trial;

use crate::checkpoints::{NEWEST, OFTEN, RESTART, STOPPED};
use crate::mesh::Mesh;
use crate::program::{Folder, is_mpich};
use crate::tier::slow;
use crate::{alone, hanging, test, waiting};

/// Starts three ranks, one of which is stopped before the program begins.
const ONE_STOPPED: &str = r#"QUAD8_MPI_SILENCE=1 "${MPIRUN:-mpirun}" -n 3 sh -c \
    '[ ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} = 1 ] && kill -STOP $$; exec "$0" "$@"' "$0" "$@""#;

const STAGES: [&str; 5] = ["read", "partition", "assemble", "solve", "export"];

const ARGS: [&str; 5] = ["mesh.h5", "--preconditioner", "jacobi", "--threads", "1"];

/// Files before a run that fails: the mesh, the results of one run and the checkpoint of another.
static BEFORE: LazyLock<Vec<(String, Option<Vec<u8>>)>> = LazyLock::new(|| {
    let folder = Folder::with(&Mesh::channel());
    folder.run(0, &ARGS).expect_code(0);
    folder.run_with(0, &[("QUAD8_MPI_FAULT", "term@iteration-3:0")], &ARGS).expect_code(STOPPED);
    assert_eq!(folder.names(), ["mesh.h5", NEWEST, "quad8.h5", "quad8.xdmf"]);
    folder.contents()
});

/// Kind of fault.
#[derive(Clone, Copy)]
struct Fault {
    /// Name in tests.
    name: &'static str,
    /// Name in QUAD8_MPI_FAULT.
    kind: &'static str,
    /// Ranks that fail, in turn over the stages.
    rank: [usize; 3],
    /// Numbers of ranks of the job.
    ranks: &'static [usize],
    code: i32,
    message: &'static str,
    /// Variable that limits the time until the end, and its value (s).
    limit: Option<(&'static str, &'static str)>,
}

/// Kinds of faults. Each of them also hits rank 0, which does other work than the rest.
const FAULTS: [Fault; 4] = [
    Fault {
        name: "a_killed_rank",
        kind: "kill",
        rank: [0, 3, 1],
        ranks: &[4, 16],
        code: 128 + 9,
        message: "exited on signal 9",
        limit: None,
    },
    Fault {
        name: "a_stopped_rank",
        kind: "stop",
        rank: [3, 0, 1],
        ranks: &[4, 16],
        code: 4,
        message: "has been silent for 3 s",
        limit: Some(("QUAD8_MPI_SILENCE", "3")),
    },
    Fault {
        name: "a_rank_that_hangs",
        kind: "hang",
        rank: [0, 3, 1],
        ranks: &[4],
        code: 4,
        message: "no rank has made progress for 3 s",
        limit: Some(("QUAD8_MPI_STALL", "3")),
    },
    Fault {
        name: "a_rank_without_memory",
        kind: "memory",
        rank: [0, 3, 1],
        ranks: &[4, 16],
        code: 4,
        message: "has no memory for 8589934592 more bytes",
        limit: None,
    },
];

pub fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for fault in FAULTS {
        let Fault { name, kind, ranks, .. } = fault;
        for (i, stage) in STAGES.into_iter().enumerate() {
            tests.extend(ranks.iter().map(|&ranks| {
                let name = format!("{name}_ends_the_job_in_{stage}::ranks_{ranks}");
                let test = test_of(fault, name, move || fails(fault, stage, fault.rank[i % 3], ranks, &[], None));
                if (stage, ranks) == ("solve", 4) { test } else { slow(test) }
            }));
        }
        // In the fast tier one kind of fault represents the others.
        let tier = if kind == "kill" { |test| test } else { slow };
        let wrote = format!("a_run_after_one_that_died_while_it_wrote_succeeds::ranks_4::{kind}");
        let while_it_wrote = move || fails(fault, "writing", 2, 4, &[], Some("quad8.h5.partial"));
        tests.push(tier(test_of(fault, wrote, while_it_wrote)));
        let saved = format!("a_run_after_one_that_died_while_it_saved_succeeds::ranks_4::{kind}");
        let while_it_saved = move || {
            let draft = format!("{NEWEST}.partial");
            fails(fault, "saving-low", 2, 4, &[RESTART, OFTEN].concat(), Some(&draft));
        };
        tests.push(tier(test_of(fault, saved, while_it_saved)));
    }
    tests.push(alone(test("a_slow_rank_is_not_taken_for_a_stopped_one::ranks_4", late)));
    tests.push(alone(test("ranks_that_make_progress_are_not_taken_for_hanging_ones::ranks_4", long)));
    tests.push(alone(test("a_thread_that_hangs_ends_a_reproducible_run::ranks_2", one_thread)));
    tests.push(waiting(test("ranks_wait_for_ever_without_failure_detection::ranks_2", for_ever)));
    tests.push(waiting(test("an_invalid_time_limit_is_refused::ranks_3", no_time)));
    tests.push(waiting(test("a_rank_that_is_stopped_before_mpi_starts_ends_the_job::ranks_3", before_mpi)));
    tests.push(waiting(test("a_launcher_of_another_mpi_is_refused", other_launcher)));
    tests
}

/// Returns the test of a fault. One with a time limit runs beside tests of its kind only, which
/// mostly wait: beside others, ranks could be silent or make no progress for longer.
fn test_of(fault: Fault, name: String, check: impl FnOnce() + Send + 'static) -> Trial {
    let test = test(name, check);
    if fault.limit.is_none() { waiting(test) } else { hanging(test) }
}

/// Checks a job in which one rank fails. It keeps all previous files and adds at most a partial
/// one. A later run restarts from the checkpoint.
fn fails(fault: Fault, stage: &str, rank: usize, ranks: usize, args: &[&str], draft: Option<&str>) {
    let folder = Folder::holding(&BEFORE);
    let asked = format!("{}@{stage}:{rank}", fault.kind);
    let env: Vec<(&str, &str)> = fault.limit.into_iter().chain([("QUAD8_MPI_FAULT", asked.as_str())]).collect();
    let outcome = folder.run_with(ranks, &env, &[&ARGS, args].concat());
    let is_killed = fault.kind == "kill";
    assert_eq!(outcome.errors().len(), usize::from(!is_killed), "{outcome}");
    if is_killed && is_mpich() {
        let outcome = outcome.expect_code(9);
        assert!(outcome.to_string().contains("Killed (signal 9)"), "{outcome}");
    } else {
        let outcome = outcome.expect_code(fault.code);
        assert_eq!(outcome.stderr.matches(fault.message).count(), 1, "{outcome}");
        assert!(outcome.stderr.contains(&format!("rank {rank} ")), "{outcome}");
    }

    let (drafts, kept): (Vec<_>, Vec<_>) =
        folder.contents_but_lock().into_iter().partition(|(name, _)| name.ends_with(".partial"));
    assert!(kept == *BEFORE, "{:?}", folder.names());
    assert!(drafts.iter().map(|(name, _)| name.as_str()).eq(draft), "{:?}", folder.names());
    let outcome = folder.run(0, &[&ARGS[..], &RESTART].concat()).expect_code(0);
    assert!(outcome.stdout.contains("\nrestart    from "), "{outcome}");
    assert_eq!(folder.names(), ["mesh.h5", "quad8.h5", "quad8.xdmf"]);
}

/// Checks that ranks may wait for a working one longer than the limit of silence.
fn late() {
    let env = [("QUAD8_MPI_FAULT", "sleep@solve:2"), ("QUAD8_MPI_SILENCE", "2")];
    let outcome = Folder::new().run_with(4, &env, &["--threads", "1"]).expect_code(0);
    assert!(outcome.seconds > 3.0, "{} s", outcome.seconds);
}

/// Checks a solve longer than the limit without progress: each rank pauses in each of sixty
/// iterations.
fn long() {
    let env = [("QUAD8_MPI_STALL", "2"), ("QUAD8_MPI_FAULT", "delay@1")];
    let args = [&ARGS[..], &["--max-iterations", "60"]].concat();
    let outcome = Folder::with(&Mesh::channel()).run_with(4, &env, &args).expect_code(1);
    assert!(outcome.seconds > 3.0, "{} s", outcome.seconds);
}

/// Checks a run in which one of eight threads hangs: first its process waits for it, then the other
/// one.
fn one_thread() {
    let folder = Folder::new();
    let env = [("QUAD8_MPI_FAULT", "hang@solve:6"), ("QUAD8_MPI_STALL", "3")];
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

fn before_mpi() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let outcome = folder.run_in_shell(ONE_STOPPED, &["mesh.h5"]);
    // The mpirun of MPICH may report the stopped rank, which it kills.
    let code = if is_mpich() && outcome.code == Some(9) { 9 } else { 4 };
    let outcome = outcome.expect_code(code);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains("MPI has not started within 20 s on rank 0: another rank was stopped"), "{error}");
    assert_eq!(folder.names(), ["mesh.h5"]);
}

/// Checks a launcher of another MPI: each process is the only rank of its own MPI world.
fn other_launcher() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let with = |rank, variables: &[(&str, &str)]| {
        folder.run_with(0, &[&[("PMI_RANK", rank)], variables].concat(), &["mesh.h5"])
    };
    let outcome = with("0", &[("PMI_SIZE", "2")]).expect_code(2);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    for part in ["the launcher started 2 processes, but each of them is alone for MPI", "; start it with "] {
        assert!(error.contains(part), "{error}");
    }
    // mpirun ends the job at the first exit code that is not 0.
    let outcome = with("1", &[("PMI_SIZE", "2")]).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    assert_eq!(folder.names(), ["mesh.h5"]);
    // A batch script or a shell of Slurm starts the program with these variables.
    with("0", &[("SLURM_NTASKS", "2"), ("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_TASK_PID", "1")]).expect_code(0);
}
