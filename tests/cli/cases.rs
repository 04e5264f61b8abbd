//! Checks problems by name: conditions on the command line, case files, flow reports.

use std::fs;

use hdf5::File;
use hdf5::types::VarLenUnicode;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::at_ranks;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::{Results, difference};

const INPUT: i32 = 2;
const IO: i32 = 3;

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("conditions_are_given_by_name", [1, 3], conditions),
        at_ranks("names_of_the_mesh_carry_conditions_and_materials", [1, 3], names),
        at_ranks("formulas_replace_numbers", [3], formulas),
        at_ranks("options_set_the_material", [2], material_by_options),
        at_ranks("a_robin_condition_alone_holds_the_solution", [2], robin_alone),
        at_ranks("the_starting_point_solves_the_default_problem", [0, 1, 3], starting_point),
        at_ranks("a_case_and_its_mesh_reproduce_the_run", [1, 3], reproduced),
        at_ranks("options_override_the_case", [2], overridden),
        at_ranks("outputs_of_a_case_lie_beside_it", [1], outputs),
        at_ranks("inflow_equals_outflow", [1, 3], conservation),
        bad_conditions(),
        bad_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn record(folder: &Folder) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.path("run.json")).unwrap()).unwrap()
}

/// Solves on a rectangle of 2 m by 1 m.
fn conditions(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let results = folder.solve(
        ranks,
        &[
            "mesh.h5",
            "--bc",
            "inlet=dirichlet:1",
            "--bc",
            "outlet=robin:3,-1.5",
            "--rtol",
            "1e-13",
            "--json",
            "run.json",
        ],
    );
    // The exact solution is u = 1 - c x with -c + 3 (1 - 2 c) = -1.5.
    let c = 4.5 / 7.0;
    for (x, u) in results.x.iter().zip(&results.u).filter(|(_, u)| !u.is_nan()) {
        assert!((u - (1.0 - c * x)).abs() < 1e-12, "u({x}) = {u}");
    }
    let flow = &record(&folder)["flow"];
    for (i, (name, expected)) in [("inlet", c), ("outlet", -c)].into_iter().enumerate() {
        let boundary = &flow["boundaries"][i];
        assert_eq!(boundary["name"], name);
        for kind in ["flow", "sampled"] {
            let found = boundary[kind].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-11, "{kind} through {name}: {found}, {expected}");
        }
    }
}

fn names(ranks: usize) {
    let folder = Folder::new();
    let case = "
        mesh = 't-junction'
        boundary.outlet_left = { robin = { p = '0.5', gamma = 1 } }
        boundary.wall = { dirichlet = 'x/10' }
        region.fluid = { k = 3, f = 0.25 }
        material.k = 'log(-1)'";
    fs::write(folder.path("case.toml"), case).unwrap();
    folder.run(ranks, &["case.toml", "--bc", "inlet=natural", "--json", "run.json"]).expect_code(0);
    let flow = &record(&folder)["flow"];
    let flows: Vec<(&str, f64)> = flow["boundaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|boundary| (boundary["name"].as_str().unwrap(), boundary["flow"].as_f64().unwrap()))
        .collect();
    let names: Vec<&str> = flows.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["inlet", "outlet_left", "outlet_right", "wall"]);
    assert!(flows[0].1 == 0.0 && flows[1..].iter().all(|(_, flow)| flow.abs() > 1e-3), "{flow:#}");
    assert!(flow["relative_imbalance"].as_f64().unwrap() < 1e-6 && flow["source"].as_f64().unwrap() > 1.0, "{flow:#}");
    let first = Results::read(&folder.path("quad8.h5"));
    fs::write(folder.path("again.toml"), case_of(&folder, "quad8.h5")).unwrap();
    assert!(folder.solve(ranks, &["again.toml"]).has_the_bits_of(&first));
}

/// Compares with u = x^2 + 3 x + 1, which the elements represent exactly.
fn formulas(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(5, 3));
    fs::write(folder.path("case.toml"), "mesh = 'mesh.h5'\nmaterial = { k = '1+x', f = '-(4*x + 5)' }").unwrap();
    let inlet = "inlet=robin:1+y, (1 + y) - 3";
    let outlet = "outlet=dirichlet:x^2 + 3*x + 1";
    let results = folder.solve(ranks, &["case.toml", "--bc", inlet, "--bc", outlet, "--rtol", "1e-13"]);
    for (x, u) in results.x.iter().zip(&results.u).filter(|(_, u)| !u.is_nan()) {
        assert!((u - (x * x + 3.0 * x + 1.0)).abs() < 1e-11, "u({x}) = {u}");
    }
}

/// Sets k and f by options: -(k u')' = f is -2 with u = x^2 / 2 + x - 4 where k = 2 and f = -2.
fn material_by_options(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(5, 3));
    fs::write(folder.path("case.toml"), "mesh = 'mesh.h5'\nmaterial = { k = 7, f = 7 }").unwrap();
    let conditions = ["--bc", "inlet=robin:0,-2", "--bc", "outlet=dirichlet:0"];
    let results = folder
        .solve(ranks, &[&["case.toml", "--k", "2", "--f", "-2*(1+0*x)", "--rtol", "1e-13"][..], &conditions].concat());
    for (x, u) in results.x.iter().zip(&results.u).filter(|(_, u)| !u.is_nan()) {
        assert!((u - (x * x / 2.0 + x - 4.0)).abs() < 1e-11, "u({x}) = {u}");
    }
}

fn robin_alone(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let args = ["mesh.h5", "--bc", "inlet=natural", "--bc", "outlet=robin:2,5", "--rtol", "1e-13"];
    let results = folder.solve(ranks, &args);
    assert!(results.u.iter().filter(|u| !u.is_nan()).all(|u| (u - 2.5).abs() < 1e-11));
}

fn starting_point(ranks: usize) {
    let folder = Folder::new();
    let outcome = folder.run(ranks, &["case"]).expect_code(0);
    assert_eq!(outcome.stderr, "");
    fs::write(folder.path("channel.toml"), outcome.stdout).unwrap();
    let plain = folder.solve(ranks, &[]);
    assert!(folder.solve(ranks, &["solve", "channel.toml"]).has_the_bits_of(&plain));
}

fn case_of(folder: &Folder, results: &str) -> String {
    let group = File::open(folder.path(results)).unwrap().group("run").unwrap();
    group.attr("case").unwrap().read_scalar::<VarLenUnicode>().unwrap().to_string()
}

fn reproduced(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let case = "
        mesh = 'mesh.h5'
        refine = 1
        boundary.inlet = { robin = { gamma = '1.7*exp(-y^2/3)' } }
        boundary.outlet = { dirichlet = 'sin(pi*y)/3' }
        material.k = '1 + 0.1*x'
        material.f = 1e-3
        constants = { density = 0.1 }
        solver = { rtol = 1e-10, operator = 'assembled' }
        output.results = 'first.h5'";
    fs::write(folder.path("case.toml"), case).unwrap();
    folder.run(ranks, &["solve", "case.toml", "--rtol", "1e-11"]).expect_code(0);
    let text = case_of(&folder, "first.h5");

    let elsewhere = Folder::new();
    fs::write(elsewhere.path("again.toml"), &text).unwrap();
    let again = elsewhere.solve(ranks, &["again.toml"]);
    assert!(again.has_the_bits_of(&Results::read(&folder.path("first.h5"))));
    assert_eq!(case_of(&elsewhere, "solved.h5"), text);
}

fn overridden(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let case = "mesh = 'mesh.h5'\nrefine = 1\nconstants.gamma = 9\n[boundary]\noutlet = { dirichlet = 7 }\n[solver]\nrtol = 1e-3";
    fs::write(folder.path("case.toml"), case).unwrap();
    let plain = folder.solve(ranks, &["mesh.h5"]);
    let options = ["--refine", "0", "--gamma", "2.5", "--bc", "outlet=dirichlet:0", "--rtol", "1e-8"];
    assert!(folder.solve(ranks, &[&["case.toml"][..], &options].concat()).has_the_bits_of(&plain));
}

fn outputs(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(2, 1));
    fs::create_dir(folder.path("study")).unwrap();
    let case = "mesh = '../mesh.h5'\n[output]\nresults = 'out.h5'\njson = 'run.json'";
    fs::write(folder.path("study/case.toml"), case).unwrap();
    folder.run(ranks, &["study/case.toml"]).expect_code(0);
    for name in ["out.h5", "out.xdmf", "run.json"] {
        assert!(folder.path("study").join(name).is_file(), "{name}");
    }
    assert_eq!(folder.names(), ["mesh.h5", "study"]);
    fs::write(folder.path("empty.toml"), "").unwrap();
    let outcome = folder.run(ranks, &["empty.toml"]).expect_code(0);
    assert!(outcome.stdout.contains("hint       empty.toml names no mesh: this is built-in y-channel\n"), "{outcome}");
}

fn conservation(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    for mesh in ["mesh.h5", "y-channel", "venturi", "backward-step", "elbow", "s-bend", "t-junction"] {
        let outcome = folder.run(ranks, &[mesh, "--json", "run.json"]).expect_code(0);
        let flow = &record(&folder)["flow"];
        let number = |name: &str| flow[name].as_f64().unwrap();
        assert!(number("relative_imbalance") < 1e-6 && number("inflow") > 1.0, "{mesh}: {flow:#}");
        assert!(outcome.stdout.lines().any(|line| line.starts_with("flow       inlet +")), "{outcome}");

        let boundaries = flow["boundaries"].as_array().unwrap();
        let group = File::open(folder.path("quad8.h5")).unwrap().group("run/flow").unwrap();
        for kind in ["flow", "sampled"] {
            let stored: Vec<f64> = group.attr(kind).unwrap().read_raw().unwrap();
            let recorded: Vec<f64> = boundaries.iter().map(|b| b[kind].as_f64().unwrap()).collect();
            assert!(difference(&stored, &recorded) < 1e-14, "{mesh}: {stored:?} and {recorded:?}");
        }
        let names: Vec<VarLenUnicode> = group.attr("boundary").unwrap().read_raw().unwrap();
        assert!(names.iter().map(|name| name.as_str()).eq(boundaries.iter().map(|b| b["name"].as_str().unwrap())));
    }
}

fn bad_conditions() -> Vec<Trial> {
    let bad = |name: &str, args, message| refused(name, args, INPUT, message, |_| ());
    [
        bad(
            "a_condition_on_an_unknown_boundary",
            &["--bc", "inlte=natural"],
            "there is no boundary 'inlte': did you mean inlet? the mesh has inlet, outlet, wall",
        ),
        bad("a_boundary_named_twice", &["--bc", "inlet=natural", "--bc", "inlet=robin:0,1"], "--bc is given twice"),
        bad(
            "an_unknown_condition",
            &["--bc", "inlet=neumann:1"],
            "must be dirichlet:VALUE, robin:P,GAMMA, flow:Q, floating:Q (Q a number) or natural",
        ),
        bad(
            "a_bad_formula",
            &["--bc", "inlet=robin:0,2*z"],
            "cannot read the expression '2*z': unknown name 'z' at position 3",
        ),
        bad(
            "a_formula_without_a_value",
            &["--bc", "outlet=dirichlet:log(y-9)"],
            "the value of boundary 'outlet' = 'log(y-9)' is NaN at x = 3, y = ",
        ),
        bad(
            "an_infinite_inflow",
            &["--bc", "inlet=robin:0,1/(x-x)"],
            "gamma of boundary 'inlet' = '1/(x-x)' is inf at x = ",
        ),
        bad("a_negative_transfer", &["--bc", "inlet=robin:-1,2"], "p of boundary 'inlet' = -1, it must be 0 or more"),
        bad(
            "a_piece_that_nothing_holds",
            &["--bc", "outlet=robin:0,-1"],
            "touches no Dirichlet edge and no Robin edge",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn bad_cases() -> Vec<Trial> {
    let bad = |name: &str, case: &'static str, message| {
        refused(name, &["case.toml"], INPUT, message, move |folder| {
            fs::write(folder.path("case.toml"), case).unwrap();
        })
    };
    [
        refused("a_missing_case", &["case.toml"], IO, "cannot open case.toml: No such file or directory", |_| ()),
        refused("a_case_that_is_no_text", &["case.toml"], INPUT, "case.toml, line 2: this is not UTF-8", |folder| {
            fs::write(folder.path("case.toml"), b"refine = 1\n\xff").unwrap();
        }),
        bad(
            "an_unknown_key",
            "refine = 1\n\n[solver]\nrtoll = 1e-9",
            "case.toml, line 4: there is no key 'rtoll' here: did you mean rtol? the keys are rtol, max_iterations, ",
        ),
        bad("an_unknown_region", "[region.sand]\nk = 2", "there is no region 'sand': the mesh has fluid"),
        bad("a_negative_conductivity", "material.k = '1 - x'", "k = '1 - x' is -"),
        bad("a_conductivity_of_zero", "material.k = 0", "k = 0, it must be more than 0"),
        bad(
            "a_conductivity_that_is_not_positive_definite",
            "material.k = [1, 2, 1]",
            "k = [1, 2, 1] is kxx = 1, kxy = 2, kyy = 1 at x = 0",
        ),
        bad("a_negative_direction", "region.fluid.k = [1, '-1']", "kyy = -1 at x = "),
        bad("a_source_that_is_not_finite", "material.f = 'log(x-1)'", "f = 'log(x-1)' is NaN at x = "),
        refused("a_case_without_its_mesh", &["case.toml"], IO, "cannot open lost.h5: No such file", |folder| {
            fs::write(folder.path("case.toml"), "mesh = 'lost.h5'").unwrap();
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
