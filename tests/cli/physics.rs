//! Checks names, units and flux of other physics than potential flow, and the printed results.

use std::f64::consts::PI;
use std::fs;

use hdf5::types::VarLenUnicode;
use hdf5::{File, Group};
use libtest_mimic::Trial;

use crate::formats::data;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::{difference, read};
use crate::{at_ranks, test};

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("heat_through_two_layers_has_its_flux_names_and_units", heat),
        test("small_values_keep_their_significant_digits", small_flows),
        test("the_largest_speed_is_at_the_top_of_a_cylinder", cylinder),
    ];
    tests.extend(at_ranks("a_coaxial_cable_has_its_capacitance", [1, 3], cable));
    tests.extend(at_ranks("a_heated_cylinder_gives_its_heat_away", [1, 3], heated));
    tests.extend(at_ranks("the_largest_speed_is_at_the_equator_of_a_sphere", [2], sphere));
    tests.extend(refused("a_mesh_beyond_the_axis", &["mesh.h5", "--geometry", "axisymmetric"], 2, BEYOND, |folder| {
        Mesh::grid(4, 2, |s, t| [s - 0.5, t]).write(&folder.path("mesh.h5"));
    }));
    tests.extend(at_ranks("a_conductivity_with_directions_turns_the_flux", [1, 3], tensor));
    tests
}

/// Returns the line of the summary with this label.
fn line<'a>(stdout: &'a str, label: &str) -> &'a str {
    let found = stdout.lines().find(|line| line.split_whitespace().next() == Some(label));
    found.unwrap_or_else(|| panic!("no line {label} in\n{stdout}"))
}

fn text(group: &Group, dataset: &str, attribute: &str) -> String {
    let attribute = group.dataset(dataset).unwrap().attr(attribute).unwrap();
    attribute.read_scalar::<VarLenUnicode>().unwrap().to_string()
}

/// Returns whether all vectors are (2.5, 0).
fn is_uniform(flux: &[f64]) -> bool {
    flux.chunks_exact(2).all(|q| (q[0] - 2.5).abs() < 1e-7 && q[1].abs() < 1e-7)
}

/// Solves heat conduction through two layers, 5 W/(m K) and 0.05 W/(m K): the temperature gradient
/// jumps, the heat flux does not.
fn heat() {
    let folder = Folder::new();
    fs::copy(data("names.msh"), folder.path("mesh.msh")).unwrap();
    let case = "mesh = 'mesh.msh'
        physics = 'seepage'
        names.u.unit = 'degC'
        region.'cold rock'.k = 5
        region.'warmes Öl'.k = '0.05+0*x'
        boundary.'Inlet' = { robin = { gamma = 2.5 } }
        boundary.'outlet to the sea' = { dirichlet = 0 }
        solver.rtol = 1e-13";
    fs::write(folder.path("case.toml"), case).unwrap();
    let solve = ["case.toml", "--physics", "heat", "-o", "out.h5", "--json", "run.json"];
    let stdout = folder.run(2, &solve).expect_code(0).stdout;
    let flow = line(&stdout, "flow");
    for (found, expected) in [
        (line(&stdout, "u"), "u          temperature: 0 to 50.5 degC, mean "),
        (
            line(&stdout, "gradient"),
            "gradient   temperature gradient: 0.5 to 50 K/m at the nodes (element means 0.5 to 50)",
        ),
        (line(&stdout, "flux"), "flux       heat flux: 2.5 to 2.5 W/m^2 at the nodes (element means 2.5 to 2.5)"),
        (flow, "flow       heat flow: Inlet +2.5 W/m (sampled +2.5)"),
    ] {
        assert!(found.starts_with(expected), "{expected} is not in\n{stdout}");
    }
    assert!([" m/s", "m^2/s"].iter().all(|unit| !stdout.contains(unit)), "{stdout}");

    let file = File::open(folder.path("out.h5")).unwrap();
    assert!(is_uniform(&read(&file, "flux")) && is_uniform(&read(&file, "flux_node")));
    for (dataset, name, unit) in [
        ("u", "temperature", "degC"),
        ("vel", "negative temperature gradient", "K/m"),
        ("abs_vel_node", "temperature gradient", "K/m"),
        ("flux", "heat flux", "W/m^2"),
        ("flux_node", "heat flux", "W/m^2"),
    ] {
        assert_eq!([text(&file, dataset, "long_name"), text(&file, dataset, "units")], [name, unit], "{dataset}");
    }
    assert!(!file.link_exists("pressure") && !file.link_exists("pressure_node"));
    let run = file.group("run").unwrap();
    let attribute = |name: &str| run.attr(name).unwrap().read_scalar::<VarLenUnicode>().unwrap().to_string();
    assert_eq!(attribute("physics"), "heat");
    assert!(attribute("case").contains("physics = \"heat\"") && attribute("case").contains("unit = \"degC\""));
    let xdmf = fs::read_to_string(folder.path("out.xdmf")).unwrap();
    assert!(xdmf.contains("\"flux_node\"") && xdmf.contains("\"flux\"") && !xdmf.contains("pressure"), "{xdmf}");

    let record = folder.json("run.json");
    assert_eq!((&record["physics"], &record["names"]["flux"]["unit"]), (&"heat".into(), &"W/m^2".into()));
    for key in ["flux_range", "flux_node_range"] {
        let range = record["solution_stats"][key].as_array().unwrap();
        assert!(range.iter().all(|value| (value.as_f64().unwrap() - 2.5).abs() < 1e-7), "{range:?}");
    }

    let plot = |field: &'static str| folder.run(0, &["plot", "out.h5", "--field", field, "--arrows", "-o", "out.svg"]);
    plot("flux").expect_code(0);
    let outcome = plot("pressure").expect_code(2);
    let errors = outcome.errors();
    assert!(errors.len() == 1 && errors[0].contains("for potential flow only (--physics flow)"), "{errors:?}");

    // Virtual ranks write the same, here with the file for ParaView in the other format.
    let again = ["case.toml", "--physics", "heat", "-o", "again.h5", "--format", "vtkhdf", "--reproducible=3", "-q"];
    folder.run(2, &again).expect_code(0);
    let again = File::open(folder.path("again.h5")).unwrap();
    for name in ["flux", "flux_node"] {
        assert!(difference(&read(&again, name), &read(&file, name)) < 1e-9, "{name}");
    }
    let vtkhdf = File::open(folder.path("again.hdf")).unwrap();
    let [points, cells] = ["PointData", "CellData"].map(|name| vtkhdf.group(&format!("VTKHDF/{name}")).unwrap());
    assert!(points.link_exists("flux_node") && cells.link_exists("flux"));
    assert!(!points.link_exists("pressure_node") && !cells.link_exists("pressure"));
    assert_eq!(text(&cells, "flux", "units"), "W/m^2");
}

/// Solves for u = x - y/2 with a tensor that turns its gradient into a horizontal flux.
fn tensor(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(5, 4).shuffled());
    let case = "mesh = 'mesh.h5'
        physics = 'heat'
        material.k = [2, '0.5 + 0*y', 1]
        boundary.inlet = { robin = { gamma = -1.75 } }
        boundary.outlet = { dirichlet = 'x - 0.5*y' }
        solver.rtol = 1e-13";
    fs::write(folder.path("case.toml"), case).unwrap();
    for args in
        [&["case.toml", "-o", "quad8.h5", "--refine", "1"][..], &["case.toml", "-o", "quad8.h5", "--k", "2,0.5,1"]]
    {
        let stdout = folder.run(ranks, args).expect_code(0).stdout;
        assert!(line(&stdout, "flow").contains("inlet -1.75 W/m (sampled -1.75)"), "{stdout}");
        let file = File::open(folder.path("quad8.h5")).unwrap();
        let [x, y, u] = ["x", "y", "u"].map(|name| read::<f64>(&file, name));
        let exact: Vec<f64> =
            x.iter().zip(&y).zip(&u).map(|((x, y), u)| if u.is_nan() { *u } else { x - 0.5 * y }).collect();
        assert!(difference(&u, &exact) < 1e-10);
        for name in ["flux", "flux_node"] {
            let flux: Vec<f64> = read(&file, name);
            let is_exact = |q: &[f64]| q[0].is_nan() || (q[0] + 1.75).abs() < 1e-9 && q[1].abs() < 1e-9;
            assert!(flux.chunks_exact(2).all(is_exact), "{name}");
        }
        assert!(read::<f64>(&file, "error").iter().all(|error| error.abs() < 1e-9));
    }
    let text = case.replace("'0.5 + 0*y'", "'x'");
    fs::write(folder.path("case.toml"), text).unwrap();
    for args in [&["case.toml"][..], &["check", "case.toml"]] {
        let outcome = folder.run(ranks, args).expect_code(2);
        let message = "k = [2, 'x', 1] is kxx = 2, kxy = 1.";
        assert!(outcome.errors().concat().contains(message) || outcome.stdout.contains(message), "{outcome}");
    }
}

const BEYOND: &str = "lies at (-0.5, 0), but in axisymmetric geometry x is the distance from the axis, 0 or more";

/// Returns the flow of a boundary in the run record.
fn flow(folder: &Folder, name: &str) -> f64 {
    let flow = &folder.json("run.json")["flow"];
    let found = flow["boundaries"].as_array().unwrap().iter().find(|boundary| boundary["name"] == name);
    found.unwrap_or_else(|| panic!("{flow}"))["flow"].as_f64().unwrap()
}

/// Solves between cylinders of radius 1 mm and 5 mm that are 0.2 m long: C = 2 pi k L / log(5).
fn cable(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(20, 3, |s, t| [1e-3 * 5_f64.powf(s), 0.2 * t]).shuffled());
    let case = "mesh = 'mesh.h5'
        physics = 'electrostatics'
        geometry = 'axisymmetric'
        boundary.inlet.dirichlet = 1
        boundary.outlet.dirichlet = 0
        material.k = 2e-11
        solver.rtol = 1e-11";
    fs::write(folder.path("case.toml"), case).unwrap();
    let capacitance = 2.0 * PI * 2e-11 * 0.2 / 5_f64.ln();
    for args in [&["case.toml"][..], &["case.toml", "--refine", "1"], &["case.toml", "--reproducible=7"]] {
        let stdout =
            folder.run(ranks, &[args, &["-o", "quad8.h5", "--json", "run.json"]].concat()).expect_code(0).stdout;
        assert!((flow(&folder, "inlet") / capacitance - 1.0).abs() < 1e-6, "{stdout}");
        assert!(line(&stdout, "flow").contains(" C (sampled ") && stdout.contains("mesh.h5, axisymmetric"), "{stdout}");
        let file = File::open(folder.path("quad8.h5")).unwrap();
        let [x, u] = ["x", "u"].map(|name| read::<f64>(&file, name));
        let exact: Vec<f64> =
            x.iter().zip(&u).map(|(x, u)| if u.is_nan() { *u } else { (5e-3 / x).ln() / 5_f64.ln() }).collect();
        assert!(difference(&u, &exact) < 1e-5);
        assert_eq!(text(&file, "error", "units"), "J^0.5");
    }
    assert_eq!(folder.json("run.json")["geometry"], "axisymmetric");
}

/// Solves a cylinder of radius 2 m and height 1 m with f = 4: u = 4 - x^2, also at the axis.
fn heated(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(5, 3).shuffled());
    let options = ["--geometry", "axisymmetric", "--physics", "heat", "--f", "4", "--bc", "inlet=natural"];
    let solve = [&["mesh.h5", "--rtol", "1e-13", "--json", "run.json"], &options[..]].concat();
    let stdout = folder.run(ranks, &solve).expect_code(0).stdout;
    assert!(line(&stdout, "u").contains("temperature: 0 to 4 K"), "{stdout}");
    assert!((flow(&folder, "outlet") + 16.0 * PI).abs() < 1e-9, "{stdout}");
    assert!((folder.json("run.json")["flow"]["source"].as_f64().unwrap() - 16.0 * PI).abs() < 1e-9);
    let file = File::open(folder.path("quad8.h5")).unwrap();
    let [x, gradient] = ["x", "vel_node"].map(|name| read::<f64>(&file, name));
    let is_exact = |(v, x): (&[f64], &f64)| v[0].is_nan() || (v[0] - 2.0 * x).abs() < 1e-8 && v[1].abs() < 1e-8;
    assert!(gradient.chunks_exact(2).zip(&x).all(is_exact));
}

/// Solves the flow of 2.5 m/s along the axis around a sphere of radius 1 m. On the outer arc, 4 m
/// from the centre, the potential is that of the unbounded flow. At the equator the speed is 3/2 of
/// 2.5 m/s.
fn sphere(ranks: usize) {
    let folder = Folder::with(&Mesh::grid(24, 12, |s, t| {
        let (radius, angle) = (1.0 + 3.0 * t * t, PI * (0.5 - s));
        [(radius * angle.cos()).max(0.0), radius * angle.sin()]
    }));
    name_the_rim(&folder, [24, 12]);
    let potential = "rim=dirichlet:-2.5*y*(1 + 0.5/hypot(x,y)^3)";
    let options = ["mesh.h5", "--geometry", "axisymmetric", "--rtol", "1e-10", "--json", "run.json", "--bc", potential];
    folder.run(ranks, &options).expect_code(0);
    let largest = folder.json("run.json")["solution_stats"]["speed_node_range"][1].as_f64().unwrap();
    assert!((largest / 3.75 - 1.0).abs() < 5e-3, "{largest}");
    assert!(flow(&folder, "rim").abs() < 1e-6);
}

fn small_flows() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let stdout = folder.run(1, &["mesh.h5", "--gamma", "2.5e-6", "--rtol", "1e-12"]).expect_code(0).stdout;
    for (label, expected) in [
        ("u", "u          velocity potential: 0 to 5e-6 m^2/s, mean 2.5e-6"),
        ("speed", "speed      2.5e-6 to 2.5e-6 m/s at the nodes (element means 2.5e-6 to 2.5e-6)"),
        ("flow", "flow       inlet +2.5e-6 m^2/s (sampled +2.5e-6)"),
    ] {
        assert!(line(&stdout, label).starts_with(expected), "{expected} is not in\n{stdout}");
    }
    assert!(!stdout.contains("\nflux "), "{stdout}");
    let file = File::open(folder.path("quad8.h5")).unwrap();
    assert!(!file.link_exists("flux") && !file.link_exists("flux_node") && file.link_exists("pressure"));
    let outcome = folder.run(0, &["plot", "--field", "flux"]).expect_code(2);
    let errors = outcome.errors();
    assert!(errors.len() == 1 && errors[0].contains("elsewhere it is the velocity (--field speed)"), "{errors:?}");
}

/// Solves the upper half of the flow of 2.5 m/s around a cylinder of radius 1 m. On the outer arc,
/// 4 m from the axis, the potential is that of the unbounded flow. At the top the speed is twice
/// 2.5 m/s.
fn cylinder() {
    let folder = Folder::with(&Mesh::grid(24, 12, |s, t| {
        let (radius, angle) = (1.0 + 3.0 * t * t, PI * (1.0 - s));
        [radius * angle.cos(), radius * angle.sin()]
    }));
    name_the_rim(&folder, [24, 12]);
    let solve = ["mesh.h5", "--bc", "rim=dirichlet:-2.5*(x+x/(x^2+y^2))", "--rtol", "1e-10", "--json", "run.json"];
    let stdout = folder.run(2, &solve).expect_code(0).stdout;
    let record = folder.json("run.json");
    let largest = |key: &str| record["solution_stats"][key][1].as_f64().unwrap();
    let [nodes, elements] = ["speed_node_range", "speed_range"].map(largest);
    assert!((nodes / 5.0 - 1.0).abs() < 5e-3 && elements < 4.97, "{nodes} at the nodes, {elements} in the elements");
    let speed = line(&stdout, "speed");
    assert!(speed.contains(" m/s at the nodes (element means "), "{speed}");
}

/// Names the outer edges of a grid, which are those of its last row of elements.
fn name_the_rim(folder: &Folder, [columns, rows]: [usize; 2]) {
    let corner = |i: usize| (2 * rows * (2 * columns + 1) + 2 * i) as u64;
    let edges: Vec<u64> = (0..columns).flat_map(|i| [corner(i), corner(i + 1)]).collect();
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    let group = file.create_group("boundaries").unwrap();
    group.new_dataset::<u64>().shape([columns, 2]).create("rim").unwrap().write_raw(&edges).unwrap();
}
