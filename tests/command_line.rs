//! The program as its users meet it: started under mpirun, on files, to its
//! exit code. Two trials run at a time, since each starts many processes; those
//! that mostly wait for mpirun four at a time before all others, and those that
//! measure something one at a time after them. Trials on more than four ranks
//! belong to the slow tier.

#[path = "command_line/bad_meshes.rs"]
mod bad_meshes;
#[path = "command_line/bad_outputs.rs"]
mod bad_outputs;
#[path = "command_line/cases.rs"]
mod cases;
#[path = "command_line/checking.rs"]
mod checking;
#[path = "command_line/checkpoints.rs"]
mod checkpoints;
#[path = "command_line/conditions.rs"]
mod conditions;
#[path = "command_line/disks.rs"]
mod disks;
#[path = "command_line/dry_run.rs"]
mod dry_run;
#[path = "command_line/failure.rs"]
mod failure;
#[path = "command_line/faults.rs"]
mod faults;
#[path = "command_line/formats.rs"]
mod formats;
#[path = "command_line/hard.rs"]
mod hard;
#[path = "command_line/layers.rs"]
mod layers;
#[path = "command_line/lying.rs"]
mod lying;
#[path = "support/mesh.rs"]
mod mesh;
#[path = "command_line/messages.rs"]
mod messages;
#[path = "command_line/model.rs"]
mod model;
#[path = "support/mount.rs"]
mod mount;
#[path = "support/mpirun.rs"]
mod mpirun;
#[path = "command_line/output.rs"]
mod output;
#[path = "support/page.rs"]
mod page;
#[path = "command_line/paraview.rs"]
mod paraview;
#[path = "command_line/partition.rs"]
mod partition;
#[path = "command_line/physics.rs"]
mod physics;
#[path = "command_line/plot.rs"]
mod plot;
#[path = "command_line/program.rs"]
mod program;
#[path = "command_line/promises.rs"]
mod promises;
#[path = "support/python.rs"]
mod python;
#[path = "command_line/real_meshes.rs"]
mod real_meshes;
#[path = "command_line/recipes.rs"]
mod recipes;
#[path = "command_line/reference.rs"]
mod reference;
#[path = "command_line/refusal.rs"]
mod refusal;
#[path = "command_line/reproducible.rs"]
mod reproducible;
#[path = "support/results.rs"]
mod results;
#[path = "command_line/rooms.rs"]
mod rooms;
#[path = "command_line/scaling.rs"]
mod scaling;
#[path = "command_line/self_description.rs"]
mod self_description;
#[path = "command_line/signals.rs"]
mod signals;
#[path = "command_line/simulation.rs"]
mod simulation;
#[path = "command_line/soak.rs"]
mod soak;
#[path = "command_line/solving.rs"]
mod solving;
#[path = "command_line/streams.rs"]
mod streams;
#[path = "command_line/threads.rs"]
mod threads;
#[path = "support/tier.rs"]
mod tier;

use libtest_mimic::{Arguments, Trial};
use tier::slow;

/// What trials that run beside three others are called in lists, and those that run beside none.
const WAITING: &str = "waiting";
const ALONE: &str = "alone";
/// Most ranks of a trial in the fast tier.
const MOST_RANKS: usize = 4;

fn main() {
    let mut arguments = Arguments::from_args();
    let lists = [
        solving::trials(),
        reproducible::trials(),
        reference::trials(),
        output::trials(),
        paraview::trials(),
        self_description::trials(),
        plot::trials(),
        streams::trials(),
        scaling::trials(),
        messages::trials(),
        refusal::trials(),
        cases::trials(),
        conditions::trials(),
        hard::trials(),
        layers::trials(),
        physics::trials(),
        bad_meshes::trials(),
        bad_outputs::trials(),
        disks::trials(),
        formats::trials(),
        lying::trials(),
        checking::trials(),
        partition::trials(),
        dry_run::trials(),
        model::trials(),
        simulation::trials(),
        threads::trials(),
        failure::trials(),
        checkpoints::trials(),
        faults::trials(),
        signals::trials(),
        soak::trials(),
        promises::trials(),
        real_meshes::trials(),
        recipes::trials(),
        rooms::trials(),
    ];
    let mut trials: Vec<Trial> = lists.into_iter().flatten().collect();
    trials.extend(promises::trials_about(&trials));
    let (waiting, others): (Vec<_>, Vec<_>) = trials.into_iter().partition(|trial| trial.kind() == WAITING);
    let (alone, others) = others.into_iter().partition(|trial| trial.kind() == ALONE);
    let ends = [(4, waiting), (2, others), (1, alone)].map(|(at_a_time, trials)| {
        arguments.test_threads = Some(at_a_time);
        program::share_cores(at_a_time > 1);
        libtest_mimic::run(&arguments, trials)
    });
    for end in ends {
        end.exit_if_failed();
    }
}

/// A trial that passes when `check` returns.
fn trial(name: impl Into<String>, check: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        check();
        Ok(())
    })
}

/// A trial that mostly waits, and may do so beside others.
fn waiting(trial: Trial) -> Trial {
    if trial.has_ignored_flag() { trial } else { trial.with_kind(WAITING) }
}

/// A trial that measures something, or needs the cores for itself.
fn alone(trial: Trial) -> Trial {
    if trial.has_ignored_flag() { trial } else { trial.with_kind(ALONE) }
}

/// One trial for each rank count, which stands in its name.
fn at_ranks<const N: usize>(
    name: &str,
    ranks: [usize; N],
    check: impl Fn(usize) + Copy + Send + 'static,
) -> Vec<Trial> {
    let trial_on = |ranks| {
        let trial = trial(format!("{name}::ranks_{ranks}"), move || check(ranks));
        if ranks > MOST_RANKS { slow(alone(trial)) } else { trial }
    };
    ranks.map(trial_on).into()
}
