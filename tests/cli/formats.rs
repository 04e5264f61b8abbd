//! One mesh in every format, written by common programs: tests/data/meshes/names.geo through Gmsh
//! 4.8, NumPy, h5py and openpyxl.

use std::fs;
use std::path::PathBuf;

use hdf5::File;
use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::Results;
use crate::{at_ranks, test};

const WITH_NAMES: [&str; 6] =
    ["names.h5", "names.msh", "names-binary.msh", "names-parametric.msh", "names-quad9.msh", "names.npz"];
const IO: i32 = 3;
const WITHOUT_NAMES: [&str; 3] = ["plain.npz", "plain.xlsx", "index-columns.xlsx"];
const INSIDE: &str = "warning: 3 named edges lie inside the domain (inner line: 3): no condition holds there";

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("a_mesh_has_one_solution_in_every_format", [1, 3], one_solution),
        at_ranks("content_counts_before_the_name", [2], content_first),
        at_ranks("of_two_groups_of_a_curve_the_one_with_a_condition_counts", [1, 3], condition_wins),
        at_ranks("a_results_file_has_the_names_of_its_mesh", [1, 3], names_survive),
        at_ranks("names_of_nothing_are_taken", [1, 3], names_of_nothing),
        vec![
            test("names_in_a_results_file_do_not_depend_on_the_ranks", names_at_any_ranks),
            test("names_that_hdf5_does_not_take_survive", odd_names),
            test("a_file_larger_than_the_memory_is_refused", larger_than_memory),
        ],
        refusals(),
        damaged(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the path of a mesh file that another program wrote.
pub fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "meshes", name].iter().collect()
}

fn with(name: &str) -> Folder {
    let folder = Folder::new();
    fs::copy(data(name), folder.path(name)).unwrap();
    folder
}

/// Reads u by position: formats may number nodes differently.
fn by_place(results: &Results) -> Vec<[f64; 3]> {
    let mut rows: Vec<[f64; 3]> =
        results.x.iter().zip(&results.y).zip(&results.u).map(|((&x, &y), &u)| [x, y, u]).collect();
    let key = |row: &[f64; 3]| [row[0], row[1]].map(|v| (v * 1e6).round() as i64);
    rows.sort_by_key(key);
    rows
}

fn one_solution(ranks: usize) {
    let solve = |name: &str| {
        let folder = with(name);
        let outcome = folder.run(ranks, &[name, "--rtol", "1e-14", "-o", "out.h5"]).expect_code(0);
        assert_eq!(outcome.stderr.contains(INSIDE), WITH_NAMES.contains(&name), "{name}: {outcome}");
        assert_eq!(
            outcome.stderr.contains("18 quadrilaterals have nine nodes"),
            name == "names-quad9.msh",
            "{outcome}"
        );
        by_place(&Results::read(&folder.path("out.h5")))
    };
    let expected = solve("names.h5");
    assert_eq!(expected.len(), 73);
    for name in WITH_NAMES[1..].iter().chain(&WITHOUT_NAMES) {
        let found = solve(name);
        assert_eq!(found.len(), 73, "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!((0..3).all(|i| (found[i] - expected[i]).abs() < 5e-12), "{name}: {found:?} and {expected:?}");
        }
    }
}

fn content_first(ranks: usize) {
    let folder = Folder::new();
    for (name, other) in
        [("names.msh", "a.h5"), ("names.npz", "b.msh"), ("plain.xlsx", "c.npz"), ("names.h5", "d.xlsx")]
    {
        fs::copy(data(name), folder.path(other)).unwrap();
        folder.run(ranks, &[other]).expect_code(0);
    }
}

/// Reads all names with their edges and elements.
fn names(folder: &Folder, file: &str) -> Vec<(String, Vec<u64>)> {
    let file = File::open(folder.path(file)).unwrap();
    let mut lists = Vec::new();
    for group in ["boundaries", "regions"] {
        let group = file.group(group).unwrap();
        for name in group.member_names().unwrap() {
            let values = group.dataset(&name).unwrap().read_raw::<u64>().unwrap();
            lists.push((name, values));
        }
    }
    lists
}

fn names_survive(ranks: usize) {
    let folder = with("names.msh");
    for levels in ["0", "1"] {
        let solve = |mesh: &str, levels: &str, out: &str| {
            folder.run(ranks, &[mesh, "--refine", levels, "-o", out, "--rtol", "1e-10"]).expect_code(0);
        };
        solve("names.msh", levels, "first.h5");
        solve("first.h5", "0", "second.h5");
        let [first, second] = ["first.h5", "second.h5"].map(|file| names(&folder, file));
        assert_eq!(first, second);
        let found: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["Höhe über Grund – Wand", "Inlet", "inner line", "outlet to the sea", "cold rock", "warmes Öl"];
        assert_eq!(found.iter().filter(|name| expected.contains(name)).count(), 6, "{found:?}");
        let edges = if levels == "0" { 3 } else { 6 };
        let inlet = &first.iter().find(|(name, _)| name == "Inlet").unwrap().1;
        assert_eq!(inlet.len(), 2 * edges);
        let [a, b] = ["first.h5", "second.h5"].map(|file| Results::read(&folder.path(file)));
        assert!(a.has_the_mesh_of(&b) && a.u.iter().zip(&b.u).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}

/// Checks a boundary and a region that are empty. As with h5py, the file stores nothing for them.
fn names_of_nothing(ranks: usize) {
    let folder = Folder::new();
    Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
    named(&folder, "boundaries/inlet", &[[0, 18], [18, 36]]);
    named(&folder, "boundaries/outlet", &[[8, 26], [26, 44]]);
    region(&folder, "regions/rock", &[0, 1]);
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    file.new_dataset::<i64>().shape([0, 2]).create("boundaries/nothing").unwrap();
    file.new_dataset::<i64>().shape(0).create("regions/nowhere").unwrap();
    drop(file);
    folder.run(ranks, &["mesh.h5", "-o", "out.h5"]).expect_code(0);
    folder.run(ranks, &["out.h5", "-o", "again.h5"]).expect_code(0);
    folder.run(0, &["plot", "again.h5"]).expect_code(0);
    folder.run(0, &["view", "again.h5"]).expect_code(0);
    folder.run(ranks, &["check", "again.h5"]).expect_code(0);
}

fn names_at_any_ranks() {
    let folder = with("names-binary.msh");
    let at = |ranks: usize| {
        folder.run(ranks, &["names-binary.msh", "--refine", "2", "-o", "out.h5"]).expect_code(0);
        names(&folder, "out.h5")
    };
    let alone = at(1);
    assert!(at(2) == alone && at(5) == alone);
}

fn odd_names() {
    let folder = Folder::new();
    let text = fs::read_to_string(data("names.msh")).unwrap();
    let text = text.replace("\"inner line\"", "\"in/out\"").replace("\"cold rock\"", "\".\"");
    fs::write(folder.path("mesh.msh"), text).unwrap();
    folder.run(2, &["mesh.msh", "-o", "out.h5"]).expect_code(0);
    let found = folder.run(2, &["check", "out.h5"]).expect_code(0).stdout;
    for line in ["boundary    in/out: 3 edges", "region      .: 9 elements, 1 m^2"] {
        assert!(found.contains(line), "{line} is not in {found}");
    }
}

/// Makes the inlet a part of the inner line.
fn two_groups(folder: &Folder) {
    let text = fs::read_to_string(data("names.msh")).unwrap();
    let text = text.replace("6 0 0 0 0 1 0 1 7 2", "6 0 0 0 0 1 0 2 7 20 2");
    fs::write(folder.path("mesh.msh"), text.replacen("1 0 0 0 0 \n", "1 0 0 0 1 9 \n", 1)).unwrap();
}

fn condition_wins(ranks: usize) {
    let folder = Folder::new();
    two_groups(&folder);
    let outcome = folder.run(ranks, &["mesh.msh"]).expect_code(0);
    for warning in [
        "one with a condition counts: curve 6 is read as 'Inlet', not as 'inner line'",
        "warning: physical points are not read ('9'): conditions hold on curves",
    ] {
        assert!(outcome.stderr.contains(warning), "{outcome}");
    }
    let expected = with("names.msh").solve(ranks, &["names.msh"]);
    let found = folder.solve(ranks, &["mesh.msh"]);
    assert!(found.u.iter().zip(&expected.u).all(|(a, b)| (a - b).abs() < 1e-9));
}

const TOUCHING: &str = "it has 4 elements from x = 0, y = 0 to x = 1, y = 1 (region 'left'); connect it, hold it by a \
                        condition, or remove it; 5 nodes lie at the place of another one, from x = 1, y = 0 to x = 1, \
                        y = 1: the parts of the mesh have no common nodes there, so nothing flows across; where that is \
                        not meant join them, in Gmsh by Coherence or BooleanFragments before meshing; in Gmsh: element 5";

/// Writes a file of a terabyte, nearly all of it a hole.
fn larger_than_memory() {
    let folder = with("names.msh");
    fs::File::options().write(true).open(folder.path("names.msh")).unwrap().set_len(1 << 40).unwrap();
    let outcome = folder.run(2, &["names.msh"]).expect_code(2);
    let errors = outcome.errors();
    let expected = "names.msh has 1099.5 GB: one rank reads it whole, which takes 2199.0 GB of memory or more, and its";
    assert!(errors.len() == 1 && errors[0].contains(expected), "{outcome}");
    assert!(errors[0].contains("quad8-mpi convert names.msh MESH.h5"), "{outcome}");
}

fn refusals() -> Vec<Trial> {
    fn copy(folder: &Folder, name: &str, to: &str) {
        fs::copy(data(name), folder.path(to)).unwrap();
    }
    const FORMATS: &str = "quad8-mpi reads HDF5 (datasets x, y, quad8), Gmsh MSH 4.1 (.msh), NumPy (.npz with x, y, \
                           quad8) and spreadsheets (.xlsx with the sheets coord, conec). Others can be converted: \
                           meshio convert mesh.vtk mesh.msh --output-format gmsh";
    [
        refused("an_unknown_format", &["mesh.vtk"], 2, FORMATS, |folder| {
            fs::write(folder.path("mesh.vtk"), "# vtk DataFile Version 5.1\n").unwrap();
        }),
        refused("an_old_gmsh_file", &["mesh.msh"], 2, "gmsh old.msh -save -format msh41 -o new.msh", |folder| {
            copy(folder, "names-22.msh", "mesh.msh");
        }),
        refused("a_mesh_of_triangles", &["mesh.msh"], 2, "it holds 52 triangles with six nodes", |folder| {
            copy(folder, "triangles.msh", "mesh.msh");
        }),
        refused("a_file_of_lines_alone", &["mesh.msh"], 2, "it holds 4 lines and no surface elements", |folder| {
            copy(folder, "no-surface.msh", "mesh.msh");
        }),
        refused("two_squares_that_only_touch", &["mesh.msh"], 2, TOUCHING, |folder| {
            copy(folder, "touching-squares.msh", "mesh.msh");
        }),
        refused(
            "a_curve_with_two_conditions",
            &["mesh.msh", "--bc", "inner line=dirichlet:1"],
            2,
            "curve 6 of Gmsh (its element 10 goes from node 6 at x = 0, y = 1 to node 32 at x = 0, y = 0.666667) is in \
             two physical groups that both have a condition, 'Inlet' and 'inner line'",
            two_groups,
        ),
        refused("a_mesh_that_is_not_plane", &["mesh.msh"], 2, "it is not plane: z goes from 0 to 0.5 m", |folder| {
            copy(folder, "not-plane.msh", "mesh.msh");
        }),
        refused(
            "a_mesh_without_inlet",
            &["mesh.msh"],
            2,
            "the mesh names the boundaries Höhe über Grund – Wand, inner line, left, outlet to the sea: without an \
             inlet and an outlet among them, give conditions with --bc NAME=dirichlet:VALUE or --bc \
             NAME=robin:P,GAMMA",
            |folder| {
                let text = fs::read_to_string(data("names.msh")).unwrap();
                fs::write(folder.path("mesh.msh"), text.replace("\"Inlet\"", "\"left\"")).unwrap();
            },
        ),
        refused("an_edge_of_two_names", &["mesh.h5"], 2, "belongs to two boundaries, 'inlet' and 'outlet'", |folder| {
            Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
            named(folder, "boundaries/inlet", &[[0, 18], [18, 36]]);
            named(folder, "boundaries/outlet", &[[36, 18]]);
        }),
        refused(
            "an_edge_of_no_element",
            &["mesh.h5"],
            2,
            "boundary 'inlet' has an edge from node 0 to node 36 (indices start at 0), which no element has",
            |folder| {
                Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
                named(folder, "boundaries/inlet", &[[0, 36]]);
                named(folder, "boundaries/outlet", &[[8, 26]]);
            },
        ),
        refused("regions_that_overlap", &["mesh.h5"], 2, "element 5 is in two regions, 'a' and 'b'", |folder| {
            Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
            region(folder, "regions/a", &[4, 5]);
            region(folder, "regions/b", &[5, 6]);
        }),
        refused("a_region_beyond_the_mesh", &["mesh.h5"], 2, "region 'a' holds element 8, the mesh has 8", |folder| {
            Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
            region(folder, "regions/a", &[4, 8]);
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn named(folder: &Folder, name: &str, edges: &[[i32; 2]]) {
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    let values: Vec<i32> = edges.as_flattened().to_vec();
    let builder = file.new_dataset::<i32>().shape((edges.len(), 2));
    builder.create(name).unwrap().write_raw(&values).unwrap();
}

fn region(folder: &Folder, name: &str, elements: &[i64]) {
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    file.new_dataset::<i64>().shape(elements.len()).create(name).unwrap().write_raw(elements).unwrap();
}

/// Lists tests of files that are truncated, empty, or declare more than they hold: each must give
/// an error in one line, and use far less memory than declared.
fn damaged() -> Vec<Trial> {
    let mut tests = vec![test("a_dataset_that_claims_terabytes_is_refused", || {
        let folder = Folder::new();
        let file = File::create(folder.path("mesh.h5")).unwrap();
        for name in ["x", "y"] {
            file.new_dataset::<f64>().chunk(1024).shape(1_usize << 42).create(name).unwrap();
        }
        file.new_dataset::<i32>().chunk((1024, 8)).shape((1_usize << 40, 8)).create("quad8").unwrap();
        drop(file);
        let outcome = folder.run(2, &["mesh.h5"]).expect_code(2);
        assert!(outcome.stderr.contains("dataset 'x' of mesh.h5 claims 35184372088832 bytes"), "{outcome}");
    })];
    tests.push(test("a_damaged_chunk_of_one_rank_is_refused::ranks_2", damaged_chunk));
    for name in ["names.h5", "names.msh", "names-binary.msh", "names.npz", "plain.xlsx"] {
        let cut = test(format!("a_damaged_file_is_refused::{name}"), move || {
            let bytes = fs::read(data(name)).unwrap();
            for part in [0, bytes.len() / 2, bytes.len() * 9 / 10] {
                let folder = Folder::new();
                fs::write(folder.path(name), &bytes[..part]).unwrap();
                let outcome = folder.run(1, &[name]);
                assert!(matches!(outcome.code, Some(2 | 3)), "{part} bytes: {outcome}");
                assert_eq!(outcome.errors().len(), 1, "{part} bytes: {outcome}");
                assert_eq!(folder.names(), [name]);
            }
        });
        tests.push(cut);
    }
    tests
}

/// Reads a compressed dataset, of which one rank cannot expand its first chunk, in many transfers.
fn damaged_chunk() {
    let mesh = Mesh::rectangle(40, 30);
    let folder = Folder::with(&mesh);
    let file = File::open_rw(folder.path("mesh.h5")).unwrap();
    file.unlink("y").unwrap();
    let y = file.new_dataset::<f64>().shape(mesh.y.len()).chunk(1000).deflate(1).create("y").unwrap();
    y.write(&mesh.y).unwrap();
    // The first rows of rank 1.
    let chunk = y.chunk_info(mesh.y.len() / 2 / 1000 + 1).unwrap();
    drop((y, file));
    let mut bytes = fs::read(folder.path("mesh.h5")).unwrap();
    bytes[chunk.addr as usize..][..chunk.size as usize].fill(0xff);
    fs::write(folder.path("mesh.h5"), bytes).unwrap();
    for variables in [&[][..], &[("QUAD8_MPI_MESSAGE_BYTES", "800")]] {
        let outcome = folder.run_with(2, variables, &["mesh.h5"]).expect_code(IO);
        assert_eq!(outcome.errors().len(), 1, "{outcome}");
        assert!(outcome.errors()[0].contains("'y' of mesh.h5"), "{outcome}");
    }
}
