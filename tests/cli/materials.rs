//! Materials from data of the mesh.

use std::fs;

use hdf5::File;
use libtest_mimic::Trial;

use crate::formats::data;
use crate::mesh::{self, Mesh};
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::{Results, difference, read};
use crate::{at_ranks, test};

const INPUT: i32 = 2;

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("data_of_elements_are_materials", [1, 3], of_elements),
        at_ranks("data_of_nodes_are_interpolated", [1, 3, 7], of_nodes),
        at_ranks("data_of_gmsh_are_read", [1, 3], of_gmsh),
        vec![test("a_checkpoint_of_other_data_is_refused::ranks_2", other_data)],
        refusals(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns a mesh of curved layers with k and f of each element and node, and as a function.
fn layers() -> Mesh {
    Mesh::grid(8, 6, |s, t| [2.0 * s, t + 0.1 * (3.0 * s).sin()]).shuffled()
}

/// Returns the folder of a mesh with the data `k`, `f` (one value an element), `kx`, `fn` (one a
/// node), and the regions `lower` and `upper`, in which `k` and `f` have one value each.
fn folder() -> Folder {
    let mesh = layers();
    let folder = Folder::with(&mesh);
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    let is_upper: Vec<bool> = mesh.quad8.iter().map(|nodes| upper(&mesh, nodes)).collect();
    let choose =
        |lower: f64, upper: f64| -> Vec<f64> { is_upper.iter().map(|&is| if is { upper } else { lower }).collect() };
    let elements = [mesh.quad8.len()];
    mesh::write(&file, "k", &elements, &choose(1.0, 5.0));
    mesh::write(&file, "f", &elements, &choose(0.0, 2.0).iter().map(|f| *f as i32).collect::<Vec<_>>());
    let nodes = [mesh.x.len()];
    mesh::write(&file, "kx", &nodes, &mesh.x.iter().map(|x| 1.0 + x).collect::<Vec<_>>());
    mesh::write(&file, "fn", &nodes, &mesh.y);
    file.create_group("regions").unwrap();
    for (name, wanted) in [("regions/lower", false), ("regions/upper", true)] {
        let list: Vec<i32> = (0..).zip(&is_upper).filter(|(_, is)| **is == wanted).map(|(e, _)| e).collect();
        mesh::write(&file, name, &[list.len()], &list);
    }
    folder
}

/// Returns whether an element lies above the middle of the height.
fn upper(mesh: &Mesh, nodes: &[i64; 8]) -> bool {
    let mean = |values: &[f64]| nodes.iter().map(|&n| values[n as usize]).sum::<f64>() / 8.0;
    mean(&mesh.y) > 0.5 + 0.1 * (1.5 * mean(&mesh.x)).sin()
}

/// Solves two cases and checks that all fields are the same.
fn same(folder: &Folder, ranks: usize, cases: [&str; 2], args: &[&str]) {
    let [one, other] = cases.map(|case| {
        fs::write(folder.path("case.toml"), format!("mesh = 'mesh.h5'\noutput.results = 'out.h5'\n{case}")).unwrap();
        folder.run(ranks, &[&["case.toml", "--rtol", "1e-13"], args].concat()).expect_code(0);
        let file = File::open(folder.path("out.h5")).unwrap();
        ["u", "vel", "flux", "vel_node", "flux_node", "error"].map(|name| read::<f64>(&file, name))
    });
    for (one, other) in one.iter().zip(&other) {
        assert!(difference(one, other) < 1e-9, "{args:?}");
    }
}

fn of_elements(ranks: usize) {
    let folder = folder();
    let data = "material = { k = { data = 'k' }, f = { data = 'f' } }";
    let regions = "region.lower = { k = 1, f = 0 }\nregion.upper = { k = 5, f = 2 }";
    for args in [&[][..], &["--refine", "1"], &["--reproducible=7"]] {
        same(&folder, ranks, [data, regions], args);
    }
    let tensor =
        ["material.k = [{ data = 'k' }, 0.1, 1]", "region.lower.k = [1, 0.1, 1]\nregion.upper.k = [5, 0.1, 1]"];
    same(&folder, ranks, tensor, &[]);
    fs::write(folder.path("case.toml"), format!("mesh = 'mesh.h5'\n{data}")).unwrap();
    folder.run(ranks, &["check", "case.toml"]).expect_code(0);
    folder.run(ranks, &["case.toml", "--dry-run"]).expect_code(0);
}

fn of_nodes(ranks: usize) {
    let folder = folder();
    let data = "material = { k = { data = 'kx' }, f = { data = 'fn' } }";
    for args in [&[][..], &["--refine", "2"]] {
        // Isoparametric elements interpolate their coordinates exactly.
        same(&folder, ranks, [data, "material = { k = '1 + x', f = 'y' }"], args);
    }
}

/// Appends data to a mesh of Gmsh: 1 in the elements of one region and 3 in those of the other, and
/// 2 at the nodes.
fn of_gmsh(ranks: usize) {
    let folder = Folder::new();
    let text = fs::read_to_string(data("names.msh")).unwrap();
    let mut values = String::new();
    let mut count = 0;
    let mut lines = text.lines().skip_while(|line| *line != "$Elements").skip(2);
    while let Some(header) = lines.next().filter(|line| *line != "$EndElements") {
        let header: Vec<usize> = header.split_whitespace().map(|word| word.parse().unwrap()).collect();
        for line in lines.by_ref().take(header[3]).filter(|_| header[2] == 16) {
            values += &format!("{} {}\n", line.split_whitespace().next().unwrap(), 2 * header[1] - 1);
            count += 1;
        }
    }
    let section = format!("$ElementData\n1\n\"k of rock\"\n1\n0.0\n3\n0\n1\n{count}\n{values}$EndElementData\n");
    let other = "$NodeData\n1\n\"vectors\"\n0\n3\n0\n3\n1\n1 0 0 0\n$EndNodeData\n";
    fs::write(folder.path("data.msh"), format!("{text}\n{other}{section}")).unwrap();
    let solve = |mesh: &str, material: &str| {
        let case = format!("mesh = '{mesh}'\noutput.results = 'out.h5'\n{material}");
        fs::write(folder.path("case.toml"), case).unwrap();
        folder.run(ranks, &["case.toml", "--rtol", "1e-13"]).expect_code(0);
        Results::read(&folder.path("out.h5")).u
    };
    let found = solve("data.msh", "material.k = { data = 'k of rock' }");
    let expected = solve("data.msh", "region.'cold rock'.k = 1\nregion.'warmes Öl'.k = 3");
    assert!(difference(&found, &expected) < 1e-10);
    // An element without a value.
    let (first, rest) = values.split_once('\n').unwrap();
    let short = section.replace(&values, rest).replace(&format!("\n{count}\n"), &format!("\n{}\n", count - 1));
    fs::write(folder.path("data.msh"), format!("{text}\n{short}")).unwrap();
    fs::write(folder.path("case.toml"), "mesh = 'data.msh'\nmaterial.k = { data = 'k of rock' }").unwrap();
    let outcome = folder.run(ranks, &["case.toml"]).expect_code(INPUT);
    let errors = outcome.errors();
    let tag = first.split(' ').next().unwrap();
    assert!(errors[0].contains("element 0: k = data 'k of rock' is NaN at x = "), "{outcome}");
    assert!(errors[0].contains(&format!("element {tag}")), "{outcome}");
}

fn other_data() {
    let folder = folder();
    let case =
        "mesh = 'mesh.h5'\noutput.results = 'quad8.h5'\nmaterial.k = { data = 'k' }\nsolver.preconditioner = 'jacobi'";
    fs::write(folder.path("case.toml"), case).unwrap();
    folder.run_with(2, &[("QUAD8_MPI_FAULT", "term@iteration-20:1")], &["case.toml"]).expect_code(5);
    let restart = ["case.toml", "--restart", "quad8.checkpoint.h5"];
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    let mut values: Vec<f64> = read(&file, "k");
    values[3] += 1.0;
    file.dataset("k").unwrap().write_raw(&values).unwrap();
    drop(file);
    let outcome = folder.run(2, &restart).expect_code(INPUT);
    assert!(outcome.errors()[0].contains("checksum of the data of materials"), "{outcome}");
    values[3] -= 1.0;
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    file.dataset("k").unwrap().write_raw(&values).unwrap();
    drop(file);
    folder.run(1, &restart).expect_code(0);
}

fn refusals() -> Vec<Trial> {
    let bad = |name: &str, case: &'static str, message| {
        refused(name, &["case.toml"], INPUT, message, move |folder| {
            let mesh = Mesh::rectangle(4, 3);
            mesh.write(&folder.path("mesh.h5"));
            let file = File::open_rw(folder.path("mesh.h5")).unwrap();
            let mut values = vec![1.0; 12];
            mesh::write(&file, "k", &[12], &values);
            mesh::write(&file, "short", &[11], &values[1..]);
            (values[7], values[9]) = (-2.0, 0.0);
            mesh::write(&file, "negative", &[12], &values);
            values[5] = f64::NAN;
            mesh::write(&file, "missing", &[12], &values);
            fs::write(folder.path("case.toml"), case).unwrap();
        })
    };
    [
        bad(
            "an_unknown_dataset",
            "mesh = 'mesh.h5'\nmaterial.k = { data = 'negativ' }",
            "mesh.h5 has no dataset 'negativ' for k or f: did you mean negative? found: ",
        ),
        bad(
            "data_of_another_length",
            "mesh = 'mesh.h5'\nmaterial.f = { data = 'short' }",
            "'short' of mesh.h5 has shape [11]",
        ),
        bad(
            "negative_data",
            "mesh = 'mesh.h5'\nrefine = 1\nmaterial.k = { data = 'negative' }",
            "element 7: k = data 'negative' is -2 at x = ",
        ),
        bad(
            "data_that_are_not_numbers",
            "mesh = 'mesh.h5'\nmaterial.f = { data = 'missing' }",
            "element 5: f = data 'missing' is NaN at x = ",
        ),
        bad(
            "data_of_a_built_in_mesh",
            "region.fluid.k = { data = 'k' }",
            "the built-in mesh y-channel has no data, but k or f is 'k'",
        ),
        bad("another_key_than_data", "material.k = { date = 'k' }", "there is no key 'date' here: did you mean data?"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
