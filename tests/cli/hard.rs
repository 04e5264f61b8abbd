//! Problems that are too hard for multigrid: slender elements, conductivities that jump by many
//! orders of magnitude, and weak Robin conditions without a Dirichlet condition.

use std::fs;
use std::time::Duration;

use hdf5::File;
use hdf5::types::VarLenUnicode;
use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::mpirun::{Outcome, Run};
use crate::program::{Folder, PROGRAM};
use crate::results::{Results, difference};
use crate::tier::{needs_tool, slow};
use crate::{at_ranks, python, test};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/bench/hard_cases.py");

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("a_slender_strip_is_solved", [1, 2, 4], strip),
        at_ranks("a_slender_strip_is_solved_in_every_mode", [2], strip_in_every_way),
        at_ranks("a_conductivity_that_jumps_by_twelve_orders_is_solved", [1, 2], inclusion),
        at_ranks("an_anisotropy_across_the_mesh_is_solved", [1, 2], oblique),
        at_ranks("rounding_on_stiff_problems_is_not_reported_as_a_fault", [1], no_false_alarm),
        at_ranks("a_weak_robin_condition_alone_holds_the_solution", [1, 4], weak_robin),
        at_ranks("a_robin_coefficient_of_1e12_fixes_the_solution", [1, 4], strong_robin),
        vec![slow(needs_tool(
            test("hard_problems_take_few_iterations", family),
            python::missing("numpy, scipy, h5py"),
        ))],
    ]
    .into_iter()
    .flatten()
    .collect()
}

const MULTIGRID: &str = "multigrid in single precision";
const DIRECT: &str = "direct in double precision";

/// Solves a problem in few iterations. Where the direct solver takes over, the run must report it.
fn solve(folder: &Folder, ranks: usize, args: &[&str]) -> (Outcome, Results) {
    let outcome = folder.run(ranks, &[args, &["--json", "run.json"]].concat()).expect_code(0);
    for alarm in ["memory of the hosts", "error: "] {
        assert!(!outcome.stderr.contains(alarm), "{outcome}");
    }
    let run = folder.json("run.json");
    let used = run["convergence"]["preconditioners"].as_array().unwrap();
    let text = |at: usize, key: &str| used[at][key].as_str().unwrap().to_owned();
    let names: Vec<String> =
        (0..used.len()).map(|at| format!("{} in {} precision", text(at, "name"), text(at, "precision"))).collect();
    assert_eq!(names, [MULTIGRID, DIRECT][..used.len()]);
    assert_eq!((&used[0]["from_iteration"], used[0]["reason"].is_null()), (&0.into(), true));
    assert_eq!(outcome.stdout.contains(&format!(" {DIRECT} after iteration ")), used.len() == 2, "{outcome}");
    if used.len() == 2 {
        let reason = text(1, "reason");
        assert!(reason.starts_with("r.Mr ") || reason == "the residual shrank slowly", "{used:?}");
    }
    assert!(run["iterations"].as_u64().unwrap() <= 30, "{outcome}");
    assert!(run["solution_stats"]["relative_residual"].as_f64().unwrap() <= 1e-8);
    let group = File::open(folder.path("quad8.h5")).unwrap().group("run").unwrap();
    let text: VarLenUnicode = group.attr("preconditioner_used").unwrap().read_scalar().unwrap();
    assert_eq!(Some(text.as_str()), names.last().map(String::as_str));
    (outcome, Results::read(&folder.path("quad8.h5")))
}

/// Compares u with a function of x, relative to the largest value.
fn check(results: &Results, u: impl Fn(f64) -> f64, tolerance: f64) {
    let exact: Vec<f64> =
        results.x.iter().zip(&results.u).map(|(&x, found)| if found.is_nan() { f64::NAN } else { u(x) }).collect();
    let error = difference(&results.u, &exact);
    assert!(error < tolerance, "{error:e}");
}

/// Returns a mesh of 1 km by 10 cm with an aspect ratio of 100.
fn slender() -> Folder {
    Folder::with(&Mesh::grid(400, 4, |s, t| [1000.0 * s, 0.1 * t]))
}

fn strip(ranks: usize) {
    let (_, results) = solve(&slender(), ranks, &["mesh.h5"]);
    check(&results, |x| 2.5 * (1000.0 - x), 1e-9);
}

fn strip_in_every_way(ranks: usize) {
    let folder = slender();
    // The rounding errors of matrix entries grow by the condition number, 1e8.
    for (args, tolerance) in [
        (&["--operator", "assembled"][..], 1e-6),
        (&["--refine", "1"], 1e-9),
        (&["--reproducible"], 1e-9),
        (&["--threads", "2"], 1e-9),
    ] {
        let (_, results) = solve(&folder, ranks, &[&["mesh.h5"], args].concat());
        check(&results, |x| 2.5 * (1000.0 - x), tolerance);
    }
}

/// Solves with a disk whose conductivity is so large that u no longer depends on it. Elements at
/// its rim have both conductivities at their Gauss points: there the rounding error of b - K u
/// exceeds the tolerance.
fn inclusion(ranks: usize) {
    let [ten, twelve] = ["1e10", "1e12"].map(|k| {
        let (outcome, results) = solve(&disk(k), ranks, &["case.toml"]);
        assert!(outcome.stdout.contains(DIRECT), "{outcome}");
        results
    });
    assert!(difference(&ten.u, &twelve.u) < 1e-5);
}

/// Solves with k = 1000 along the diagonal and 1 across it: no line of nodes follows it.
fn oblique(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(40, 40, |s, t| [s, t]));
    let (_, results) = solve(&folder, ranks, &["mesh.h5", "--k", "500.5,499.5,500.5"]);
    let direct = ["mesh.h5", "--k", "500.5,499.5,500.5", "--preconditioner", "jacobi", "--rtol", "1e-11"];
    folder.run(ranks, &direct).expect_code(0);
    assert!(difference(&results.u, &Results::read(&folder.path("quad8.h5")).u) < 1e-6);
}

/// Creates a case with a disk of conductivity `k` in a unit square of conductivity 1.
fn disk(k: &str) -> Folder {
    let folder = Folder::with(&Mesh::grid(20, 20, |s, t| [s, t]));
    let case = format!(
        "mesh = 'mesh.h5'
        output.results = 'quad8.h5'
        boundary.inlet.robin = {{ p = 0, gamma = 1 }}
        boundary.outlet.dirichlet = 0
        material.k = '1 + {k}*step(0.3 - hypot(x - 0.5, y - 0.5))'"
    );
    fs::write(folder.path("case.toml"), case).unwrap();
    folder
}

/// Stops a solve early. The rounding error of products with k = 1e12 is large beside b, but is no
/// sign of faulty memory.
fn no_false_alarm(ranks: usize) {
    let args = ["case.toml", "--preconditioner", "jacobi", "--max-iterations", "500"];
    let outcome = disk("1e12").run(ranks, &args).expect_code(1);
    assert!(outcome.stderr.contains("raise --max-iterations"), "{outcome}");
    assert!(!outcome.stderr.contains("memory of the hosts"), "{outcome}");
    assert!(!outcome.stdout.contains("estimated"), "{outcome}");
}

/// Compares with the exact solution u = 1/p + 1 - x.
fn weak_robin(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(12, 12, |s, t| [s, t]));
    for p in [1e-8, 1e-12] {
        let outlet = format!("outlet=robin:{p:e},0");
        let (_, results) = solve(&folder, ranks, &["mesh.h5", "--bc", "inlet=robin:0,1", "--bc", &outlet]);
        check(&results, |x| 1.0 / p + 1.0 - x, 1e-9);
    }
}

/// Compares with the exact solution u = 2.5 (2 - x)/2 behind a strong Robin condition.
fn strong_robin(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(12, 12, |s, t| [s, t]));
    let args = ["mesh.h5", "--bc", "inlet=robin:1e12,2.5e12", "--bc", "outlet=robin:1,0"];
    folder.run(ranks, &args).expect_code(0);
    check(&Results::read(&folder.path("quad8.h5")), |x| 1.25 * (2.0 - x), 1e-7);
}

/// Runs the script, which compares with direct solutions: all problems but the largest on 16 ranks,
/// and two strips in every mode.
fn family() {
    let run = |args: &[&str]| {
        let env = vec![("QUAD8_MPI".to_owned(), PROGRAM.to_owned())];
        let run = Run { ranks: 0, timeout: Duration::from_secs(900), env };
        run.run(&python::path(), &[&[SCRIPT], args].concat(), &Folder::new().path("")).expect_code(0);
    };
    run(&["--ranks", "16", "--small"]);
    for options in ["--operator assembled", "--refine 1", "--refine 2", "--reproducible", "--threads 2"] {
        run(&["--ranks", "2", "--only", "strip 700", &format!("--options={options}")]);
    }
}
