//! Meshes as HDF5, and results in the formats of the Python programs.

use std::fs;
use std::fs::File;
use std::io::Read;

use calamine::{Data, Reader, Xlsx, open_workbook};
use libtest_mimic::Trial;
use zip::ZipArchive;

use crate::formats::data;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::read;
use crate::{at_ranks, test};

const INPUT: i32 = 2;

pub fn tests() -> Vec<Trial> {
    let mut tests = at_ranks("a_converted_mesh_has_the_solution_of_its_source", [1, 3], meshes);
    tests.push(test("a_converted_mesh_can_be_scaled", scaled));
    tests.push(test("a_converted_mesh_keeps_its_data", with_data));
    tests.push(test("converted_results_have_the_layout_of_the_python_programs", tables));
    tests.push(test("converted_results_of_other_physics_have_their_own_headings", heat));
    tests.extend(refusals());
    tests
}

fn meshes(ranks: usize) {
    for name in ["names.msh", "names.npz", "plain.xlsx"] {
        let folder = Folder::new();
        fs::copy(data(name), folder.path(name)).unwrap();
        let outcome = folder.run(ranks, &["convert", name, "mesh.h5"]).expect_code(0);
        assert_eq!(outcome.stdout.contains("boundaries"), name.starts_with("names"), "{outcome}");
        assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
        let expected = folder.solve(1, &[name]);
        assert!(folder.solve(1, &["mesh.h5"]).has_the_bits_of(&expected), "{name}");
    }
}

fn scaled() {
    let folder = Folder::with(&Mesh::rectangle(2, 1));
    fs::write(folder.path("case.toml"), "mesh = 'mesh.h5'\nscale = 0.001").unwrap();
    let x = |name: &str| read::<f64>(&hdf5::File::open(folder.path(name)).unwrap(), "x");
    // The option replaces the scale of the case.
    for (input, options, factor) in [
        ("mesh.h5", &["--scale", "0.001"][..], 0.001),
        ("case.toml", &[], 0.001),
        ("case.toml", &["--scale", "3"], 3.0),
    ] {
        folder.run(0, &[&["convert", input, "scaled.h5", "-q"], options].concat()).expect_code(0);
        assert_eq!(x("scaled.h5"), x("mesh.h5").iter().map(|x| factor * x).collect::<Vec<_>>(), "{input} {options:?}");
    }
}

/// Converts a Gmsh file with data of the elements, and vectors and a reserved name that are left
/// out.
fn with_data() {
    let folder = Folder::new();
    let mesh = fs::read_to_string(data("names.msh")).unwrap();
    let view = |name: &str, components: usize| {
        // Tags of the elements.
        let lines: String = (16..=33).map(|e| format!("{e} {}\n", vec![e.to_string(); components].join(" "))).collect();
        format!("$ElementData\n1\n\"{name}\"\n1\n0\n3\n0\n{components}\n18\n{lines}$EndElementData\n")
    };
    let views = [view("k", 1), view("wind", 3), view("x", 1)].concat();
    fs::write(folder.path("data.msh"), mesh + "\n" + &views).unwrap();
    let outcome = folder.run(2, &["convert", "data.msh", "mesh.h5"]).expect_code(0);
    assert!(outcome.stdout.contains("data       k\n") && outcome.stderr.contains("data 'x' are left out"), "{outcome}");
    folder.run(1, &["convert", "mesh.h5", "again.h5", "-q"]).expect_code(0);
    let expected: Vec<f64> = (16..=33).map(f64::from).collect();
    for name in ["mesh.h5", "again.h5"] {
        assert_eq!(read::<f64>(&hdf5::File::open(folder.path(name)).unwrap(), "k"), expected);
    }
}

/// Reads a table without its heading; empty cells are NaN.
fn rows(text: &str) -> Vec<Vec<f64>> {
    let number = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
    text.lines().skip(1).map(|line| line.split(',').map(number).collect()).collect()
}

fn tables() {
    let folder = Folder::with(&Mesh::channel());
    let results = folder.solve(1, &["mesh.h5"]);
    for name in ["out.csv", "out.npz", "out.xlsx"] {
        folder.run(0, &["convert", "solved.h5", name]).expect_code(0);
    }
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());

    let [nodes, elements] =
        ["out_nodes.csv", "out_elements.csv"].map(|name| fs::read_to_string(folder.path(name)).unwrap());
    assert!(nodes.starts_with("#NODE,X_COORD,Y_COORD,VELOCITY_POTENTIAL\n"), "{nodes}");
    let heading = "#ELEMENT,N1,N2,N3,N4,N5,N6,N7,N8,U_m_s,V_m_s,ABS_VEL_m_s,PRESSURE_PA\n";
    assert!(elements.starts_with(heading), "{elements}");
    for (i, row) in rows(&nodes).iter().enumerate() {
        let expected = [(i + 1) as f64, results.x[i], results.y[i], results.u[i]];
        assert!(row.iter().zip(expected).all(|(&a, b)| same(a, b)), "{row:?}");
    }
    let of_element = |e: usize| [results.vel[2 * e], results.vel[2 * e + 1], results.abs_vel[e], results.pressure[e]];
    for (e, row) in rows(&elements).iter().enumerate() {
        assert_eq!(row[0], (e + 1) as f64);
        assert!((0..8).all(|i| row[1 + i] == f64::from(results.quad8[8 * e + i])), "{row:?}");
        assert!((0..4).all(|i| same(row[9 + i], of_element(e)[i])), "{row:?}");
    }

    let mut book: Xlsx<_> = open_workbook(folder.path("out.xlsx")).unwrap();
    let sheet = book.worksheet_range("Sheet1").unwrap();
    let heading: Vec<String> = sheet.rows().next().unwrap().iter().map(ToString::to_string).collect();
    let expected = "#NODE|VELOCITY POTENTIAL||#ELEMENT|U m/s (x  vel)|V m/s (y vel)||V| m/s|Pressure (Pa)";
    assert_eq!(heading.join("|"), expected);
    let cell = |row: usize, column: usize| match sheet.get((row + 1, column)) {
        Some(Data::Float(value)) => *value,
        Some(Data::Int(value)) => *value as f64,
        _ => f64::NAN,
    };
    assert_eq!(sheet.height(), results.x.len() + 1);
    assert!((0..results.x.len()).all(|n| cell(n, 0) == (n + 1) as f64 && same(cell(n, 1), results.u[n])));
    for e in 0..results.abs_vel.len() {
        assert!(cell(e, 3) == (e + 1) as f64 && (0..4).all(|i| same(cell(e, 4 + i), of_element(e)[i])), "row {e}");
    }

    let mut archive = ZipArchive::new(File::open(folder.path("out.npz")).unwrap()).unwrap();
    let mut array = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let u = npyz::NpyFile::new(&array("u")[..]).unwrap().into_vec::<f64>().unwrap();
    assert!(u.iter().zip(&results.u).all(|(&a, &b)| same(a, b)));
    let vel = array("vel");
    let vel = npyz::NpyFile::new(&vel[..]).unwrap();
    assert_eq!(vel.shape(), [18, 2]);
    assert_eq!(vel.into_vec::<f64>().unwrap(), results.vel);
    assert!(array("implementation_name").starts_with(b"\x93NUMPY") && !array("boundaries/inlet").is_empty());
    // The archive is a mesh, too.
    assert!(folder.solve(1, &["out.npz"]).u.iter().zip(&results.u).all(|(&a, &b)| same(a, b)));
}

fn heat() {
    let folder = Folder::with(&Mesh::rectangle(2, 1));
    folder.run(1, &["mesh.h5", "--physics", "heat", "-q"]).expect_code(0);
    folder.run(0, &["convert", "quad8.h5", "out.csv"]).expect_code(0);
    let [nodes, elements] =
        ["out_nodes.csv", "out_elements.csv"].map(|name| fs::read_to_string(folder.path(name)).unwrap());
    assert!(nodes.starts_with("#NODE,X_COORD,Y_COORD,u\n"), "{nodes}");
    assert!(elements.contains(",N8,vel_x,vel_y,abs_vel\n"), "{elements}");
}

fn refusals() -> Vec<Trial> {
    let mesh = |folder: &Folder| Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
    [
        refused(
            "a_conversion_to_an_unknown_format",
            &["convert", "mesh.h5", "a.vtu"],
            INPUT,
            "must be .h5 for a mesh",
            mesh,
        ),
        refused(
            "a_conversion_onto_its_input",
            &["convert", "mesh.h5", "./mesh.h5"],
            INPUT,
            "is an input of this run",
            mesh,
        ),
        refused("a_table_of_a_mesh", &["convert", "mesh.h5", "a.csv"], INPUT, "has no dataset 'u'", mesh),
        refused("a_table_of_a_text", &["convert", "mesh.h5", "a.npz"], INPUT, "is not an HDF5 file", |folder| {
            fs::write(folder.path("mesh.h5"), "0 0").unwrap();
        }),
        refused(
            "a_scaled_table",
            &["convert", "mesh.h5", "a.csv", "--scale", "2"],
            INPUT,
            "--scale changes a mesh",
            mesh,
        ),
        refused(
            "a_table_of_another_channel",
            &["convert", "mesh.h5", "a.csv", "--set", "throat=0.4"],
            INPUT,
            "--set changes a mesh",
            mesh,
        ),
        refused(
            "a_table_of_more_nodes",
            &["convert", "mesh.h5", "a.xlsx", "--nodes", "1e4"],
            INPUT,
            "--nodes changes a mesh",
            mesh,
        ),
        refused(
            "a_table_of_smaller_elements",
            &["convert", "mesh.h5", "a.npz", "--element-size", "0.1"],
            INPUT,
            "--element-size changes a mesh",
            mesh,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
