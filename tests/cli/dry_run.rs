//! `--dry-run`: estimates, compared with a solve.

use hdf5::File;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::mesh::{self, Mesh};
use crate::program::Folder;
use crate::refusal::refused;
use crate::{alone, at_ranks, test};

pub fn tests() -> Vec<Trial> {
    let bad = |name: &str, args, code, message| refused(name, args, code, message, |_| ());
    [
        at_ranks("a_dry_run_counts_and_leaves_nothing_behind", [0, 3], counts),
        at_ranks("a_dry_run_predicts_the_memory_of_a_run", [2], predicts).into_iter().map(alone).collect(),
        vec![
            test("a_dry_run_reads_no_more_than_the_header_of_a_large_file", header),
            test("a_dry_run_checks_the_data_of_materials", data),
            test("a_dry_run_counts_the_solves_for_floating_boundaries", floating),
            test("a_dry_run_is_for_as_many_ranks_as_asked", other_ranks),
            test("a_dry_run_warns_of_too_little_memory_here", too_little_memory),
        ],
        bad("a_dry_run_beyond_all_numbers", &["--dry-run", "--refine", "40"], 2, "--refine 40 makes "),
        bad("a_dry_run_of_a_missing_mesh", &["mesh.h5", "--dry-run"], 3, "cannot open mesh.h5"),
        bad("ranks_for_a_real_run", &["--ranks", "4"], 2, "required arguments were not provided"),
        bad("a_dry_run_without_bandwidth", &["--dry-run", "--bandwidth", "0"], 2, "must be more than 0"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn read_json(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.path(name)).unwrap()).unwrap()
}

/// Checks a solve of 0.9 TB, which is more than this machine has.
fn too_little_memory() {
    let folder = Folder::new();
    let warning = "warning: this solve needs about ";
    let here = folder.run(6, &["--dry-run", "--refine", "9"]).expect_code(0);
    assert!(here.stderr.starts_with(warning) && here.stderr.contains("use more hosts, or a coarser mesh"), "{here}");
    let elsewhere = folder.run(0, &["--dry-run", "--refine", "9", "--ranks", "64"]).expect_code(0);
    assert!(elsewhere.stderr.is_empty(), "{elsewhere}");
    assert!(folder.run(0, &["--dry-run"]).expect_code(0).stderr.is_empty());
}

fn counts(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = folder.run(ranks, &["mesh.h5", "--dry-run"]).expect_code(0);
    assert!(outcome.stdout.contains("mesh.h5: 18 elements, 91 unknowns"), "{outcome}");
    for text in [
        "element matrices",
        "MiB a rank",
        "all of these",
        "about 8 iterations",
        "iterate ",
        "aspect ratio at most ",
        "sbatch --ntasks=",
    ] {
        assert!(outcome.stdout.contains(text), "{text} is not in {outcome}");
    }
    assert_eq!(folder.names(), ["mesh.h5"]);
}

fn predicts(ranks: usize) {
    let folder = Folder::new();
    folder.run(ranks, &["--refine", "2", "--dry-run", "--json", "dry.json"]).expect_code(0);
    let dry = read_json(&folder, "dry.json");
    let run = || {
        folder.run(ranks, &["--refine", "2", "--threads", "1", "--json", "run.json"]).expect_code(0);
        read_json(&folder, "run.json")
    };
    let number = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_f64).unwrap();
    // On a busy machine the peak memory of some runs is higher by a few per cent.
    let peak = |run: &Value| number(run, "/memory/peak_bytes_max");
    let run = [(); 3].map(|()| run()).into_iter().min_by(|a, b| peak(a).total_cmp(&peak(b))).unwrap();
    assert_eq!(number(&dry, "/unknowns"), number(&run, "/mesh_info/nodes"));
    assert_eq!(number(&dry, "/elements"), number(&run, "/mesh_info/elements"));
    let (foretold, measured) = (number(&dry, "/peak_bytes_per_rank"), peak(&run));
    assert!((foretold / measured - 1.0).abs() < 0.15, "{foretold} bytes instead of {measured}");
    let iterations = number(&dry, "/iterations") - number(&run, "/iterations");
    assert!(iterations.abs() <= 3.0, "{iterations} too many");
}

/// Number of elements that is larger than a dry run reads.
const MANY: usize = 1 << 21;

/// Returns a folder with a file that declares more elements than it holds.
fn large() -> Folder {
    let folder = Folder::new();
    let file = File::create(folder.path("mesh.h5")).unwrap();
    for name in ["x", "y"] {
        file.new_dataset::<f64>().chunk(1024).shape(2 * MANY).create(name).unwrap();
    }
    file.new_dataset::<i32>().chunk((1024, 8)).shape((MANY, 8)).create("quad8").unwrap();
    folder
}

fn header() {
    let folder = large();
    let outcome = folder.run(0, &["mesh.h5", "--dry-run"]).expect_code(0);
    assert!(outcome.stdout.contains("quality    not checked in so large a file"), "{outcome}");
    folder.run(0, &["mesh.h5"]).expect_code(2);
}

/// Checks headers of data, in a file that is read whole and in a large one.
fn data() {
    for (folder, elements) in [(Folder::with(&Mesh::channel()), 18), (large(), MANY)] {
        let file = File::open_rw(folder.path("mesh.h5")).unwrap();
        mesh::write(&file, "short", &[elements - 1], &vec![1_u8; elements - 1]);
        mesh::write(&file, "flags", &[elements], &vec![true; elements]);
        mesh::write(&file, "k", &[elements], &vec![1_u8; elements]);
        drop(file);
        let dry_run = |name: &str| {
            let case = format!("mesh = 'mesh.h5'\nmaterial.k = {{ data = '{name}' }}");
            std::fs::write(folder.path("case.toml"), case).unwrap();
            folder.run(0, &["case.toml", "--dry-run"])
        };
        for (name, message) in [
            ("missing", "mesh.h5 has no dataset 'missing' for k or f"),
            ("short", "dataset 'short' of mesh.h5 has shape"),
            ("flags", "dataset 'flags' of mesh.h5 holds bool: expected numbers"),
        ] {
            let outcome = dry_run(name).expect_code(2);
            assert!(outcome.errors()[0].contains(message), "{outcome}");
        }
        dry_run("k").expect_code(0);
    }
}

fn floating() {
    let folder = Folder::new();
    let seconds = |args: &[&str]| {
        let outcome = folder.run(0, &[&["cylinder", "--dry-run", "--json", "dry.json"], args].concat()).expect_code(0);
        let dry = read_json(&folder, "dry.json");
        (outcome, dry["seconds"]["solve"].as_f64().unwrap())
    };
    let (_, once) = seconds(&[]);
    let (outcome, twice) = seconds(&["--bc", "cylinder=floating"]);
    assert!((twice / once - 2.0).abs() < 1e-9, "{once}, {twice}");
    assert!(outcome.stdout.contains("iterations, and as many for each floating boundary (1)"), "{outcome}");
}

fn other_ranks() {
    let folder = Folder::new();
    let peak = |ranks: &str| {
        folder.run(0, &["--refine", "8", "--dry-run", "--ranks", ranks, "--json", "dry.json"]).expect_code(0);
        let dry = read_json(&folder, "dry.json");
        assert_eq!(dry["ranks"].to_string(), ranks);
        dry["peak_bytes_per_rank"].as_f64().unwrap()
    };
    let ratio = peak("64") / peak("128");
    assert!((1.8..2.0).contains(&ratio), "{ratio}");
}
