//! Runs the program as users do: under mpirun, on files, up to its exit code.
//!
//! Tests that mostly wait for mpirun run first, four at a time. The others follow, two at a time,
//! since each starts many processes, then tests of jobs that hang, three at a time. Tests that
//! measure something run last, one at a time. Tests on more than four ranks belong to the slow
//! tier.

mod accuracy;
mod bad_meshes;
mod bad_outputs;
mod cases;
mod checking;
mod checkpoints;
mod conditions;
mod convert;
mod disks;
mod docs;
mod dry_run;
mod failure;
mod false_sizes;
mod faults;
mod formats;
mod hard;
mod layers;
mod materials;
#[path = "../harness/mesh.rs"]
mod mesh;
mod messages;
mod model;
#[path = "../harness/mount.rs"]
mod mount;
#[path = "../harness/mpirun.rs"]
mod mpirun;
mod output;
#[path = "../harness/page.rs"]
mod page;
mod paraview;
mod partition;
mod physics;
mod plot;
mod plot_parts;
mod probe;
mod processors;
mod program;
mod promises;
#[path = "../harness/python.rs"]
mod python;
mod real_meshes;
mod reference;
mod refusal;
mod reproducible;
#[path = "../harness/results.rs"]
mod results;
mod rooms;
mod scaling;
mod self_description;
mod signals;
mod simulation;
mod soak;
mod solving;
mod start_up;
mod storage;
mod streams;
mod threads;
#[path = "../harness/tier.rs"]
mod tier;
mod timeline;
mod view;

use libtest_mimic::{Arguments, Trial};
use quad8_mpi::system::set_variable_if_unset;
use tier::{slow, test};

/// Kinds of tests in the lists: those that run beside three others of any kind, those that run
/// beside two others of their kind, and those that run alone.
const WAITING: &str = "waiting";
const HANGING: &str = "hanging";
const ALONE: &str = "alone";
/// Largest number of ranks of a test in the fast tier.
const MOST_RANKS: usize = 4;

fn main() {
    // A program that another test starts at the same time inherits the open file with its lock.
    set_variable_if_unset("HDF5_USE_FILE_LOCKING", "FALSE");
    let mut arguments = Arguments::from_args();
    let lists = [
        solving::tests(),
        reproducible::tests(),
        reference::tests(),
        output::tests(),
        paraview::tests(),
        self_description::tests(),
        plot::tests(),
        plot_parts::tests(),
        view::tests(),
        probe::tests(),
        convert::tests(),
        storage::tests(),
        streams::tests(),
        scaling::tests(),
        materials::tests(),
        messages::tests(),
        start_up::tests(),
        refusal::tests(),
        cases::tests(),
        conditions::tests(),
        accuracy::tests(),
        hard::tests(),
        layers::tests(),
        physics::tests(),
        bad_meshes::tests(),
        bad_outputs::tests(),
        disks::tests(),
        formats::tests(),
        false_sizes::tests(),
        checking::tests(),
        partition::tests(),
        dry_run::tests(),
        model::tests(),
        simulation::tests(),
        threads::tests(),
        timeline::tests(),
        processors::tests(),
        failure::tests(),
        checkpoints::tests(),
        faults::tests(),
        signals::tests(),
        soak::tests(),
        promises::tests(),
        real_meshes::tests(),
        docs::tests(),
        rooms::tests(),
    ];
    let mut tests: Vec<Trial> = lists.into_iter().flatten().collect();
    tests.extend(promises::tests_about(&tests));
    tests.extend(docs::tests_about(&tests));
    let mut of_kind = |kind| tests.extract_if(.., |test| test.kind() == kind).collect::<Vec<_>>();
    let [waiting, hanging, alone] = [WAITING, HANGING, ALONE].map(&mut of_kind);
    let ends = [(4, waiting), (2, tests), (3, hanging), (1, alone)].map(|(at_a_time, tests)| {
        arguments.test_threads = Some(at_a_time);
        program::share_cores(at_a_time > 1);
        libtest_mimic::run(&arguments, tests)
    });
    for end in ends {
        end.exit_if_failed();
    }
}

/// Marks a test that mostly waits and may do so beside others.
fn waiting(test: Trial) -> Trial {
    if test.has_ignored_flag() { test } else { test.with_kind(WAITING) }
}

/// Marks a test of a job that hangs, which must have the cores to itself until it does.
fn hanging(test: Trial) -> Trial {
    if test.has_ignored_flag() { test } else { test.with_kind(HANGING) }
}

/// Marks a test that measures something, or needs all cores.
fn alone(test: Trial) -> Trial {
    if test.has_ignored_flag() { test } else { test.with_kind(ALONE) }
}

/// Returns one test for each number of ranks, which is part of its name.
fn at_ranks<const N: usize>(
    name: &str,
    ranks: [usize; N],
    check: impl Fn(usize) + Copy + Send + 'static,
) -> Vec<Trial> {
    let test_on = |ranks| {
        let test = test(format!("{name}::ranks_{ranks}"), move || check(ranks));
        if ranks > MOST_RANKS { slow(alone(test)) } else { test }
    };
    ranks.map(test_on).into()
}
