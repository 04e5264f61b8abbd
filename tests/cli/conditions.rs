//! Checks the conditions of each boundary, conditions on curves inside the domain, and the unit of
//! the coordinates.

use std::fs;

use hdf5::File;
use hdf5::types::VarLenUnicode;
use libtest_mimic::Trial;

use crate::at_ranks;
use crate::formats::data;
use crate::mesh::Mesh;
use crate::mpirun::Outcome;
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::{Results, difference};

pub fn tests() -> Vec<Trial> {
    let on_curve = "boundary 'inner line' has 3 of its 3 edges inside the domain, one of them from node 1 at x = 1, y = 0 \
                    to node 36 at x = 1, y = 0.333333 (indices start at 0): its condition robin 0, 1 needs the outside on one side";
    [
        at_ranks("conditions_are_shown_and_kept_in_the_case", [1, 3], shown_and_kept),
        at_ranks("floating_boundaries_take_the_potential_of_their_flow", [1, 3, 7], floating),
        at_ranks("the_flow_of_wells_is_that_of_the_exact_solution", [1, 3, 7], wells),
        refused(
            "a_well_outside",
            &["case.toml"],
            2,
            "the well at x = 2.5, y = 0.5 (m) lies outside the mesh",
            |folder| {
                fs::write(folder.path("case.toml"), "mesh = 'y-channel'\nsource = [{ at = [2.5, 0.5], strength = 1 }]")
                    .unwrap();
            },
        ),
        refused("a_floating_boundary_alone", &["--bc", "outlet=floating"], 2, "touches no Dirichlet edge", |_| ()),
        refused(
            "a_total_flow_inside",
            &["names.msh", "--bc", "inner line=flow:1"],
            2,
            "its condition flow 1 needs the outside",
            |folder| {
                fs::copy(data("names.msh"), folder.path("names.msh")).unwrap();
            },
        ),
        at_ranks("a_dirichlet_condition_holds_on_a_curve_inside_the_domain", [1, 3], held_inside),
        refused("a_robin_condition_inside", &["names.msh", "--bc", "inner line=robin:0,1"], 2, on_curve, |folder| {
            fs::copy(data("names.msh"), folder.path("names.msh")).unwrap();
        }),
        at_ranks("millimetres_are_scaled_and_large_domains_hinted_at", [2], scaled),
        refused("a_scale_of_zero", &["--scale", "0"], 2, "must be more than 0", |_| ()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn with(name: &str) -> Folder {
    let folder = Folder::new();
    fs::copy(data(name), folder.path(name)).unwrap();
    folder
}

fn case_of(folder: &Folder, results: &str) -> String {
    let group = File::open(folder.path(results)).unwrap().group("run").unwrap();
    group.attr("case").unwrap().read_scalar::<VarLenUnicode>().unwrap().to_string()
}

fn expect_lines(outcome: &Outcome, lines: &[&str]) {
    for line in lines {
        assert!(outcome.stdout.lines().any(|found| found == *line), "{line} is not in {outcome}");
    }
}

fn shown_and_kept(ranks: usize) {
    let folder = with("plain.npz");
    let args = ["plain.npz", "--gamma", "2", "--bc", "outlet=dirichlet:y", "--json", "run.json"];
    let outcome = folder.run(ranks, &args).expect_code(0);
    let shown = [
        "boundary   no names in the mesh: inlet guessed at x = 0, 3 edges; outlet guessed at x = 2, 3 edges",
        "           inlet      robin 0, 2 (default)",
        "           outlet     dirichlet 'y'",
        "           (no name)  natural (default)",
    ];
    expect_lines(&outcome, &shown);
    let conditions = &folder.json("run.json")["conditions"];
    let expected = serde_json::json!([
        { "boundary": "inlet", "condition": { "robin": { "p": 0.0, "gamma": 2.0 } }, "source": "default", "edges": 3, "inside": 0 },
        { "boundary": "outlet", "condition": { "dirichlet": "y" }, "source": "command line", "edges": 3, "inside": 0 },
        { "boundary": null, "condition": "natural", "source": "default", "edges": 12, "inside": 0 },
    ]);
    assert_eq!(*conditions, expected);

    // The case in the results file reproduces the run, on the mesh file and on the results file.
    let first = Results::read(&folder.path("quad8.h5"));
    let case = case_of(&folder, "quad8.h5");
    for line in ["[boundary.inlet.robin]", "gamma = 2.0", "[boundary.outlet]", "dirichlet = \"y\""] {
        assert!(case.lines().any(|found| found == line), "{line} is not in\n{case}");
    }
    let other_default = case.replace("[constants]\ngamma = 2.0", "[constants]\ngamma = 7.0");
    assert_ne!(case, other_default);
    let full = folder.path("plain.npz").canonicalize().unwrap().display().to_string();
    fs::write(folder.path("again.toml"), &other_default).unwrap();
    fs::write(folder.path("results.toml"), case.replace(&full, "quad8.h5")).unwrap();
    for again in ["again.toml", "results.toml"] {
        let outcome = folder.run(ranks, &["solve", again, "-o", "again.h5"]).expect_code(0);
        expect_lines(&outcome, &["           (no name)  natural (default)"]);
        assert!(outcome.stdout.contains("inlet      robin 0, 2\n"), "{outcome}");
        assert!(Results::read(&folder.path("again.h5")).has_the_bits_of(&first), "{again}");
    }

    let dry = folder.run(ranks, &["plain.npz", "--dry-run"]).expect_code(0);
    expect_lines(
        &dry,
        &[
            "boundary   no names in the mesh: inlet guessed at the smallest x, outlet at the largest",
            "           inlet   robin 0, 2.5 (default)",
            "           outlet  dirichlet 0 (default)",
        ],
    );
    let dry = folder.run(ranks, &["quad8.h5", "--dry-run", "--bc", "outlet=natural"]).expect_code(0);
    expect_lines(&dry, &["boundary   inlet   robin 0, 2.5 (default)", "           outlet  natural"]);
    let check = folder.run(ranks, &["check", "plain.npz"]).expect_code(0);
    let lines = [
        "boundary    no names in the mesh: inlet guessed at x = 0, 3 edges; outlet guessed at x = 2, 3 edges",
        "boundary    inlet: 3 edges, 1 m, robin 0, 2.5 (default)",
        "boundary    (no name): 12 edges, 4 m, natural (default)",
    ];
    expect_lines(&check, &lines);
}

/// Solves a flow of 2.5 m/s to a line at x = 1 m where u is 3, and from there to u = 0 at x = 2 m.
fn held_inside(ranks: usize) {
    let folder = with("names.msh");
    for options in [&["--refine", "0", "--operator", "assembled"][..], &["--refine", "1", "--reproducible=4"]] {
        let args = ["names.msh", "--bc", "inner line=dirichlet:3", "--rtol", "1e-13", "--json", "run.json"];
        let outcome = folder.run(ranks, &[&args[..], options].concat()).expect_code(0);
        expect_lines(&outcome, &["           inner line              dirichlet 3, inside the domain"]);
        assert!(!outcome.stderr.contains("inside"), "{outcome}");
        let results = Results::read(&folder.path("quad8.h5"));
        for (x, u) in results.x.iter().zip(&results.u) {
            let expected = if *x < 1.0 { 3.0 + 2.5 * (1.0 - x) } else { 3.0 * (2.0 - x) };
            assert!((u - expected).abs() < 1e-10, "u({x}) = {u}, not {expected}");
        }
        let record = folder.json("run.json");
        let flow = record["flow"]["boundaries"].as_array().unwrap().iter().find(|flow| flow["name"] == "inner line");
        for kind in ["flow", "sampled"] {
            let found = flow.unwrap()[kind].as_f64().unwrap();
            assert!((found - 0.5).abs() < 1e-9, "{kind} {found}");
        }
        assert!(record["flow"]["relative_imbalance"].as_f64().unwrap() < 1e-10, "{record:#}");
        let inside = |part: &serde_json::Value| part["boundary"] == "inner line" && part["inside"] == 3;
        assert!(record["conditions"].as_array().unwrap().iter().any(inside), "{record:#}");
    }
    // The results file keeps the curve.
    let first = Results::read(&folder.path("quad8.h5"));
    let again = folder.solve(ranks, &["quad8.h5", "--bc", "inner line=dirichlet:3", "--rtol", "1e-13"]);
    assert!(again.has_the_mesh_of(&first) && difference(&again.u, &first.u) < 1e-10);
    let natural = folder.run(ranks, &["names.msh", "--bc", "inner line=natural"]).expect_code(0);
    assert!(!natural.stderr.contains("inside"), "{natural}");
}

/// Solves the flow of [`held_inside`], given by the total flows instead of the potentials.
fn floating(ranks: usize) {
    let folder = with("names.msh");
    let line = ["names.msh", "--bc", "inner line=floating:0.5", "--rtol", "1e-12", "--json", "run.json"];
    let cases = [
        (&["--bc", "Inlet=flow:2.5", "--operator", "assembled"][..], None),
        (&["--bc", "Inlet=floating:2.5", "--refine", "1", "--reproducible=7"], Some(5.5)),
    ];
    for (options, at_inlet) in cases {
        folder.run(ranks, &[&line[..], options].concat()).expect_code(0);
        let results = Results::read(&folder.path("quad8.h5"));
        for (x, u) in results.x.iter().zip(&results.u) {
            let expected = if *x < 1.0 { 3.0 + 2.5 * (1.0 - x) } else { 3.0 * (2.0 - x) };
            assert!((u - expected).abs() < 1e-9, "u({x}) = {u}, not {expected}");
        }
        let record = folder.json("run.json");
        for (name, potential) in [("inner line", Some(3.0)), ("Inlet", at_inlet), ("outlet to the sea", None)] {
            let conditions = record["conditions"].as_array().unwrap();
            let found = conditions.iter().find(|part| part["boundary"] == name).unwrap()["potential"].as_f64();
            assert_eq!(found.is_some(), potential.is_some());
            assert!((found.unwrap_or(0.0) - potential.unwrap_or(0.0)).abs() < 1e-9, "{name}: {found:?}");
        }
    }
    let case = case_of(&folder, "quad8.h5");
    assert!(case.contains("floating = 0.5") && case.contains("floating = 2.5"), "{case}");
}

/// Puts wells between two drains, at x = 0 and x = 2 m. A linear function is discretely harmonic,
/// so that a well at x gives 1 - x / 2 of its strength to the first one, wherever it lies.
fn wells(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(6, 3));
    let solve = |wells: &str, options: &[&str]| {
        let case = format!(
            "mesh = 'mesh.h5'\nboundary = {{ inlet = {{ dirichlet = 0 }}, outlet = {{ dirichlet = 0 }} }}\nsource = [{wells}]"
        );
        fs::write(folder.path("case.toml"), case).unwrap();
        let args = ["case.toml", "--rtol", "1e-12", "--json", "run.json"];
        folder.run(ranks, &[&args[..], options].concat()).expect_code(0);
        let flow = folder.json("run.json")["flow"].clone();
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        [number(&flow["boundaries"][0]["flow"]), number(&flow["boundaries"][1]["flow"]), number(&flow["source"])]
    };
    // Inside an element, on an edge, and beside a drain.
    let pumps =
        "{ at = [0.57, 0.31], strength = 3 }, { at = [1, 0.4], strength = -1 }, { at = [1.99, 0.99], strength = 2 }";
    for options in [&[][..], &["--refine", "1", "--reproducible=7"]] {
        let found = solve(pumps, options);
        let to_outlet = 3.0 * 0.57 / 2.0 - 0.5 + 2.0 * 1.99 / 2.0;
        for (found, expected) in found.into_iter().zip([to_outlet - 4.0, -to_outlet, 4.0]) {
            assert!((found - expected).abs() < 1e-9, "{found}, {expected}");
        }
    }
    // A well in the middle, at a node, has a symmetric solution.
    solve("{ at = [1, 0.5], strength = 3 }", &["--refine", "1"]);
    let results = Results::read(&folder.path("quad8.h5"));
    for (i, (x, y)) in results.x.iter().zip(&results.y).enumerate() {
        let mirrored =
            (0..results.x.len()).find(|&j| (results.x[j] - (2.0 - x)).hypot(results.y[j] - (1.0 - y)) < 1e-9);
        // The centres of the elements are no nodes of them: u is NaN there.
        let difference = results.u[mirrored.unwrap()] - results.u[i];
        assert!(difference.is_nan() || difference.abs() < 1e-9);
    }
}

/// Scales a rectangle of 2000 mm by 1000 mm.
fn scaled(ranks: usize) {
    const HINT: &str = "x from 0 to 2000 m: if these are millimetres, use --scale 0.001";
    let folder = Folder::with(&Mesh::grid(4, 2, |s, t| [2000.0 * s, 1000.0 * t]));
    let plain = folder.run(ranks, &["mesh.h5", "-o", "plain.h5"]).expect_code(0);
    assert_eq!(plain.stderr.matches(HINT).count(), 1, "{plain}");
    let metres = folder.run(ranks, &["mesh.h5", "--scale", "1", "-o", "metres.h5"]).expect_code(0);
    assert!(!metres.stderr.contains("millimetres"), "{metres}");

    // A partition is valid with every scale.
    let parts = ["partition", "mesh.h5", "-n", &ranks.to_string()];
    folder.run(1, &parts).expect_code(0);
    let args = ["mesh.h5", "--scale", "0.001", "--partition", "parts.h5", "--rtol", "1e-13", "--json", "run.json"];
    let outcome = folder.run(ranks, &[&args[..], &["-o", "first.h5"]].concat()).expect_code(0);
    assert!(outcome.stdout.contains("mesh.h5, scaled by 0.001: 8 elements"), "{outcome}");
    assert!(!outcome.stderr.contains("millimetres"), "{outcome}");
    assert_eq!(folder.json("run.json")["mesh_info"]["scale"], 0.001);
    let first = Results::read(&folder.path("first.h5"));
    for (x, u) in first.x.iter().zip(&first.u).filter(|(_, u)| !u.is_nan()) {
        assert!((u - 2.5 * (2.0 - x)).abs() < 1e-11, "u({x}) = {u}");
    }
    let case = case_of(&folder, "first.h5");
    assert!(case.contains("\nscale = 0.001\n"), "{case}");
    fs::write(folder.path("again.toml"), case).unwrap();
    let again = folder.run(ranks, &["again.toml", "--partition", "parts.h5", "-o", "again.h5"]).expect_code(0);
    assert!(Results::read(&folder.path("again.h5")).has_the_bits_of(&first), "{again}");

    // Coordinates of results are in metres.
    let large = folder.run(ranks, &["plain.h5", "--scale", "0.5"]).expect_code(0);
    assert!(large.stderr.contains("the input states the unit of its coordinates"), "{large}");
    let large = folder.run(ranks, &["check", "plain.h5"]).expect_code(0);
    assert!(large.stdout.contains("verdict     good") && !large.stdout.contains("millimetres"), "{large}");
    let check = folder.run(1, &["check", "mesh.h5"]).expect_code(0);
    assert!(check.stdout.contains(HINT), "{check}");
    let check = folder.run(1, &["check", "mesh.h5", "--scale", "0.001"]).expect_code(0);
    expect_lines(&check, &["boundary    outlet: 2 edges, 1 m, dirichlet 0 (default)"]);
}
