//! Jobs that must stop before they are done, and go on later.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::machine::{Task, cluster};
use crate::slurm::{Job, submit};
use crate::test;
use crate::work::{ENDLESS, MODEST, assert_agrees, program};

/// Thousands of iterations, some seconds.
const LONG: [&str; 6] = ["--refine", "1", "--preconditioner", "jacobi", "--rtol", "1e-13"];

pub fn tests() -> Vec<Trial> {
    vec![
        test("a_preempted_job_goes_on_and_agrees::srun", preempted),
        test("a_job_that_is_nearly_over_its_time_goes_on_later::mpirun", warned),
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

/// Slurm sends CONT and TERM to the ranks; the job has ten seconds to leave.
fn preempted() {
    // In the first start rank 0 stays in the solve until Slurm wakes it.
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

/// The warning of a job of one minute comes at once, or within half a minute.
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
    // Its shell ends a moment later, and does nothing more.
    while run(&job, &["squeue", "--noheader", "--states=all", "--format=%t", "--jobs", &job.id]).trim() == "CG" {
        sleep(Duration::from_millis(100));
    }
    assert!(job.state().contains("JobState=CANCELLED "), "{}", job.state());
    assert!(job.state().contains(" Restarts=0 "), "{}", job.state());
    assert!(!job.folder.join("quad8.h5").exists());
}
