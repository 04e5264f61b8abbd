//! Problems that are too stiff for multigrid in single precision: slender
//! elements, conductivities that jump by many orders of magnitude, and weak Robin
//! conditions that alone hold the solution.

use std::fs;

use hdf5::File;
use hdf5::types::VarLenUnicode;
use libtest_mimic::Trial;

use crate::at_ranks;
use crate::mesh::Mesh;
use crate::mpirun::Outcome;
use crate::program::Folder;
use crate::results::{Results, difference};

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("a_slender_strip_is_solved", [1, 2, 4], strip),
        at_ranks("a_slender_strip_is_solved_in_every_way", [2], strip_in_every_way),
        at_ranks("a_conductivity_that_jumps_by_twelve_orders_is_solved", [1, 2], inclusion),
        at_ranks("rounding_on_stiff_problems_is_no_fault", [1], no_false_alarm),
        at_ranks("a_weak_robin_condition_alone_holds_the_solution", [1, 4], weak_robin),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const IN_DOUBLE: &str = "multigrid in double precision";

/// Runs the program, which must solve with multigrid in double precision and say so.
fn solve(folder: &Folder, ranks: usize, args: &[&str]) -> (Outcome, Results) {
    let outcome = folder.run(ranks, &[args, &["--json", "run.json"]].concat()).expect_code(0);
    assert!(outcome.stdout.contains(&format!(" {IN_DOUBLE} after iteration ")), "{outcome}");
    for alarm in ["memory of the hosts", "error: "] {
        assert!(!outcome.stderr.contains(alarm), "{outcome}");
    }
    let run = folder.json("run.json");
    let used = run["convergence"]["preconditioners"].as_array().unwrap();
    let texts: Vec<[&str; 2]> =
        used.iter().map(|one| ["name", "precision"].map(|key| one[key].as_str().unwrap())).collect();
    assert_eq!(texts, [["multigrid", "single"], ["multigrid", "double"]]);
    assert_eq!((&used[0]["from_iteration"], used[0]["reason"].is_null()), (&0.into(), true));
    assert!(used[1]["reason"].as_str().unwrap().starts_with("r.Mr "), "{used:?}");
    assert!(run["solution_stats"]["relative_residual"].as_f64().unwrap() <= 1e-8);
    let group = File::open(folder.path("quad8.h5")).unwrap().group("run").unwrap();
    let text: VarLenUnicode = group.attr("preconditioner_used").unwrap().read_scalar().unwrap();
    assert_eq!(text.as_str(), IN_DOUBLE);
    (outcome, Results::read(&folder.path("quad8.h5")))
}

/// Compares u with a linear function of x, relative to its largest value.
fn check(results: &Results, u: impl Fn(f64) -> f64, tolerance: f64) {
    let exact: Vec<f64> =
        results.x.iter().zip(&results.u).map(|(&x, found)| if found.is_nan() { f64::NAN } else { u(x) }).collect();
    let error = difference(&results.u, &exact);
    assert!(error < tolerance, "{error:e}");
}

/// 1 km by 10 cm, elements of 100 to 1.
fn slender() -> Folder {
    Folder::with(&Mesh::grid(400, 4, |s, t| [1000.0 * s, 0.1 * t]))
}

fn strip(ranks: usize) {
    let (_, results) = solve(&slender(), ranks, &["mesh.h5"]);
    check(&results, |x| 2.5 * (1000.0 - x), 1e-9);
}

fn strip_in_every_way(ranks: usize) {
    let folder = slender();
    // The entries of an assembled matrix are rounded: that counts as much as the condition, 1e8, allows.
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

/// A disk that conducts so well that its conductivity no longer matters. Elements at its rim have
/// both conductivities at their Gauss points: there rounding in b - K u hides more than the tolerance.
fn inclusion(ranks: usize) {
    let [ten, twelve] = ["1e10", "1e12"].map(|k| solve(&disk(k), ranks, &["case.toml"]).1);
    assert!(difference(&ten.u, &twelve.u) < 1e-5);
}

/// A case with a disk of this conductivity in a unit square of 1.
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

/// Rounding in products with k = 1e12 is large beside b. It is no reason to check the memory.
fn no_false_alarm(ranks: usize) {
    let args = ["case.toml", "--preconditioner", "jacobi", "--max-iterations", "500"];
    let outcome = disk("1e12").run(ranks, &args).expect_code(1);
    assert!(outcome.stderr.contains("raise --max-iterations"), "{outcome}");
    assert!(!outcome.stderr.contains("memory of the hosts"), "{outcome}");
    assert!(!outcome.stdout.contains("estimated"), "{outcome}");
}

/// u = 1/p + 1 - x.
fn weak_robin(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(12, 12, |s, t| [s, t]));
    for p in [1e-8, 1e-12] {
        let outlet = format!("outlet=robin:{p:e},0");
        let (_, results) = solve(&folder, ranks, &["mesh.h5", "--bc", "inlet=robin:0,1", "--bc", &outlet]);
        check(&results, |x| 1.0 / p + 1.0 - x, 1e-9);
    }
}
