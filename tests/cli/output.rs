//! Outputs of a solve: results, their description and the run record.

use hdf5::File;
use hdf5::types::VarLenUnicode;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::results::{Results, difference};
use crate::{at_ranks, test};

/// Stages of a solve, in their order.
pub const STAGES: [&str; 8] = [
    "load_mesh",
    "partition",
    "assemble_system",
    "apply_bc",
    "setup_preconditioner",
    "solve_system",
    "compute_derived",
    "export",
];

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("the_results_file_holds_what_is_promised", [1, 3], datasets),
        at_ranks("the_results_file_says_what_the_run_was", [3], attributes),
        vec![
            test("nodes_of_no_element_keep_their_place_and_hold_nan", orphans),
            test("clockwise_elements_are_turned_round", clockwise),
            test("a_results_file_is_a_mesh", results_are_a_mesh),
        ],
        at_ranks("the_run_record_has_every_key", [2], record),
        at_ranks("the_xdmf_names_datasets_of_their_true_size", [3], xdmf),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn datasets(ranks: usize) {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    folder.solve(ranks, &["mesh.h5"]);
    let file = File::open(folder.path("solved.h5")).unwrap();
    let (n, e) = (mesh.x.len(), mesh.quad8.len());
    for (name, shape, unit) in [
        ("x", vec![n], "m"),
        ("y", vec![n], "m"),
        ("u", vec![n], "m^2/s"),
        ("vel_node", vec![n, 2], "m/s"),
        ("abs_vel_node", vec![n], "m/s"),
        ("pressure_node", vec![n], "Pa"),
        ("vel", vec![e, 2], "m/s"),
        ("abs_vel", vec![e], "m/s"),
        ("pressure", vec![e], "Pa"),
    ] {
        let dataset = file.dataset(name).unwrap();
        assert_eq!(dataset.shape(), shape, "{name}");
        assert!(dataset.dtype().unwrap().is::<f64>(), "{name}");
        let found: VarLenUnicode = dataset.attr("unit").unwrap().read_scalar().unwrap();
        assert_eq!(found.as_str(), unit, "{name}");
    }
    let values = |name: &str| file.dataset(name).unwrap().read_raw::<f64>().unwrap();
    let with_zero = |name: &str| values(name).chunks(2).flat_map(|v| [v[0], v[1], 0.0]).collect::<Vec<_>>();
    let points: Vec<f64> = mesh.x.iter().zip(&mesh.y).flat_map(|(x, y)| [*x, *y, 0.0]).collect();
    for (name, columns) in [("points", points), ("vel_node", with_zero("vel_node")), ("vel", with_zero("vel"))] {
        let dataset = file.dataset(&format!("vtk/{name}")).unwrap();
        assert_eq!(dataset.shape(), [columns.len() / 3, 3], "{name}");
        assert_eq!(dataset.storage_size(), 0, "{name} takes no space");
        assert_eq!(difference(&dataset.read_raw::<f64>().unwrap(), &columns), 0.0, "{name}");
    }
    for (name, shape) in [("quad8", vec![e, 8]), ("partition", vec![e])] {
        let dataset = file.dataset(name).unwrap();
        assert_eq!(dataset.shape(), shape, "{name}");
        assert!(dataset.dtype().unwrap().is::<i32>(), "{name}");
    }
}

fn attributes(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    folder.run(ranks, &["mesh.h5", "--gamma", "2", "--rtol", "1e-6", "--json", "run.json"]).expect_code(0);
    let record = folder.json("run.json");
    let file = File::open(folder.path("quad8.h5")).unwrap();
    let group = file.group("run").unwrap();
    let number = |name: &str| group.attr(name).unwrap().read_scalar::<f64>().unwrap();
    let count = |name: &str| group.attr(name).unwrap().read_scalar::<u64>().unwrap();
    let text = |name: &str| group.attr(name).unwrap().read_scalar::<VarLenUnicode>().unwrap().to_string();

    assert_eq!(text("program"), format!("quad8-mpi {}", env!("CARGO_PKG_VERSION")));
    assert_eq!((text("mesh"), text("preconditioner")), ("mesh.h5".into(), "multigrid".into()));
    assert_eq!((number("gamma"), number("p0"), number("density")), (2.0, 101_328.828_1, 1.225));
    assert_eq!((number("rtol"), count("max_iterations"), count("refine")), (1e-6, 200_000, 0));
    assert_eq!((count("ranks"), count("threads_per_rank") > 0, count("hosts")), (ranks as u64, true, 1));
    assert!(!text("host").is_empty());
    assert_eq!((count("converged"), record["iterations"].as_u64()), (1, Some(count("iterations"))));

    let history: Vec<f64> = group.dataset("residual_history").unwrap().read_raw().unwrap();
    assert_eq!(history.len() as u64, count("iterations") + 1);
    assert!(number("relative_residual") <= 1e-6 && history.last().unwrap() / history[0] <= 1e-6);
    // Without an initial guess the first residual is b.
    assert!((history[0] / number("rhs_norm") - 1.0).abs() < 1e-12);
    assert_eq!(record["convergence"]["rhs_norm"].as_f64(), Some(number("rhs_norm")));
}

fn orphans() {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    let outcome = folder.run(3, &["mesh.h5"]).expect_code(0);
    let warning = "warning: 18 nodes belong to no element: they hold NaN in the results";
    assert_eq!(outcome.stderr.lines().filter(|line| *line == warning).count(), 1, "{outcome}");

    let results = Results::read(&folder.path("quad8.h5"));
    assert!(results.x == mesh.x && results.y == mesh.y);
    for (node, u) in results.u.iter().enumerate() {
        let used = mesh.quad8.iter().flatten().any(|&n| n == node as i64);
        assert_eq!(u.is_nan(), !used, "node {node}");
    }
}

fn clockwise() {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    let outcome = folder.run(3, &["mesh.h5"]).expect_code(0);
    let warning = "warning: 6 elements are clockwise: they were turned round";
    assert_eq!(outcome.stderr.lines().filter(|line| *line == warning).count(), 1, "{outcome}");

    // The same nodes in any orientation.
    let results = Results::read(&folder.path("quad8.h5"));
    for (got, wanted) in results.quad8.chunks(8).zip(&mesh.quad8) {
        let sorted = |mut nodes: Vec<i64>| {
            nodes.sort_unstable();
            nodes
        };
        assert_eq!(sorted(got.iter().map(|&n| i64::from(n)).collect()), sorted(wanted.to_vec()));
    }
}

fn results_are_a_mesh() {
    let folder = Folder::with(&Mesh::channel());
    let first = folder.solve(2, &["mesh.h5", "--rtol", "1e-12"]);
    std::fs::rename(folder.path("solved.h5"), folder.path("first.h5")).unwrap();
    let again = folder.solve(2, &["first.h5", "--rtol", "1e-12"]);
    assert!(again.has_the_mesh_of(&first));
    assert!(difference(&again.u, &first.u) < 1e-12);
}

fn record(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    folder.run(ranks, &["mesh.h5", "--json", "run.json"]).expect_code(0);
    let record = folder.json("run.json");
    let number = |path: &str| {
        let value = record.pointer(path).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{path} is no number in {record:#}"))
    };
    for stage in STAGES.into_iter().chain(["total_workflow"]) {
        let [min, mean, max] = ["min", "mean", "max"].map(|m| number(&format!("/timing_metrics/{stage}/{m}")));
        assert!(0.0 <= min && min <= mean * 1.000_001 && mean <= max * 1.000_001, "{stage}: {min} {mean} {max}");
        assert!(max <= number("/timing_metrics/total_workflow/max"), "{stage} takes longer than all");
        let split = |part: &str| number(&format!("/breakdown/stages/{stage}/{part}/mean"));
        let parts = ["compute", "halo/seconds", "reductions/seconds", "others/seconds"].map(split);
        assert!(parts.iter().all(|part| *part >= 0.0), "{stage}: {parts:?}");
        assert!((parts.iter().sum::<f64>() - mean).abs() < 1e-9 + 1e-6 * mean, "{stage}: {parts:?} of {mean}");
        let of_ranks = |what: &str| -> Vec<f64> {
            let values = record.pointer(&format!("/breakdown/by_rank/stages/{stage}/{what}")).and_then(Value::as_array);
            values.unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
        };
        let (seconds, communication) = (of_ranks("seconds"), of_ranks("communication"));
        assert_eq!([seconds.len(), communication.len()], [ranks; 2]);
        let longest = seconds.iter().copied().fold(0.0, f64::max);
        assert!((longest - max).abs() <= 1e-6 * max, "{stage}: {seconds:?}, but at most {max}");
        let mean_communication = communication.iter().sum::<f64>() / ranks as f64;
        assert!((mean_communication - parts[1..].iter().sum::<f64>()).abs() < 1e-9 + 1e-6 * mean, "{communication:?}");
    }
    assert_eq!(record["breakdown"]["by_rank"]["ranks"], (0..ranks).collect::<Value>());
    assert!(number("/iterations") > 0.0);
    let iterations = &record["breakdown"]["iterations"];
    assert_eq!(iterations["halo"].as_array().map_or(0, Vec::len) as f64, number("/iterations"));
    assert!(number("/breakdown/iterations/mean/reductions/count/min") > 0.0);
    assert_eq!(number("/breakdown/iterations/mean/halo/bytes/max") > 0.0, ranks > 1);
    assert_eq!(
        record["breakdown"]["levels"].as_array().map(Vec::len),
        record["convergence"]["levels"].as_array().map(Vec::len)
    );
    assert_eq!(record["converged"], Value::Bool(true));
    assert!(difference(&[number("/solution_stats/u_range/1")], &[10.555_604_976]) < 1e-6);
    for name in ["u_range/0", "u_mean", "u_std", "final_residual", "relative_residual"] {
        assert!(number(&format!("/solution_stats/{name}")).is_finite());
    }
    assert_eq!(["nodes", "used_nodes", "elements"].map(|n| number(&format!("/mesh_info/{n}"))), [91.0, 73.0, 18.0]);
    assert!(number("/mesh_info/matrix_nnz") > 73.0);
    assert_eq!(number("/solver_config/rtol"), 1e-8);
    for name in ["preconditioner", "max_iterations", "gamma", "p0", "density"] {
        assert!(!record["solver_config"][name].is_null(), "{name}");
    }
    assert!(number("/memory/peak_bytes_max") > 1e6);
    assert!(number("/memory/peak_bytes_sum") >= number("/memory/peak_bytes_max"));
    assert_eq!(number("/parallel/ranks"), ranks as f64);
    for name in ["threads_per_rank", "hosts", "edge_cut", "halo_max", "halo_sum", "load_imbalance"] {
        assert!(number(&format!("/parallel/{name}")) > 0.0, "{name}");
    }
}

/// Parses `<DataItem Dimensions="18 8" ...>solved.h5:/quad8</DataItem>`.
fn xdmf(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    folder.solve(ranks, &["mesh.h5"]);
    let text = std::fs::read_to_string(folder.path("solved.xdmf")).unwrap();
    let file = File::open(folder.path("solved.h5")).unwrap();
    let mut described = Vec::new();
    for item in text.split("<DataItem").filter(|item| item.contains("Format=\"HDF\"")) {
        let name = item.split("solved.h5:/").nth(1).unwrap().split('<').next().unwrap();
        let attribute = |key: &str| item.split(&format!("{key}=\"")).nth(1).unwrap().split('"').next().unwrap();
        let dimensions: Vec<usize> = attribute("Dimensions").split(' ').map(|d| d.parse().unwrap()).collect();
        let dataset = file.dataset(name).unwrap();
        assert_eq!(dataset.shape(), dimensions, "{name}");
        assert_eq!(dataset.dtype().unwrap().size().to_string(), attribute("Precision"), "{name}");
        described.push(name);
    }
    for name in ["vtk/points", "quad8", "u", "vtk/vel", "vtk/vel_node", "abs_vel", "pressure", "partition"] {
        assert!(described.contains(&name), "{name} is not described in\n{text}");
    }
    assert!(text.contains("TopologyType=\"Quadrilateral_8\" NumberOfElements=\"18\""));
}
