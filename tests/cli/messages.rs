//! Checks the output and the exit code of the program for valid input.

use hdf5::File;
use libtest_mimic::Trial;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::{alone, at_ranks, test};

/// Largest CPU time of the default problem on two ranks, mpirun included (s).
const START: f64 = 3.0;

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("help_and_version_are_printed_once", [0, 1, 3], help),
        at_ranks("solve_may_be_named_as_a_subcommand", [1, 3], subcommand),
        at_ranks("a_quiet_run_prints_nothing", [0, 1, 3], quiet),
        at_ranks("an_unconverged_solution_is_written_and_marked", [1, 3], not_converged),
        vec![alone(test("the_default_problem_takes_less_than_three_seconds::ranks_2", start))],
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn help(ranks: usize) {
    let folder = Folder::new();
    let version = folder.run(ranks, &["-V"]).expect_code(0);
    assert_eq!(version.stdout, format!("quad8-mpi {}\n", env!("CARGO_PKG_VERSION")));
    let help = folder.run(ranks, &["--help"]).expect_code(0);
    for option in ["--output", "--rtol", "--threads", "--gamma", "--json", "Exit codes: 0 solved"] {
        assert_eq!(help.stdout.matches(option).count(), 1, "{option} in {help}");
    }
    assert_eq!((version.stderr, help.stderr), (String::new(), String::new()));
    assert!(folder.names().is_empty());
}

fn subcommand(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let plain = folder.solve(ranks, &["mesh.h5"]);
    assert!(folder.solve(ranks, &["solve", "mesh.h5"]).has_the_bits_of(&plain));
}

fn quiet(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = folder.run(ranks, &["mesh.h5", "--quiet"]).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

fn not_converged(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = folder.run(ranks, &["mesh.h5", "--max-iterations", "5", "-o", "out.h5"]).expect_code(1);
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{outcome}");
    for part in ["not converged after 5 iterations", "raise --max-iterations", "out.h5 holds the last iterate"] {
        assert!(errors[0].contains(part), "{part} is not in {outcome}");
    }
    assert_eq!(folder.names(), ["mesh.h5", "out.h5", "out.xdmf"]);
    let run = File::open(folder.path("out.h5")).unwrap().group("run").unwrap();
    assert_eq!(run.attr("converged").unwrap().read_scalar::<u64>().unwrap(), 0);
    assert_eq!(run.dataset("residual_history").unwrap().shape(), [6]);
}

fn start() {
    let before = seconds_of_children();
    Folder::new().run(2, &[]).expect_code(0);
    let seconds = seconds_of_children() - before;
    assert!(cfg!(debug_assertions) || seconds < START, "{seconds} s");
}

/// Returns the CPU time of the ended child processes (s), which does not depend on other load.
fn seconds_of_children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |time: TimeVal| time.num_microseconds() as f64 * 1e-6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}
