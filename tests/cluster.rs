//! Jobs on a real cluster: Slurm and several hosts, brought up on this machine and taken down at the end. Part of
//! `tests/run.sh --all`, which installs what it needs; ignored where that is not possible.

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
#[path = "support/tier.rs"]
mod tier;
#[path = "cluster/work.rs"]
mod work;

use libtest_mimic::{Arguments, Trial};
use tier::{ignored_for, needs_tool, slow};

fn main() {
    let mut arguments = Arguments::from_args();
    // Most of them wait: for a time limit, a requeue, a host that no longer answers.
    arguments.test_threads = arguments.test_threads.or(Some(6));
    let (impossible, missing) = (machine::impossible(), machine::missing_tool());
    let lists = [failures::trials(), interruptions::trials(), jobs::trials(), hosts::trials()];
    let trials =
        lists.into_iter().flatten().map(|trial| needs_tool(ignored_for(slow(trial), impossible), missing.as_deref()));
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
