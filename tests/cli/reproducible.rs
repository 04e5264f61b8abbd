//! `--reproducible`: the same bits at any number of ranks.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use hdf5::types::TypeDescriptor;
use hdf5::{File, Group};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::accuracy::SMOOTH;
use crate::formats::data;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::results::{Results, read};
use crate::{at_ranks, test};

const RANKS: [usize; 6] = [1, 2, 3, 4, 7, 16];

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("reproducible_runs_have_the_same_bits_on_any_number_of_threads::ranks_1", threads),
        test("the_case_file_sets_the_number_of_virtual_ranks::ranks_2", case_file),
        test("options_that_break_reproducibility_are_refused", refused),
        test("a_stopped_reproducible_run_reports_that_it_saved_nothing::ranks_2", stopped),
        test("the_vtkhdf_file_holds_a_reproducible_solution::ranks_2", vtkhdf),
    ];
    tests.extend(at_ranks("reproducible_runs_have_the_same_bits", RANKS, multigrid));
    tests.extend(at_ranks("reproducible_runs_of_a_refined_mesh_have_the_same_bits", RANKS, refined));
    tests.extend(at_ranks("reproducible_runs_with_jacobi_have_the_same_bits", RANKS, jacobi));
    tests.extend(at_ranks("reproducible_runs_until_an_error_have_the_same_bits", [1, 3], until_error));
    tests.extend(at_ranks("reproducible_runs_across_regions_have_the_same_bits", [1, 4], across_regions));
    tests
}

/// Every dataset of a results file as bits, and the run record's values of the solution.
#[derive(PartialEq)]
struct Outcome {
    datasets: BTreeMap<String, Vec<u64>>,
    record: BTreeMap<String, Value>,
}

fn solve(ranks: usize, args: &[&str]) -> Outcome {
    solve_in(&Folder::with(&Mesh::channel()), ranks, args)
}

fn solve_in(folder: &Folder, ranks: usize, args: &[&str]) -> Outcome {
    folder.run(ranks, &[args, &["-q", "--json", "run.json"]].concat()).expect_code(0);
    let record = folder.json("run.json");
    assert_eq!(record["parallel"]["ranks"], ranks);
    let keys = ["iterations", "residual_history", "solution_stats", "flow", "mesh_info", "repairs"];
    let mut values: BTreeMap<String, Value> = keys.map(|key| (key.to_owned(), record[key].clone())).into();
    values.insert("levels".to_owned(), record["convergence"]["levels"].clone());
    let mut datasets = BTreeMap::new();
    bits(&File::open(folder.path("quad8.h5")).unwrap(), "", &mut datasets);
    assert!(datasets.len() > 12 && datasets.contains_key("/run/residual_history"), "{:?}", datasets.keys());
    Outcome { datasets, record: values }
}

/// Collects the bits of every dataset of a group.
pub fn bits(group: &Group, path: &str, found: &mut BTreeMap<String, Vec<u64>>) {
    for name in group.member_names().unwrap() {
        let path = format!("{path}/{name}");
        match group.dataset(&name) {
            Ok(dataset) => {
                let bits = match dataset.dtype().unwrap().to_descriptor().unwrap() {
                    TypeDescriptor::Float(_) => {
                        dataset.read_raw::<f64>().unwrap().iter().map(|v| v.to_bits()).collect()
                    }
                    _ => dataset.read_raw::<i64>().unwrap().iter().map(|&v| v as u64).collect(),
                };
                found.insert(path, bits);
            }
            Err(_) => bits(&group.group(&name).unwrap(), &path, found),
        }
    }
}

fn compare(found: &Outcome, expected: &Outcome) {
    assert_eq!(differences(&found.datasets, &expected.datasets), [""; 0]);
    assert_eq!(differences(&found.record, &expected.record), [""; 0]);
}

/// Returns the keys of the values that differ.
fn differences<'a, T: PartialEq>(a: &'a BTreeMap<String, T>, b: &'a BTreeMap<String, T>) -> Vec<&'a str> {
    let all = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
    all.filter(|key| a.get(*key) != b.get(*key)).map(String::as_str).collect()
}

const REFINED: [&str; 3] = ["--refine", "1", "--reproducible"];
const JACOBI: [&str; 8] =
    ["mesh.h5", "--reproducible", "--preconditioner", "jacobi", "--operator", "assembled", "--rtol", "1e-6"];

/// References on two processes, which merge parts and exchange messages.
static MULTIGRID_ON_TWO: LazyLock<Outcome> = LazyLock::new(|| solve(2, &["--reproducible"]));
static REFINED_ON_TWO: LazyLock<Outcome> = LazyLock::new(|| solve(2, &REFINED));
static JACOBI_ON_TWO: LazyLock<Outcome> = LazyLock::new(|| solve(2, &JACOBI));

fn multigrid(ranks: usize) {
    compare(&solve(ranks, &["--reproducible"]), &MULTIGRID_ON_TWO);
    let parts = &MULTIGRID_ON_TWO.datasets["/partition"];
    assert_eq!(parts.iter().max(), Some(&15), "the parts are those of 16 ranks");
}

fn refined(ranks: usize) {
    compare(&solve(ranks, &REFINED), &REFINED_ON_TWO);
}

fn jacobi(ranks: usize) {
    compare(&solve(ranks, &JACOBI), &JACOBI_ON_TWO);
}

fn until_error(ranks: usize) {
    let args = [&SMOOTH[..], &["--reproducible=5"]].concat();
    let [here, expected] = [ranks, 2].map(|ranks| solve_in(&Folder::with(&Mesh::rectangle(4, 2)), ranks, &args));
    compare(&here, &expected);
    assert_eq!(here.record["mesh_info"]["refine"], 2);
}

/// Compares runs on two regions, whose velocities are recovered separately, with either
/// partitioner.
fn across_regions(ranks: usize) {
    let folder = Folder::new();
    fs::copy(data("names.msh"), folder.path("mesh.msh")).unwrap();
    let case = "
        mesh = 'mesh.msh'
        refine = 1
        region.'cold rock'.k = '5+x*y'
        region.'warmes Öl'.k = 5e-3
        boundary.'Inlet' = { robin = { gamma = 2 } }
        boundary.'outlet to the sea' = { dirichlet = 'y' }";
    fs::write(folder.path("case.toml"), case).unwrap();
    for partitioner in ["metis", "two-level"] {
        let args = ["case.toml", "--reproducible=6", "--partitioner", partitioner];
        let [here, expected] = [ranks, 2].map(|ranks| solve_in(&folder, ranks, &args));
        compare(&here, &expected);
        assert_eq!(here.datasets["/partition"].iter().max(), Some(&5));
    }
}

fn threads() {
    for threads in ["2", "40"] {
        compare(&solve(1, &["--reproducible", "--threads", threads]), &MULTIGRID_ON_TWO);
    }
}

fn case_file() {
    let folder = Folder::with(&Mesh::channel());
    fs::write(folder.path("case.toml"), "mesh = 'mesh.h5'\n[solver]\nreproducible = 5\n").unwrap();
    let from_file = folder.solve(2, &["case.toml"]);
    let asked = folder.solve(3, &["mesh.h5", "--reproducible=5"]);
    assert!(from_file.has_the_bits_of(&asked) && from_file.partition == asked.partition);
    assert_eq!(from_file.partition.iter().max(), Some(&4));
    // With as many ranks as virtual ranks, each rank is one virtual rank.
    assert!(from_file.partition == folder.solve(5, &["mesh.h5"]).partition);
}

fn refused() {
    let folder = Folder::with(&Mesh::channel());
    let message = |ranks: usize, args: &[&str]| {
        let outcome = folder.run(ranks, args).expect_code(2);
        assert_eq!(outcome.errors().len(), 1, "{outcome}");
        outcome.errors()[0].to_owned()
    };
    let found = message(3, &["mesh.h5", "--reproducible=2"]);
    assert!(found.contains("too few for 3 ranks: use --reproducible=3"), "{found}");
    for option in [
        &["--partition", "parts.h5"][..],
        &["--max-time", "5"],
        &["--checkpoint-every", "5"],
        &["--restart", "quad8.checkpoint.h5"],
        &["--dry-run"],
    ] {
        let found = message(1, &[&["mesh.h5", "--reproducible"], option].concat());
        let expected = format!("--reproducible does not go with {}: leave one of them out", option[0]);
        assert!(found.ends_with(&expected), "{found}");
    }
    fs::write(folder.path("case.toml"), "mesh = 'mesh.h5'\nsolver.reproducible = 4").unwrap();
    let found = message(1, &["case.toml", "--dry-run"]);
    assert!(found.ends_with("--reproducible does not go with --dry-run: leave one of them out"), "{found}");
    assert_eq!(folder.names(), ["case.toml", "mesh.h5"]);
}

fn stopped() {
    let folder = Folder::new();
    let fault = [("QUAD8_MPI_FAULT", "term@iteration-3:9")];
    // The solve takes more than a thousand iterations, so that the signal arrives in time.
    let args = ["--refine", "1", "--preconditioner", "jacobi", "--reproducible"];
    let outcome = folder.run_with(2, &fault, &args).expect_code(5);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains("stopped by SIGTERM after iteration "), "{error}");
    assert!(error.ends_with("with --reproducible there are no checkpoints; start the same command again"), "{error}");
    assert_eq!(folder.names(), [""; 0]);
}

fn vtkhdf() {
    let folder = Folder::with(&Mesh::channel());
    let results = folder.solve(2, &["mesh.h5", "--reproducible", "--format", "vtkhdf"]);
    check_vtkhdf(&results, &File::open(folder.path("solved.hdf")).unwrap());
}

fn check_vtkhdf(results: &Results, file: &File) {
    let points: Vec<f64> = read(file, "VTKHDF/Points");
    let (u, nodes): (Vec<f64>, Vec<i64>) = (read(file, "VTKHDF/PointData/u"), read(file, "VTKHDF/PointData/node"));
    for ((&node, u), point) in nodes.iter().zip(&u).zip(points.chunks(3)) {
        let node = node as usize;
        assert_eq!((results.u[node], results.x[node], results.y[node]), (*u, point[0], point[1]));
    }
    let (elements, parts): (Vec<i64>, Vec<i32>) =
        (read(file, "VTKHDF/CellData/element"), read(file, "VTKHDF/CellData/partition"));
    assert_eq!(elements.len(), results.partition.len());
    assert!(elements.iter().zip(&parts).all(|(&element, part)| results.partition[element as usize] == *part));
    let sizes: Vec<i64> = read(file, "VTKHDF/NumberOfPoints");
    assert_eq!((sizes.len(), sizes.iter().sum::<i64>()), (2, nodes.len() as i64));
    // Connectivity counts in the points of its own partition.
    let (corners, cells): (Vec<i64>, Vec<i64>) =
        (read(file, "VTKHDF/Connectivity"), read(file, "VTKHDF/NumberOfCells"));
    for (at, (element, corners)) in elements.iter().zip(corners.chunks(8)).enumerate() {
        let first = if (at as i64) < cells[0] { 0 } else { sizes[0] };
        let found: Vec<i32> = corners.iter().map(|corner| nodes[(first + corner) as usize] as i32).collect();
        assert_eq!(found, results.quad8[8 * *element as usize..][..8]);
    }
}
