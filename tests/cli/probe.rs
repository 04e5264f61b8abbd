//! Values at points, along lines and along boundaries.

use std::fs;

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::{at_ranks, test};

const INPUT: i32 = 2;

pub fn tests() -> Vec<Trial> {
    let mut tests = at_ranks("a_probe_is_exact_in_curved_elements", [1, 3, 7], linear);
    tests.extend(at_ranks("probes_of_a_case_are_those_of_its_results", [1, 3], of_a_case));
    tests.push(test("a_boundary_is_probed_from_end_to_end", boundary));
    tests.push(test("flows_are_a_table", flows));
    tests.extend(refusals());
    tests
}

/// Reads a table: the names in the first column, and the numbers.
fn read(csv: &str) -> (Vec<&str>, Vec<(&str, Vec<f64>)>) {
    let mut lines = csv.lines();
    let heading = lines.next().unwrap().split(',').collect();
    let rows = lines.map(|line| {
        let (name, numbers) = line.split_once(',').unwrap();
        (name, numbers.split(',').map(|number| number.parse().unwrap()).collect())
    });
    (heading, rows.collect())
}

/// Solves for u = 3 x on the curved elements of the elbow, where velocities at the nodes are exact.
const LINEAR: [&str; 10] = [
    "elbow",
    "--bc",
    "inlet=dirichlet:3*x",
    "--bc",
    "outlet=dirichlet:3*x",
    "--bc",
    "wall=dirichlet:3*x",
    "--rtol",
    "1e-12",
    "-q",
];

fn linear(ranks: usize) {
    let folder = Folder::new();
    folder.run(ranks, &LINEAR).expect_code(0);
    fs::write(folder.path("points.txt"), "x y\n0.9, 0.5\n\n-1.0 -0.75\n").unwrap();
    let args = ["probe", "--at", "0.7,-0.7", "--points", "points.txt", "--line", "0.75,-0.25:1.25,-0.25", "-n", "5"];
    let text = folder.run(ranks, &args).expect_code(0).stdout;
    let (heading, rows) = read(&text);
    assert_eq!(heading, ["probe", "x", "y", "u", "velocity_x", "velocity_y", "speed", "pressure", "distance"]);
    let names: Vec<&str> = rows.iter().map(|row| row.0).collect();
    assert_eq!(names, ["points", "points", "points", "line", "line", "line", "line", "line"]);
    for (i, (_, row)) in rows.iter().enumerate() {
        let exact = [3.0 * row[0], -3.0, 0.0, 3.0];
        assert!((0..4).all(|j| (row[2 + j] - exact[j]).abs() < 1e-8), "{row:?}");
        let distance = i.checked_sub(3).map(|i| 0.125 * i as f64);
        assert!(distance.map_or(row[7].is_nan(), |distance| (row[7] - distance).abs() < 1e-14), "{row:?}");
    }
    assert_eq!((rows[0].1[..2].to_vec(), rows[7].1[..2].to_vec()), (vec![0.7, -0.7], vec![1.25, -0.25]));
    // The ranks that read the results do not matter.
    folder.run(1, &[&args[..], &["-o", "probe.csv"]].concat()).expect_code(0);
    assert_eq!(fs::read_to_string(folder.path("probe.csv")).unwrap(), text);
}

fn of_a_case(ranks: usize) {
    let case = r#"mesh = "s-bend"
        [[probe]]
        at = [[0.5, -1.1]]
        [[probe]]
        name = "across"
        line = [[-0.6, -1.6], [-0.6, -0.8]]
        n = 11
        [[probe]]
        boundary = "wall"
    "#;
    let folder = Folder::new();
    fs::write(folder.path("case.toml"), case).unwrap();
    for options in [&["case.toml", "--k", "2"][..], &["case.toml", "--k", "2", "--reproducible=4"]] {
        let outcome = folder.run(ranks, options).expect_code(0);
        assert!(outcome.stdout.contains("quad8.probe.csv"), "{outcome}");
        let of_case = fs::read_to_string(folder.path("quad8.probe.csv")).unwrap().replace("across,", "line,");
        assert!(of_case.starts_with("probe,x,y,u,velocity_x,velocity_y,speed,pressure,flux_x,flux_y,distance\n"));
        let args = ["probe", "--at", "0.5,-1.1", "--line", "-0.6,-1.6:-0.6,-0.8", "-n", "11", "--boundary", "wall"];
        let of_file = folder.run(2, &args).expect_code(0).stdout;
        assert_eq!(of_case, of_file, "{options:?}");
    }
}

fn boundary() {
    let folder = Folder::with(&Mesh::rectangle(4, 3));
    folder.run(1, &["mesh.h5", "-q"]).expect_code(0);
    let text = folder.run(0, &["probe", "--boundary", "outlet"]).expect_code(0).stdout;
    let rows = read(&text).1;
    assert_eq!(rows.len(), 7);
    for (i, (name, row)) in rows.iter().enumerate() {
        let s = i as f64 / 6.0;
        // Edges run with the domain on their left.
        let exact = [2.0, s, 0.0, 2.5, 0.0, 2.5];
        assert!((0..6).all(|j| (row[j] - exact[j]).abs() < 1e-7), "{row:?}");
        assert!(*name == "outlet" && (row.last().unwrap() - s).abs() < 1e-14, "{row:?}");
    }
}

fn flows() {
    let folder = Folder::with(&Mesh::rectangle(2, 1));
    folder.run(1, &["mesh.h5", "-q"]).expect_code(0);
    let text = folder.run(0, &["probe", "--flows"]).expect_code(0).stdout;
    let (heading, rows) = read(&text);
    assert_eq!(heading, ["boundary", "flow", "sampled"]);
    for ((name, row), expected) in rows.iter().zip([("inlet", 2.5), ("outlet", -2.5)]) {
        assert!(*name == expected.0 && row.iter().all(|flow| (flow - expected.1).abs() < 1e-7), "{text}");
    }
}

fn refusals() -> Vec<Trial> {
    let solve = |folder: &Folder| {
        Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
        folder.run(1, &["mesh.h5", "-q"]).expect_code(0);
    };
    let case = |folder: &Folder| {
        let case = "[[probe]]\nline = [[0.5, 0.5], [9, 0.5]]\nn = 3";
        fs::write(folder.path("case.toml"), case).unwrap();
    };
    let two = |folder: &Folder| {
        let case = "[[probe]]\nline = [[0.5, 0.5], [9, 0.5]]\nboundary = 'a'";
        fs::write(folder.path("case.toml"), case).unwrap();
    };
    let mesh = |folder: &Folder| Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
    [
        refused(
            "a_probe_outside",
            &["probe", "--at", "1,0.5", "--at", "2.1,1.2"],
            INPUT,
            "probe 'points': the point at x = 2.1, y = 1.2 lies outside of the domain; the nearest node is at x = 2, y = 1",
            solve,
        ),
        refused(
            "a_case_with_a_probe_outside",
            &["case.toml"],
            INPUT,
            "probe 'line': the point at x = 4.75, y = 0.5 lies outside of the domain, the first of 2 of 3 points there;",
            case,
        ),
        refused("a_probe_in_two_places", &["case.toml"], INPUT, "a probe must have one of at, line (with n) and", two),
        refused(
            "a_probe_of_an_unknown_boundary",
            &["probe", "--boundary", "inlte"],
            INPUT,
            "there is no boundary 'inlte' to probe: did you mean inlet? the mesh has inlet, outlet",
            solve,
        ),
        refused("a_probe_of_a_mesh", &["probe", "mesh.h5", "--at", "0,0"], INPUT, "holds no field at the nodes", mesh),
        refused("a_probe_of_nothing", &["probe"], INPUT, "nothing to probe: give --at", solve),
        refused(
            "a_file_of_points_with_a_decimal_comma",
            &["probe", "--points", "points.txt"],
            INPUT,
            "points.txt, line 3: '0,5 0,7' is no point: x and y are expected, two numbers with a decimal point",
            |folder| fs::write(folder.path("points.txt"), "x y\n0.5 0.7\n0,5 0,7\n").unwrap(),
        ),
        refused("a_probe_of_half_a_point", &["probe", "--at", "1"], INPUT, "must be X,Y, as in 0,0.5", solve),
    ]
    .into_iter()
    .flatten()
    .collect()
}
