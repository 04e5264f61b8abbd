//! Compares results with those that other programs read: ParaView and the Python packages vtk,
//! pyvista, h5py and meshio, where they are installed.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::results::difference;
use crate::tier::{needs_tool, slow};
use crate::{at_ranks, python, test};

/// VTK_QUADRATIC_QUAD.
const QUADRATIC_QUAD: u64 = 23;
/// Options for results of few bytes.
const SMALL: &[&str] = &["--single", "--compress"];
/// Relative error of numbers that pass through JSON.
const ROUNDING: f64 = 1e-15;
/// Relative error of a solution with a relative residual of 1e-8.
const PRECISION: f64 = 1e-6;
const VTK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/read_vtk.py");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/read_python.py");
const PARAVIEW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/read_paraview.py");

pub fn tests() -> Vec<Trial> {
    let vtk = [
        at_ranks("vtk_reads_the_xdmf", [3], |ranks| xdmf(ranks, &[])),
        at_ranks("vtk_reads_the_xdmf_of_small_results", [3], |ranks| xdmf(ranks, SMALL)),
        at_ranks("vtk_reads_the_vtkhdf_of_small_results", [3], |ranks| vtkhdf(ranks, SMALL)),
        // With more ranks than elements some partitions are empty.
        at_ranks("vtk_reads_the_vtkhdf", [1, 3, 20], |ranks| vtkhdf(ranks, &[])),
    ];
    let packages = vec![
        test("pyvista_and_h5py_read_the_results", || pyvista_and_h5py(&[])),
        test("pyvista_and_h5py_read_small_results", || pyvista_and_h5py(SMALL)),
        test("the_meshio_code_in_the_docs_converts_results", meshio),
    ];
    let paraview = vec![
        test("paraview_opens_the_xdmf_with_every_reader", || {
            paraview(&[], "my results.xdmf", &["default", "Xdmf3ReaderS", "Xdmf3ReaderT", "XDMFReader"]);
        }),
        test("paraview_opens_the_vtkhdf", || paraview(&["--format", "vtkhdf"], "my results.hdf", &["default"])),
    ];
    let lists = [
        (vtk.into_iter().flatten().collect(), python::missing("vtkmodules.vtkIOXdmf2, vtkmodules.vtkIOHDF")),
        (packages, python::missing("pyvista, h5py, meshio")),
        (paraview.into_iter().map(slow).collect(), python::missing_paraview()),
    ];
    let with_tool = |(tests, missing): (Vec<Trial>, Option<&'static str>)| {
        tests.into_iter().map(move |test| needs_tool(test, missing))
    };
    lists.into_iter().flat_map(with_tool).collect()
}

/// Solves a rectangle, 2 m x 1 m, in which u falls from 5 at x = 0 to 0 at x = 2 m.
fn rectangle(args: &[&str]) -> Folder {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(2, &[&["mesh.h5", "-q", "-o", "my results.h5"], args].concat()).expect_code(0);
    folder
}

/// Checks what a program found in the results of the rectangle at (0.5, 0.5).
fn check_values(found: &Value) {
    for (name, value) in [
        ("at", &[0.5, 0.5, 0.0][..]),
        ("u", &[3.75]),
        ("vel_node", &[2.5, 0.0, 0.0]),
        ("abs_vel_node", &[2.5]),
        ("vel", &[2.5, 0.0, 0.0]),
        ("abs_vel", &[2.5]),
    ] {
        assert!(difference(&numbers(&found[name]), value) < PRECISION, "{name} in {found}");
    }
    assert_eq!(found["cells"], 8);
}

fn pyvista_and_h5py(args: &[&str]) {
    let folder = rectangle(args);
    let printed = python::run(&[PYTHON, "my results.h5", "0.5", "0.5"], &folder.path("."));
    let found: Value = serde_json::from_str(&printed).unwrap();
    check_values(&found["pyvista"]);
    check_values(&found["h5py"]);
    assert!(difference(&numbers(&found["pyvista"]["sampled"]), &[3.75; 5]) < PRECISION, "{found}");
}

fn meshio() {
    const LINES: &str = include_str!("../../docs/tools.md");
    let from = LINES.find("import h5py, meshio").expect("lines for meshio");
    let script = LINES[from..].split("```").next().unwrap();
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(1, &["mesh.h5", "-q", "-o", "OUT.h5"]).expect_code(0);
    let print = r#"
mesh = meshio.read("OUT.vtu")
node = [p.tolist() for p in mesh.points].index([0.5, 0.5, 0.0])
print([len(mesh.cells_dict["quad8"]), float(mesh.point_data["u"][node]), *mesh.point_data["v"][node].tolist()])"#;
    let printed = python::run(&["-c", &format!("{script}{print}")], &folder.path("."));
    let found: Value = serde_json::from_str(&printed).unwrap();
    assert!(difference(&numbers(&found), &[8.0, 3.75, 2.5, 0.0, 0.0]) < PRECISION, "{found}");
}

/// Checks values, arrows and stream lines in ParaView, with each of its readers.
fn paraview(args: &[&str], file: &str, readers: &[&str]) {
    let folder = rectangle(args);
    let printed = python::run_paraview(&[&[PARAVIEW, file, "0.5", "0.5"], readers].concat(), &folder.path("."));
    let found: Value = serde_json::from_str(&printed).unwrap();
    for reader in readers {
        let found = &found[reader];
        check_values(found);
        assert_eq!(found["type"], QUADRATIC_QUAD);
        assert!(found["arrows"].as_u64().unwrap() > 0, "{found}");
        // Stream lines run from the left to the last element at constant height.
        let bounds = numbers(&found["streams"]);
        assert!(bounds[0] < 0.11 && bounds[1] > 1.6 && bounds[2] > 0.09 && bounds[3] < 0.91, "{found}");
    }
}

fn read(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&python::run(&[VTK, name], &folder.path("."))).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn dataset(folder: &Folder, name: &str) -> Vec<f64> {
    hdf5::File::open(folder.path("out.h5")).unwrap().dataset(name).unwrap().read_raw().unwrap()
}

/// Returns pairs with a third component 0, as VTK stores vectors.
fn with_zero(pairs: &[f64]) -> Vec<f64> {
    pairs.chunks(2).flat_map(|p| [p[0], p[1], 0.0]).collect()
}

fn xdmf(ranks: usize, options: &[&str]) {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    folder.run(ranks, &[&["mesh.h5", "-o", "out.h5"], options].concat()).expect_code(0);
    let found = read(&folder, "out.xdmf");
    assert_eq!(found["types"], serde_json::json!([QUADRATIC_QUAD]));
    for (group, names) in [
        ("point", &["u", "vel_node", "abs_vel_node", "pressure_node"][..]),
        ("cell", &["vel", "abs_vel", "pressure", "error", "partition"][..]),
    ] {
        assert_eq!(found[group].as_object().unwrap().len(), names.len());
        for name in names {
            let values = dataset(&folder, name);
            let expected = if name.starts_with("vel") { with_zero(&values) } else { values };
            assert!(difference(&numbers(&found[group][name]), &expected) < ROUNDING, "{name}");
        }
    }
    let points: Vec<f64> = mesh.x.iter().zip(&mesh.y).flat_map(|(x, y)| [*x, *y, 0.0]).collect();
    assert!(difference(&numbers(&found["points"]), &points) < 1e-6);
    let cells: Vec<f64> = found["cells"].as_array().unwrap().iter().flat_map(numbers).collect();
    assert_eq!(cells, dataset(&folder, "quad8"));
}

fn vtkhdf(ranks: usize, options: &[&str]) {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    let outcome =
        folder.run(ranks, &[&["mesh.h5", "-o", "out.h5", "--format", "vtkhdf"], options].concat()).expect_code(0);
    assert!(outcome.stdout.contains("out.h5, out.hdf (open this one in ParaView)"), "{outcome}");
    assert_eq!(folder.names(), ["mesh.h5", "out.h5", "out.hdf"]);
    let found = read(&folder, "out.hdf");
    assert_eq!(found["types"], serde_json::json!([QUADRATIC_QUAD]));

    // Points and cells carry the numbers of their nodes and elements.
    let (points, nodes) = (numbers(&found["points"]), numbers(&found["point"]["node"]));
    for (point, node) in points.chunks(3).zip(&nodes) {
        let node = *node as usize;
        assert!((point[0] - mesh.x[node]).abs() + (point[1] - mesh.y[node]).abs() + point[2].abs() < 1e-12);
    }
    let elements = numbers(&found["cell"]["element"]);
    let mut sorted = elements.clone();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(sorted, (0..mesh.quad8.len()).map(|e| e as f64).collect::<Vec<_>>());
    let quad8 = dataset(&folder, "quad8");
    for (cell, &element) in found["cells"].as_array().unwrap().iter().zip(&elements) {
        let cell: Vec<f64> = numbers(cell).iter().map(|&p| nodes[p as usize]).collect();
        assert_eq!(cell, quad8[8 * element as usize..][..8]);
    }
    for (group, of, names) in [
        ("point", &nodes, &["u", "vel_node", "abs_vel_node", "pressure_node"][..]),
        ("cell", &elements, &["vel", "abs_vel", "pressure", "error", "partition"][..]),
    ] {
        for name in names {
            let values = dataset(&folder, name);
            let values = if name.starts_with("vel") { with_zero(&values) } else { values };
            let width = if name.starts_with("vel") { 3 } else { 1 };
            let expected = of.iter().flat_map(|&i| values[width * i as usize..][..width].iter().copied());
            let expected: Vec<f64> = expected.collect();
            assert!(difference(&numbers(&found[group][name]), &expected) < ROUNDING, "{name}");
        }
    }
}
