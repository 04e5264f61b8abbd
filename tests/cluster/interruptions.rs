//! Tests of jobs that must stop early and continue later.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::machine::{Task, cluster};
use crate::slurm::{Job, submit};
use crate::test;
use crate::work::{ENDLESS, MODEST, assert_agrees, program};

/// Arguments of a solve of thousands of iterations, which takes some seconds.
const LONG: [&str; 6] = ["--refine", "1", "--preconditioner", "jacobi", "--rtol", "1e-13"];

pub fn tests() -> Vec<Trial> {
    vec![
        test("a_preempted_job_continues_and_agrees::srun", preempted),
        test("a_job_near_its_time_limit_continues_later::mpirun", warned),
        test("a_cancelled_job_stays_cancelled", cancelled),
    ]
}

fn start(launcher: &str, line: &str, options: &[&str], arguments: &[&str]) -> Job {
    let folder = cluster().work();
    let program = program(&folder, line);
    let variables = [("QUAD8_MPI_LAUNCHER", launcher), ("QUAD8_MPI", program.to_str().unwrap())];
    let job = submit(&folder, "solve.sbatch", &variables, options, arguments);
    job.wait_for_log("\npartition ");
    job
}

fn run(job: &Job, command: &[&str]) -> String {
    cluster().run(&Task { folder: job.folder.clone(), command: command.to_vec(), ..Task::default() })
}

/// Preempts a job: Slurm sends CONT and TERM to its ranks, and the job has ten seconds to end.
fn preempted() {
    // In the first start rank 0 stops in the solve until Slurm continues it.
    let line = "[ $SLURM_RESTART_COUNT ] || export QUAD8_MPI_FAULT=stop@iteration-20:0\n\
                [ $PMIX_RANK != 0 ] || echo $$ >pid";
    let job = start("srun", line, &["--nodes=3", "--ntasks=3", "--exclusive"], &LONG);
    run(&job, &["sh", "-c", "until grep -q '^State:.T' /proc/$(cat pid)/status; do sleep 0.1; done"]);
    let urgent = ["sbatch", "--partition=urgent", "--nodes=3", "--exclusive", "--output=urgent.log", "--wrap=true"];
    run(&job, &urgent);
    job.wait();
    assert!(job.state().contains(" Restarts=1 "), "{}", job.state());
    for text in
        ["stopped by SIGTERM after iteration ", "job: start 2, on from quad8.checkpoint.h5", "\nrestart    from "]
    {
        assert_eq!(job.log().matches(text).count(), 1, "'{text}' in {}", job.log());
    }
    assert_agrees(&job.folder.join("quad8.h5"), &["--refine", "1", "--rtol", "1e-13"]);
    assert!(!job.folder.join("quad8.checkpoint.h5").exists());
}

/// Runs a job into its time limit of one minute. Slurm warns it at once or within half a minute.
fn warned() {
    let job = start("mpirun", MODEST, &["--partition=side", "--nodes=2", "--ntasks=2", "--time=1"], &ENDLESS);
    job.wait_for_log(", on from quad8.checkpoint.h5");
    assert!(job.log().contains("stopped by SIGUSR1 after iteration "), "{}", job.log());
    run(&job, &["scancel", &job.id]);
}

fn cancelled() {
    let job = start("srun", MODEST, &["--partition=side", "--ntasks=2"], &ENDLESS);
    run(&job, &["scancel", &job.id]);
    job.wait_for("JobState=CANCELLED ", 30);
    // The shell of the job ends a moment later, without further work.
    while run(&job, &["squeue", "--noheader", "--states=all", "--format=%t", "--jobs", &job.id]).trim() == "CG" {
        sleep(Duration::from_millis(100));
    }
    assert!(job.state().contains("JobState=CANCELLED "), "{}", job.state());
    assert!(job.state().contains(" Restarts=0 "), "{}", job.state());
    assert!(!job.folder.join("quad8.h5").exists());
}
