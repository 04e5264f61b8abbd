//! Checks the subcommands `check` and `meshes`.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::formats::data;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused_alone;
use crate::results::Results;
use crate::{at_ranks, test};

const BUILT_IN: [&str; 6] = ["y-channel", "venturi", "backward-step", "elbow", "s-bend", "t-junction"];

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("a_good_mesh_is_reported_as_good", [1, 3], good),
        at_ranks("all_flaws_of_a_mesh_are_listed", [1, 3], bad),
        at_ranks("an_unreadable_mesh_has_a_report", [1, 2], unreadable),
        at_ranks("a_case_is_checked_with_its_mesh", [2], case),
        at_ranks("separate_pieces_and_duplicate_nodes_are_reported", [1, 4], torn),
        at_ranks("folded_elements_are_named_and_make_a_mesh_doubtful", [1, 3], folded),
        at_ranks("slender_elements_are_reported", [1, 3], slender),
        at_ranks("a_channel_of_a_wanted_size_is_solved_and_its_case_reproduces_it", [1, 3, 7], channel),
        at_ranks("options_make_a_channel_of_a_built_in_mesh", [0, 2], resized),
        no_channel("dimensions_of_a_mesh_that_is_no_channel", &["--nodes", "1e5"], "not for built-in y-channel"),
        no_channel("a_dimension_of_no_channel", &["venturi", "--set", "troat=1"], "did you mean throat?"),
        no_channel(
            "a_throat_as_wide_as_the_channel",
            &["venturi", "--set", "throat=1"],
            "must be less than height = 1",
        ),
        no_channel("a_dimension_without_a_value", &["venturi", "--set", "throat"], "must be NAME=VALUE"),
        no_channel("a_negative_dimension", &["venturi", "--set", "throat=-1"], "must be more than 0"),
        no_channel("two_sizes", &["nozzle", "--nodes", "9", "--element-size", "1"], "cannot be used with"),
        vec![
            test("the_check_report_does_not_depend_on_the_ranks", at_any_ranks),
            test("built_in_meshes_are_listed", listed),
            test("a_file_takes_precedence_over_a_built_in_mesh", file_first),
        ],
        BUILT_IN.map(|name| test(format!("a_built_in_mesh_conserves_its_flow::{name}"), move || flow(name))).into(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn no_channel(name: &str, args: &'static [&'static str], message: &'static str) -> Vec<Trial> {
    vec![refused_alone(name, args, 2, message, |_| ())]
}

fn channel(ranks: usize) {
    let folder = Folder::new();
    let size = ["rectangle", "--set", "before=0.5", "--nodes", "2000", "--refine", "1"];
    let results = folder.solve(ranks, &size);
    assert!((1_800..2_300).contains(&results.x.len()), "{}", results.x.len());
    // The potential falls by the inflow, 2.5 m/s, times a length that the rectangle adds to.
    let largest = results.u.iter().copied().fold(0.0, f64::max);
    assert!((largest / (2.5 * 2.937) - 1.0).abs() < 0.005, "{largest}");
    let file = hdf5::File::open(folder.path("solved.h5")).unwrap();
    let case: hdf5::types::VarLenUnicode = file.group("run").unwrap().attr("case").unwrap().read_scalar().unwrap();
    assert!(case.contains("channel = \"rectangle\""), "{case}");
    fs::write(folder.path("again.toml"), case.as_str()).unwrap();
    let again = folder.solve(ranks, &["again.toml"]);
    assert_eq!((again.x, again.u), (results.x, results.u));
}

fn resized(ranks: usize) {
    let folder = Folder::new();
    let dry = folder.run(ranks, &["venturi", "--nodes", "1e6", "--dry-run"]).expect_code(0);
    assert!(dry.stdout.contains("channel venturi element_size=") && dry.stdout.contains("refined 3 times"), "{dry}");
    let checked = folder.run(ranks, &["check", "elbow", "--element-size", "0.1"]).expect_code(0);
    assert!(checked.stdout.contains("inlet: 10 edges, 1 m"), "{checked}");
}

fn report(folder: &Folder, ranks: usize, mesh: &str, code: i32) -> Value {
    let outcome = folder.run(ranks, &["check", mesh, "--json", "-"]).expect_code(code);
    assert!(outcome.errors().is_empty(), "{outcome}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn good(ranks: usize) {
    let folder = Folder::new();
    fs::copy(data("names.msh"), folder.path("names.msh")).unwrap();
    let outcome = folder.run(ranks, &["check", "names.msh"]).expect_code(0);
    for line in [
        "elements    18, 0 of them clockwise",
        "nodes       73, 0 of them in no element, 0 at the place of another",
        "pieces      1",
        "boundary    Höhe über Grund – Wand: 6 edges, 2 m",
        "boundary    inner line: 3 edges, 1 m, natural (default), inside the domain",
        "boundary    (no name): 6 edges, 2 m",
        "region      cold rock: 9 elements, 1 m^2",
        "quality     scaled Jacobian at least 1 (element ",
        "            aspect ratio at most 1 (element ",
        " in Gmsh] near x = ",
        "warning     3 named edges lie inside the domain (inner line: 3): no condition holds there",
        "verdict     good, with 1 warning",
    ] {
        assert!(outcome.stdout.contains(line), "{line} is not in {outcome}");
    }
    folder.run(ranks, &["check", "names.msh", "--json", "report.json"]).expect_code(0);
    let found: Value = serde_json::from_slice(&fs::read(folder.path("report.json")).unwrap()).unwrap();
    assert_eq!((found["verdict"].as_str(), found["mesh"]["nodes"].as_u64()), (Some("good"), Some(73)));
    assert_eq!(found["mesh"]["scaled_jacobian"]["histogram"][9].as_u64(), Some(18));
    assert_eq!(folder.names(), ["names.msh", "report.json"]);
}

fn bad(ranks: usize) {
    let mut mesh = Mesh::rectangle(4, 2);
    mesh.y[40] = -1.0;
    mesh.x[44] = f64::NAN;
    mesh.quad8[6][7] = mesh.add_node(1.0, 0.75);
    let folder = Folder::with(&mesh);
    let found = report(&folder, ranks, "mesh.h5", 2);
    let errors = texts(&found["errors"]);
    let expected = [
        "element 5: the Jacobian determinant is",
        "element 6: the Jacobian determinant is",
        "element 7: the coordinates (NaN, 1) of its node 44 are not finite",
        "element 5: its edge from node 22 to node 40 has middle node 31, another element has 45 there",
    ];
    for expected in expected {
        assert!(errors.iter().any(|error| error.starts_with(expected)), "{expected} is not in {errors:#?}");
    }
    assert_eq!(found["verdict"].as_str(), Some("bad"));
    assert_eq!(found["mesh"]["orphan_nodes"].as_u64(), Some(8));
    let folded = found["mesh"]["scaled_jacobian"]["folded"].as_u64().unwrap();
    assert!(folded >= 3, "{folded}");
    let text = folder.run(ranks, &["check", "mesh.h5"]).expect_code(2).stdout;
    assert!(text.contains(&format!("verdict     bad: {} errors", errors.len())), "{text}");
}

fn unreadable(ranks: usize) {
    let folder = Folder::new();
    fs::copy(data("triangles.msh"), folder.path("mesh.msh")).unwrap();
    let found = report(&folder, ranks, "mesh.msh", 2);
    assert!(texts(&found["errors"])[0].contains("52 triangles") && found["mesh"].is_null(), "{found}");
    folder.run(ranks, &["check", "missing.h5"]).expect_code(3);
}

/// Checks a good case, which names no mesh, and cases with one mistake each.
fn case(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let check = |case: &str, code| {
        fs::write(folder.path("case.toml"), case).unwrap();
        report(&folder, ranks, "case.toml", code)
    };
    let good = check("boundary.wall = { dirichlet = 'x' }", 0);
    assert_eq!((good["source"].as_str(), good["verdict"].as_str()), (Some("built-in y-channel"), Some("good")));
    for (line, expected) in [
        ("boundary.inlte = 'natural'", "there is no boundary 'inlte': did you mean inlet? the mesh has inlet, outlet"),
        ("boundary.outlet = 'natural'", "touches no Dirichlet edge and no Robin edge with p > 0"),
        ("boundary.outlet = { dirichlet = 'log(-y)' }", "the value of boundary 'outlet' = 'log(-y)' is "),
        ("material.k = '1 - x'", "k = '1 - x' is -"),
    ] {
        let found = check(&format!("mesh = 'mesh.h5'\n{line}"), 2);
        let errors = texts(&found["errors"]);
        assert!(errors.len() == 1 && errors[0].contains(expected), "{expected} is not in {errors:?}");
    }
    fs::write(folder.path("case.toml"), "mesh = 'mesh.h5'\nrefin = 2").unwrap();
    folder.run(ranks, &["check", "case.toml"]).expect_code(2);
}

fn torn(ranks: usize) {
    let mut mesh = Mesh::rectangle(4, 2);
    // The outlet gets a second set of nodes, and a separate piece lies far away.
    mesh.add(&Mesh::grid(2, 2, |s, t| [2.0 + s, t]), 0.0);
    mesh.add(&Mesh::grid(2, 2, |s, t| [0.5 + s, t]), 5.0);
    let folder = Folder::with(&mesh);
    let found = report(&folder, ranks, "mesh.h5", 2);
    assert_eq!((found["mesh"]["pieces"].as_u64(), found["mesh"]["duplicate_nodes"].as_u64()), (Some(3), Some(5)));
    assert!(texts(&found["warnings"]).iter().any(|w| w.starts_with("5 nodes lie at the place of another one")));
    assert!(texts(&found["errors"])[0].starts_with("the piece of the domain that holds element 0 "), "{found}");
}

/// Checks a mesh in which element 5 is folded between its corner and the nearest Gauss point.
fn folded(ranks: usize) {
    let mut mesh = Mesh::rectangle(4, 2);
    mesh.x[39] -= 0.14;
    let folder = Folder::with(&mesh);
    const WARNING: &str =
        "1 element is folded between the Gauss points: element 5 near x = 0.5, y = 1 (scaled Jacobian -1); ";
    let found = report(&folder, ranks, "mesh.h5", 0);
    assert_eq!((found["verdict"].as_str(), found["mesh"]["folded_elements"].as_u64()), (Some("doubtful"), Some(1)));
    assert!(texts(&found["warnings"]).iter().any(|warning| warning.starts_with(WARNING)), "{found}");
    let text = folder.run(ranks, &["check", "mesh.h5"]).expect_code(0).stdout;
    assert!(text.contains("verdict     doubtful, with 2 warnings"), "{text}");
    let outcome = folder.run(ranks, &["mesh.h5", "--json", "run.json"]).expect_code(0);
    assert_eq!(outcome.stderr.matches(&format!("warning: {WARNING}")).count(), 1, "{outcome}");
    let info = &folder.json("run.json")["mesh_info"];
    assert_eq!(info["folded_elements"].as_u64(), Some(1));
    assert_eq!(info["aspect_ratio_max"], found["mesh"]["aspect_ratio_max"]);
}

fn slender(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(4, 2, |s, t| [4000.0 * s, t]));
    let found = &report(&folder, ranks, "mesh.h5", 0)["mesh"];
    assert!((found["aspect_ratio_max"].as_f64().unwrap() - 2000.0).abs() < 1e-6, "{found}");
    assert_eq!(found["aspect_ratio"]["histogram"][7].as_u64(), Some(8));
    let text = folder.run(ranks, &["check", "mesh.h5"]).expect_code(0).stdout;
    assert!(text.contains("     >= 1000         8 ####"), "{text}");
    let dry = folder.run(ranks, &["mesh.h5", "--dry-run"]).expect_code(0).stdout;
    let solve = folder.run(ranks, &["mesh.h5", "--preconditioner", "jacobi"]).expect_code(0).stdout;
    for text in [&dry, &solve] {
        assert!(text.contains("quality    aspect ratio at most 2000 (element "), "{text}");
    }
    assert!(dry.contains("iterations, and more because of the slender elements"), "{dry}");
}

fn at_any_ranks() {
    let folder = Folder::with(&Mesh::channel());
    let alone = report(&folder, 1, "mesh.h5", 0);
    assert_eq!(alone["mesh"]["clockwise_elements"].as_u64(), Some(6));
    for ranks in [2, 5] {
        let mut other = report(&folder, ranks, "mesh.h5", 0);
        // Sums over ranks are rounded differently.
        for list in ["boundaries", "unnamed"] {
            other["mesh"][list] = alone["mesh"][list].clone();
        }
        assert_eq!(other, alone);
    }
}

fn listed() {
    let outcome = Folder::new().run(2, &["meshes"]).expect_code(0);
    for name in BUILT_IN {
        assert_eq!(outcome.stdout.lines().filter(|line| line.starts_with(name)).count(), 1, "{outcome}");
    }
    assert!(outcome.stdout.contains("inlet, outlet_left, outlet_right, wall"), "{outcome}");
}

fn file_first() {
    let folder = Folder::with(&Mesh::rectangle(2, 1));
    fs::rename(folder.path("mesh.h5"), folder.path("venturi")).unwrap();
    assert_eq!(folder.solve(2, &["venturi"]).partition.len(), 2);
    assert!(folder.solve(2, &["elbow"]).partition.len() > 4_000);
}

/// Compares the flow through the outlets of a built-in mesh with that through its inlet.
fn flow(name: &'static str) {
    let folder = Folder::new();
    let results = folder.solve(2, &[name, "--refine", "1"]);
    let through = |boundary: &str| -> f64 {
        let file = hdf5::File::open(folder.path("solved.h5")).unwrap();
        let edges = file.dataset(&format!("boundaries/{boundary}")).unwrap().read_raw::<u64>().unwrap();
        let wanted: std::collections::HashSet<[i64; 2]> =
            edges.chunks(2).map(|pair| [pair[0] as i64, pair[1] as i64]).collect();
        flow_through(&results, &wanted)
    };
    let names = ["outlet", "outlet_left", "outlet_right"];
    let outlets = if name == "t-junction" { &names[1..] } else { &names[..1] };
    let out: f64 = outlets.iter().map(|outlet| through(outlet)).sum();
    let inflow = -through("inlet");
    assert!(inflow > 1.0 && (out / inflow - 1.0).abs() < 0.01, "{name}: {inflow} in, {out} out");
}

/// Returns the flow through edges (m^2/s): the velocity of their elements times their normals.
fn flow_through(results: &Results, edges: &std::collections::HashSet<[i64; 2]>) -> f64 {
    let mut sum = 0.0;
    for (nodes, velocity) in results.quad8.chunks(8).zip(results.vel.chunks(2)) {
        for side in 0..4 {
            let [a, b] = [nodes[side], nodes[(side + 1) % 4]];
            if edges.contains(&[i64::from(a), i64::from(b)]) {
                let [dx, dy] = [&results.x, &results.y].map(|c| c[b as usize] - c[a as usize]);
                sum += velocity[0] * dy - velocity[1] * dx;
            }
        }
    }
    sum
}
