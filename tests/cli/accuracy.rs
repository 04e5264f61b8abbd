//! `--until-error`: refinement until the estimated error is small enough.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::checkpoints::STOPPED;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::{refused, refused_alone};
use crate::results::{Results, difference};
use crate::{at_ranks, test};

const NOT_CONVERGED: i32 = 1;
const INPUT: i32 = 2;

pub fn tests() -> Vec<Trial> {
    let range = "must be between 0 and 1";
    let refused_error = |name: &str, args, message| refused_alone(name, args, INPUT, message, |_| ());
    [
        at_ranks("a_smooth_solution_is_refined_until_its_error_is_small", [1, 3, 7], smooth),
        at_ranks("a_corner_ends_refinement_with_its_rate_and_its_place", [1, 3, 7], corner),
        vec![
            test("a_source_at_a_point_has_no_limit_of_the_energy", well),
            test("a_stopped_refinement_continues_on_the_mesh_of_the_checkpoint::ranks_2", stopped),
            refused_error("an_error_of_zero", &["--until-error", "0"], range),
            refused_error("a_negative_error", &["--until-error", "-1%"], range),
            refused_error("an_error_that_is_everything", &["--until-error", "100%"], range),
            refused_error("an_error_without_a_number", &["--until-error", "abc"], "not a number"),
        ],
        refused(
            "a_dry_run_until_an_error",
            &["--until-error", "1%", "--dry-run"],
            INPUT,
            "cannot be used with",
            |_| (),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Arguments of a solve with a smooth solution on `mesh.h5`.
pub const SMOOTH: [&str; 5] = ["mesh.h5", "--f", "5*sin(2*x)*cos(y)", "--until-error", "0.2%"];

/// Returns a column of the table of levels of a record.
fn column(record: &Value, key: &str) -> Vec<f64> {
    let levels = record["accuracy"]["levels"].as_array().unwrap();
    levels.iter().map(|level| level[key].as_f64().unwrap()).collect()
}

fn smooth(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let outcome = folder.run(ranks, &[&SMOOTH[..], &["--json", "run.json"]].concat()).expect_code(0);
    let record = folder.json("run.json");
    assert_eq!(column(&record, "refine"), [0.0, 1.0, 2.0], "{record:#}");
    assert_eq!(column(&record, "unknowns"), [37.0, 121.0, 433.0]);
    let errors = column(&record, "error_estimate_percent");
    assert!(errors[1] > 0.2 && errors[2] <= 0.2, "{errors:?}");
    let rate = (errors[1] / errors[2]).log2();
    assert!((1.8..2.5).contains(&rate), "{errors:?}");
    let line = outcome.stdout.lines().find(|line| line.trim_start().starts_with("2             433 "));
    assert!(line.is_some_and(|line| line.contains(&format!(" {rate:.2} "))), "{rate} is not in {outcome}");

    // The results are those of the last mesh.
    assert_eq!((&record["mesh_info"]["refine"], &record["mesh_info"]["used_nodes"]), (&2.into(), &433.into()));
    assert_eq!(record["solution_stats"]["error_estimate_percent"], errors[2]);
    assert!(record["case"].as_str().unwrap().contains("\nrefine = 2\n"));
    let found = Results::read(&folder.path("quad8.h5"));
    let alone = folder.solve(1, &[&SMOOTH[..3], &["--refine", "2", "-o", "quad8.h5"]].concat());
    assert!(found.has_the_mesh_of(&alone) && difference(&found.u, &alone.u) < 1e-7);

    // Its times are those of several solves.
    let report = folder.run(0, &["report", "run.json"]).expect_code(INPUT);
    assert!(report.stderr.contains("the run in run.json solved on several meshes"), "{report}");

    // A mesh that is fine enough is not refined.
    let args = [&SMOOTH[..], &["--refine", "2", "--operator", "assembled", "--json", "fine.json"]].concat();
    folder.run(ranks, &args).expect_code(0);
    assert_eq!(column(&folder.json("fine.json"), "refine"), [2.0]);
}

fn corner(ranks: usize) {
    let folder = Folder::new();
    let step = ["backward-step", "--element-size", "0.25", "--until-error", "0.00001", "--json", "run.json"];
    let outcome = folder.run(ranks, &step).expect_code(NOT_CONVERGED);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    for text in
        ["instead of 0.001 %: its rate of convergence is 0.", "a smooth solution has 2", "quad8.h5 holds the last"]
    {
        assert!(error.contains(text), "{text} is not in {outcome}");
    }
    let record = folder.json("run.json");
    let errors = column(&record, "error_estimate_percent");
    assert!(errors.len() >= 3 && errors.is_sorted_by(|a, b| a > b), "{errors:?}");
    let rate = (errors[errors.len() - 2] / errors[errors.len() - 1]).log2();
    assert!((0.55..1.0).contains(&rate), "{errors:?}");
    assert_eq!((&record["converged"], &record["mesh_info"]["refine"]), (&true.into(), &(errors.len() - 1).into()));
    Results::read(&folder.path("quad8.h5"));
}

fn well() {
    let folder = Folder::new();
    let case = "mesh = { channel = \"channel\", element_size = 0.25 }\n[[source]]\nat = [0.5, 0.3]\nstrength = 1\n";
    std::fs::write(folder.path("well.toml"), case).unwrap();
    let outcome = folder.run(0, &["well.toml", "--until-error", "0.1%"]).expect_code(NOT_CONVERGED);
    assert!(outcome.errors()[0].contains("no mesh is fine enough: give f of a region instead"), "{outcome}");
}

/// Stops in iteration 30, which the solve on the second mesh is the first to reach.
fn stopped() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let args = [&SMOOTH[..], &["--preconditioner", "jacobi", "--json", "run.json"]].concat();
    folder.run(2, &args).expect_code(0);
    let whole = (folder.json("run.json"), Results::read(&folder.path("quad8.h5")));
    let iterations = column(&whole.0, "iterations");
    assert!(iterations[0] < 30.0 && iterations[1] > 30.0, "{iterations:?}");
    folder.run_with(2, &[("QUAD8_MPI_FAULT", "usr1@iteration-30:1")], &args).expect_code(STOPPED);
    folder.run(2, &[&args[..], &["--restart", "quad8.checkpoint.h5"]].concat()).expect_code(0);
    assert_eq!(column(&folder.json("run.json"), "refine"), [1.0, 2.0]);
    assert!(Results::read(&folder.path("quad8.h5")).has_the_bits_of(&whole.1));
}
