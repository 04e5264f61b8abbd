//! What ParaView gets, read back with the readers that it uses itself: those
//! of the Python package vtk, where it is installed.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::at_ranks;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::python;
use crate::results::difference;
use crate::tier::needs_tool;

/// VTK_QUADRATIC_QUAD.
const QUADRATIC_QUAD: u64 = 23;
/// Of numbers on their way through JSON.
const ROUNDING: f64 = 1e-15;
const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/read_vtk.py");

pub fn trials() -> Vec<Trial> {
    let missing = python::missing("vtkmodules.vtkIOXdmf2, vtkmodules.vtkIOHDF");
    let trials = [
        at_ranks("vtk_reads_the_xdmf", [3], xdmf),
        // With more ranks than elements some partitions are empty.
        at_ranks("vtk_reads_the_vtkhdf", [1, 3, 20], vtkhdf),
    ];
    trials.into_iter().flatten().map(|trial| needs_tool(trial, missing)).collect()
}

fn read(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&python::run(&[READER, name], &folder.path("."))).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn dataset(folder: &Folder, name: &str) -> Vec<f64> {
    hdf5::File::open(folder.path("out.h5")).unwrap().dataset(name).unwrap().read_raw().unwrap()
}

/// Pairs as VTK has them, with a third component that is zero.
fn with_zero(pairs: &[f64]) -> Vec<f64> {
    pairs.chunks(2).flat_map(|p| [p[0], p[1], 0.0 * p[0]]).collect()
}

fn xdmf(ranks: usize) {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    folder.run(ranks, &["mesh.h5", "-o", "out.h5"]).expect_code(0);
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

fn vtkhdf(ranks: usize) {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    let outcome = folder.run(ranks, &["mesh.h5", "-o", "out.h5", "--format", "vtkhdf"]).expect_code(0);
    assert!(outcome.stdout.contains("out.h5, out.vtkhdf (open this one in ParaView)"), "{outcome}");
    assert_eq!(folder.names(), ["mesh.h5", "out.h5", "out.vtkhdf"]);
    let found = read(&folder, "out.vtkhdf");
    assert_eq!(found["types"], serde_json::json!([QUADRATIC_QUAD]));

    // Points and cells say which nodes and elements they are.
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
