//! Tests of jobs of Slurm that lose a rank or a host.

use libtest_mimic::Trial;

use crate::machine::{Task, cluster};
use crate::slurm::{Job, submit};
use crate::test;
use crate::work::{ENDLESS, MODEST, program};

/// Longest time until Slurm reports the end of a job (s), far below the 120 s of silence that the
/// program allows.
const BOUND: u64 = 60;

pub fn tests() -> Vec<Trial> {
    vec![
        test("a_job_whose_rank_is_killed_ends::srun", || killed("srun")),
        test("a_job_whose_rank_is_killed_ends::mpirun", || killed("mpirun")),
        test("a_job_whose_host_is_cut_off_is_requeued", cut_off),
    ]
}

fn start(launcher: &str, options: &[&str]) -> Job {
    let folder = cluster().work();
    let program = program(&folder, &format!("{MODEST}\n[ $PMIX_RANK != 1 ] || echo $$ >pid"));
    let variables = [("QUAD8_MPI_LAUNCHER", launcher), ("QUAD8_MPI", program.to_str().unwrap())];
    let job = submit(&folder, "solve.sbatch", &variables, options, &ENDLESS);
    job.wait_for_log("\npartition ");
    job
}

fn run(job: &Job, host: Option<&str>, command: &[&str]) {
    cluster().run(&Task { host, folder: job.folder.clone(), command: command.to_vec(), ..Task::default() });
}

fn killed(launcher: &str) {
    let job = start(launcher, &["--partition=side", "--nodes=2", "--ntasks=2"]);
    run(&job, None, &["sh", "-c", "kill -9 $(cat pid)"]);
    job.wait_for("JobState=FAILED Reason=NonZeroExitCode ", BOUND);
    assert!(job.state().contains(" ExitCode=137:0"), "{}", job.state());
    assert_eq!(job.log().matches("quad8-mpi job: ").count(), 1, "{}", job.log());
    assert!(job.log().contains("a rank was killed (signal 9): most often a host ran out of memory"), "{}", job.log());
}

/// Cuts a host off. Slurm notices that after its SlurmdTimeout, here 15 s, and its next check.
fn cut_off() {
    let job = start("srun", &["--partition=fragile", "--nodes=2", "--ntasks=2"]);
    run(&job, Some("node5"), &["ip", "link", "set", "eth0", "down"]);
    job.wait_for(" Restarts=1 ", BOUND);
    assert!(job.log().contains("srun: error: Node failure on node5"), "{}", job.log());
    run(&job, None, &["scancel", &job.id]);
}
