//! Jobs on a real cluster: Slurm and several hosts, brought up on this machine and taken down at the end. Passed over
//! where that is not possible; `tests/run.sh` installs what it needs.

#[path = "cluster/failures.rs"]
mod failures;
#[path = "cluster/hosts.rs"]
mod hosts;
#[path = "cluster/interruptions.rs"]
mod interruptions;
#[path = "cluster/jobs.rs"]
mod jobs;
#[path = "cluster/machine.rs"]
mod machine;
#[path = "support/mpirun.rs"]
mod mpirun;
#[path = "support/results.rs"]
#[expect(dead_code, reason = "the other harnesses look at more of the results")]
mod results;
#[path = "cluster/slurm.rs"]
mod slurm;
#[path = "cluster/work.rs"]
mod work;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // Most of them wait: for a time limit, a requeue, a host that no longer answers.
    arguments.test_threads = arguments.test_threads.or(Some(6));
    let missing = machine::missing();
    let lists = [failures::trials(), interruptions::trials(), jobs::trials(), hosts::trials()];
    let trials = lists.into_iter().flatten().map(|trial| match &missing {
        Some(why) => trial.with_kind(why).with_ignored_flag(true),
        None => trial,
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    machine::take_down();
    conclusion.exit();
}

/// A trial that passes when `check` returns.
fn trial(name: impl Into<String>, check: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        check();
        Ok(())
    })
}
