//! Checks that the solution does not depend on the number of ranks and threads.

use std::sync::LazyLock;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::mesh::Mesh;
use crate::program::{Folder, is_mpich, send, wait_for};
use crate::results::{Results, difference};
use crate::signals::is_stopped;
use crate::{at_ranks, test};

const RTOL: [&str; 2] = ["--rtol", "1e-12"];

static ON_ONE_RANK: LazyLock<Results> = LazyLock::new(|| Folder::new().solve(1, &RTOL));

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("the_default_problem_is_solved", [1, 2, 3, 4, 7, 16], default_problem),
        vec![test("the_default_problem_is_solved::without_mpirun", || default_problem(0))],
        vec![test("a_run_without_mpirun_has_a_temporary_folder_of_its_own", own_temporary_folder)],
        at_ranks("threads_change_no_bit", [1, 2], threads_change_no_bit),
        at_ranks("a_second_run_gives_the_same_bits", [1, 3], second_run),
        at_ranks("refinement_does_not_depend_on_the_ranks", [2, 3], refinement),
        at_ranks("a_refined_default_mesh_does_not_depend_on_the_ranks", [3], refined_default),
        at_ranks("a_tolerance_below_the_rounding_of_the_solution_is_reached", [2], tight_tolerance),
        at_ranks("ranks_without_elements_do_no_harm", [1, 3, 7], more_ranks_than_elements),
        at_ranks("two_pieces_are_solved_without_a_warning", [1, 3], two_pieces),
        at_ranks("an_infinity_in_the_iteration_is_named", [1, 3], infinity),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn default_problem(ranks: usize) {
    let folder = Folder::new();
    folder.run(ranks, &RTOL).expect_code(0);
    assert_eq!(folder.names(), ["quad8.h5", "quad8.xdmf"]);
    let results = Results::read(&folder.path("quad8.h5"));
    assert!(results.has_the_mesh_of(&ON_ONE_RANK));
    assert!(difference(&results.u, &ON_ONE_RANK.u) < 1e-10);
    assert!(difference(&results.vel, &ON_ONE_RANK.vel) < 1e-9);
    let parts = results.partition.iter().max().unwrap() + 1;
    assert_eq!(parts, ranks.max(1) as i32, "every rank has elements");
}

/// Checks the folder of Open MPI for a process without mpirun. Programs that run side by side would
/// share it, and each would remove the files of the others at its end.
fn own_temporary_folder() {
    let [folder, temporary] = [(); 2].map(|()| Folder::new());
    let env = [("TMPDIR", temporary.path("").display().to_string()), ("QUAD8_MPI_FAULT", "stop@solve:0".to_owned())];
    let running = folder.start_with(0, &env.each_ref().map(|(name, value)| (*name, &value[..])), &[]);
    let pid = running.child.id();
    wait_for("a stop in the solve", || is_stopped(pid).then_some(()));
    let names = temporary.names();
    assert!(is_mpich() || names.len() == 1 && names[0].ends_with(&format!(".{pid}")), "{names:?}");
    send(Signal::SIGCONT, pid);
    running.wait().expect_code(0);
    assert!(temporary.names().is_empty(), "{:?}", temporary.names());
}

fn threads_change_no_bit(ranks: usize) {
    let folder = Folder::new();
    let [one, two] = ["1", "2"].map(|n| folder.solve(ranks, &["--threads", n, "--refine", "1", "--rtol", "1e-2"]));
    assert!(one.has_the_bits_of(&two));
}

fn second_run(ranks: usize) {
    let folder = Folder::new();
    let [first, second] = [(); 2].map(|()| folder.solve(ranks, &[]));
    assert!(first == second);
}

/// Checks a gamma whose square overflows to infinity.
fn infinity(ranks: usize) {
    let folder = Folder::new();
    let outcome = folder.run(ranks, &["--gamma", "1e200", "--json", "run.json"]).expect_code(1);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains(": in iteration 1 a NaN or an infinity appeared in ||b||: "), "{outcome}");
    assert!(error.contains("relative residual unknown (overflow)"), "{outcome}");
    assert!(!outcome.stdout.contains("estimated"), "{outcome}");
    let run = folder.json("run.json");
    assert_eq!(run["converged"], false);
    assert_eq!(run["outcome"]["not_finite"]["quantity"], "right_side");
    assert!(run["solution_stats"]["error_estimate_percent"].is_null());
}

fn refinement(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    for levels in ["1", "2"] {
        let [alone, together] =
            [1, ranks].map(|n| folder.solve(n, &["mesh.h5", "--rtol", "1e-12", "--refine", levels]));
        assert!(together.has_the_mesh_of(&alone));
        assert!(difference(&together.u, &alone.u) < 1e-10);
    }
}

fn refined_default(ranks: usize) {
    let folder = Folder::new();
    let [alone, together] = [1, ranks].map(|n| {
        // Only the mesh counts here, so one iteration is enough.
        folder.run(n, &["--refine", "2", "--max-iterations", "1"]).expect_code(1);
        Results::read(&folder.path("quad8.h5"))
    });
    assert_eq!(alone.partition.len(), 16 * ON_ONE_RANK.partition.len());
    assert!(together.has_the_mesh_of(&alone));
}

/// Solves to a tolerance below the residual of the rounded solution: 7e-12 for a u in f64.
fn tight_tolerance(ranks: usize) {
    let folder = Folder::new();
    folder.run(ranks, &["--refine", "2", "--rtol", "1e-13", "--json", "run.json"]).expect_code(0);
    let record = folder.json("run.json");
    assert!(record["solution_stats"]["relative_residual"].as_f64().unwrap() <= 1e-13);
    assert!(record["iterations"].as_u64().unwrap() <= 20);
}

fn more_ranks_than_elements(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(2, 1));
    let results = folder.solve(ranks, &["mesh.h5", "--rtol", "1e-13"]);
    check_uniform_flow(&results);
}

fn two_pieces(ranks: usize) {
    let mut mesh = Mesh::rectangle(4, 2);
    mesh.add(&Mesh::rectangle(3, 1), 2.0);
    let folder = Folder::with(&mesh);
    let outcome = folder.run(ranks, &["mesh.h5", "--rtol", "1e-13", "--quiet"]).expect_code(0);
    check_uniform_flow(&Results::read(&folder.path("quad8.h5")));
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

/// Checks u and the velocity on [`Mesh::rectangle`].
fn check_uniform_flow(results: &Results) {
    for (x, u) in results.x.iter().zip(&results.u).filter(|(_, u)| !u.is_nan()) {
        assert!((u - 2.5 * (2.0 - x)).abs() < 1e-12, "u({x}) = {u}");
    }
    for v in results.vel.chunks(2) {
        assert!((v[0] - 2.5).abs() < 1e-12 && v[1].abs() < 1e-12, "{v:?}");
    }
}
