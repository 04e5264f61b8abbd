//! Tests of jobs on a cluster of Slurm and several hosts. The cluster starts on this machine and
//! ends with the tests. They are part of `tests/run.sh --all`, which installs their tools.

mod failures;
mod hosts;
mod interruptions;
mod jobs;
mod machine;
#[path = "../harness/mpirun.rs"]
mod mpirun;
#[path = "../harness/results.rs"]
#[expect(dead_code, reason = "the other harnesses look at more of the results")]
mod results;
mod slurm;
#[path = "../harness/tier.rs"]
mod tier;
mod work;

use libtest_mimic::Arguments;
use tier::{ignored_for, needs_tool, slow, test};

fn main() {
    let mut arguments = Arguments::from_args();
    // Most tests wait: for a time limit, a requeue, or a host that no longer answers.
    arguments.test_threads = arguments.test_threads.or(Some(6));
    let (impossible, missing) = (machine::impossible(), machine::missing_tool());
    let lists = [failures::tests(), interruptions::tests(), jobs::tests(), hosts::tests()];
    let tests =
        lists.into_iter().flatten().map(|test| needs_tool(ignored_for(slow(test), impossible), missing.as_deref()));
    let conclusion = libtest_mimic::run(&arguments, tests.collect());
    machine::take_down();
    conclusion.exit();
}
