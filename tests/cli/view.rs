//! Pages for a browser: their content, and their use in a headless Chromium.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::output::STAGES;
use crate::program::Folder;
use crate::refusal::refused_alone;
use crate::tier::{needs_tool, slow};
use crate::{python, test};

const INPUT: i32 = 2;
const IO: i32 = 3;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/read_page.py");
const MESH: &[u8] = include_bytes!("../../meshes/venturi.msh");
/// Name of a boundary that would be a script if it were not text.
const NAME: &str = "</script><script>window.injected = 1</script>";
/// Stages of a page, each by the keys of the run record that it sums up.
const SHOWN: [&[&str]; 7] = [
    &["load_mesh"],
    &["partition"],
    &["assemble_system", "apply_bc"],
    &["setup_preconditioner"],
    &["solve_system"],
    &["compute_derived"],
    &["export"],
];
/// Largest size of a page (bytes).
const LARGEST: u64 = 6_000_000;
/// Relative error of a value with three digits.
const DIGITS: f64 = 5e-4;

pub fn tests() -> Vec<Trial> {
    let browser = [
        test("a_page_in_a_browser_shows_the_values_of_the_results", in_browser),
        test("a_page_of_a_study_in_a_browser_has_its_charts", study_in_browser),
    ];
    let mut tests = vec![
        test("a_page_holds_results_and_records_as_text", content),
        test("a_page_of_a_window_has_more_detail", window),
    ];
    tests.extend(browser.into_iter().map(|test| needs_tool(slow(test), missing_browser())));
    tests.extend(refusals());
    tests
}

/// Returns how to install a browser, if there is none.
fn missing_browser() -> Option<&'static str> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
    let is_there = std::env::split_paths(&folders).any(|folder| names.iter().any(|name| folder.join(name).exists()));
    (!is_there).then_some("no Chromium: jobs/install.sh chromium-headless-shell installs it")
}

/// Solves a venturi, whose wall has the name of a script.
fn solved(ranks: usize) -> Folder {
    let folder = Folder::new();
    let at = MESH.windows(6).position(|bytes| bytes == b"\"wall\"").unwrap();
    let name = format!("\"{NAME}\"");
    fs::write(folder.path("mesh.msh"), [&MESH[..at], name.as_bytes(), &MESH[at + 6..]].concat()).unwrap();
    folder.run(ranks, &["mesh.msh", "--refine", "1", "--json", "run.json", "-q"]).expect_code(0);
    folder
}

/// Returns the data in a page.
pub fn data(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn keys(data: &Value) -> Vec<&str> {
    data["fields"].as_array().unwrap().iter().map(|field| field["key"].as_str().unwrap()).collect()
}

fn content() {
    let folder = solved(2);
    let outcome = folder.run(0, &["view", "quad8.h5", "run.json"]).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("quad8.html\n", ""));
    let data = data(&folder.path("quad8.html"));
    assert_eq!(keys(&data), ["speed", "pressure", "u", "error", "partition"]);
    let boundaries = data["boundaries"].as_array().unwrap();
    assert!(boundaries.iter().any(|boundary| boundary["name"] == NAME), "{boundaries:?}");
    assert!(boundaries.iter().all(|boundary| !boundary["lines"].as_array().unwrap().is_empty()));
    assert_eq!(data["outline"].as_array().unwrap().len(), 1);
    assert_eq!((&data["run"]["ranks"], &data["runs"][0]["file"]), (&2.0.into(), &"run.json".into()));
    assert!(data["case"]["boundary"]["inlet"]["robin"]["gamma"].is_number(), "{}", data["case"]);

    let text = fs::read_to_string(folder.path("quad8.html")).unwrap();
    assert!(text.len() as u64 <= LARGEST && !text.contains(NAME), "{} bytes", text.len());
    // Once more without a record, under mpirun and with another name: the same bytes each time.
    for name in ["a.html", "b.html"] {
        folder.run(2, &["view", "-o", name, "-q"]).expect_code(0);
    }
    assert!(fs::read(folder.path("a.html")).unwrap() == fs::read(folder.path("b.html")).unwrap());
}

fn window() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(1, &["mesh.h5", "-q"]).expect_code(0);
    let step = |args: &[&str]| {
        folder.run(0, &[&["view", "-q"], args].concat()).expect_code(0);
        data(&folder.path("quad8.html"))["grid"]["step"].as_f64().unwrap()
    };
    let whole = step(&[]);
    let part = step(&["--window", "1,0.2,1.2,0.3"]);
    assert!((9.9..10.1).contains(&(whole / part)), "{whole} and {part}");
}

/// Opens a page in the browser, which may complain about nothing and fetch nothing.
fn open(folder: &Folder, page: &str) -> Value {
    let found: Value = serde_json::from_str(&python::run(&[SCRIPT, page], &folder.path("."))).unwrap();
    assert_eq!(found["errors"], Value::Array(Vec::new()));
    assert_eq!(found["requests"], Value::Array(vec![found["page"].clone()]), "something was fetched");
    check_sizes(&found);
    found
}

fn study_in_browser() {
    let folder = Folder::with(&Mesh::channel());
    for (ranks, record) in [(1, "one.json"), (2, "two.json")] {
        folder.run(ranks, &["mesh.h5", "-q", "--json", record]).expect_code(0);
    }
    folder.run(0, &["report", "one.json", "two.json", "--format", "html", "-o", "study.html"]).expect_code(0);
    let found = open(&folder, "study.html");
    assert_eq!((&found["charts"], &found["bars"]), (&2.into(), &2.into()));
    for text in ["Strong scaling of mesh.h5", "peak memory (MiB)", "recovery"] {
        assert!(found["text"].as_str().unwrap().contains(text), "{text} is not in {}", found["text"]);
    }
}

/// Replaces the times of single ranks by those with most digits, so that their table is widest, and
/// gives the first boundary the potential of a floating one.
fn edit_record(folder: &Folder) {
    let mut run = folder.json("run.json");
    for (stage, times) in run["breakdown"]["by_rank"]["stages"].as_object_mut().unwrap() {
        let share = if stage == "total_workflow" { STAGES.len() as f64 } else { 1.0 };
        times["seconds"] = [0.02497, 0.02496, 0.02495].map(|seconds| seconds * share).to_vec().into();
        times["communication"] = [0.008371; 3].map(|seconds| seconds * share).to_vec().into();
    }
    run["conditions"][0]["potential"] = 0.25.into();
    fs::write(folder.path("run.json"), run.to_string()).unwrap();
}

fn in_browser() {
    let folder = solved(3);
    edit_record(&folder);
    folder.run(0, &["view", "quad8.h5", "run.json", "-q"]).expect_code(0);
    let found = open(&folder, "quad8.html");
    assert_eq!(found["scripts that ran"], 0);
    readings(&folder, &found);
    line(&folder, &found);
    ranks(&folder.json("run.json")["breakdown"]["by_rank"], &found);

    let states = found["colours"].as_object().unwrap().values().map(|state| &state[0]);
    let states: Vec<&Value> = states.chain(found["states"].as_object().unwrap().values()).collect();
    // The first state of the controls is the picture of the speed.
    let different: std::collections::HashSet<String> = states.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), states.len() - 1, "{states:?}");
    assert_eq!((&found["range is restored"], &found["charts"]), (&true.into(), &2.into()));
    assert!(found["bars"].as_u64().unwrap() > 10, "{found}");
    assert!(found["boundaries"].as_array().unwrap().contains(&NAME.into()), "{found}");
    for text in
        ["natural, at u = 0.25", "robin: gamma = 2.5, p = 0", "converged", "Limited by:", "level\u{a0}0", "multigrid"]
    {
        assert!(found["text"].as_str().unwrap().contains(text), "{text} is not in {}", found["text"]);
    }
}

/// Compares the rows of the ranks with their times in the run record.
fn ranks(by_rank: &Value, found: &Value) {
    let times = |stage: &str, rank: usize| -> [f64; 2] {
        let [all, communication] =
            ["seconds", "communication"].map(|key| by_rank["stages"][stage][key][rank].as_f64().unwrap());
        [all - communication, communication]
    };
    let totals = [0, 1, 2].map(|rank| times("total_workflow", rank));
    let longest = totals.iter().map(|[computing, communication]| computing + communication).fold(0.0, f64::max);
    let rows = found["ranks"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for (rank, row) in rows.iter().enumerate() {
        let sum = |keys: &[&str]| keys.iter().map(|key| times(key, rank)).reduce(|a, b| [a[0] + b[0], a[1] + b[1]]);
        let seconds: Vec<f64> = SHOWN.iter().filter_map(|keys| sum(keys)).flatten().collect();
        let widths: Vec<f64> = row.as_array().unwrap().iter().map(|width| width.as_f64().unwrap()).collect();
        assert_eq!(widths.len(), seconds.len());
        for (width, seconds) in widths.iter().zip(&seconds) {
            assert!((width - seconds / longest).abs() < 1e-3, "rank {rank}: {widths:?}, not {seconds} of {longest}");
        }
    }
    let slowest = (0..3).max_by(|&a, &b| totals[a][0].total_cmp(&totals[b][0])).unwrap();
    assert_eq!(found["slowest"], format!("rank\u{a0}{slowest},\u{a0}slowest"));
    let text = found["seconds"].as_str().unwrap();
    assert_eq!((text.lines().count(), text.matches(" + ").count()), (3, 3 * SHOWN.len()), "{text}");
}

/// Checks that the page is as wide as a phone, and that its print is whole.
fn check_sizes(found: &Value) {
    assert!(found["phone"][0].as_f64().unwrap() <= found["phone"][1].as_f64().unwrap(), "{}", found["phone"]);
    assert_eq!(found["cut in print"], Value::Array(Vec::new()));
    assert!(found["printed"].as_u64().unwrap() > 10_000);
}

/// Compares the values under the pointer with the results.
fn readings(folder: &Folder, found: &Value) {
    let readings = found["readings"].as_array().unwrap();
    let inside: Vec<&Value> = readings.iter().filter(|reading| reading["speed"].is_number()).collect();
    assert_eq!((inside.len(), readings.len()), (4, 5), "{readings:?}");
    for reading in inside {
        let at = format!("{},{}", reading["x"], reading["y"]);
        let text = folder.run(1, &["probe", &format!("--at={at}")]).expect_code(0).stdout;
        let (names, rows) = table(&text);
        for field in ["u", "speed", "pressure"] {
            let expected = rows[0][names.iter().position(|name| *name == field).unwrap()];
            let value = reading[field].as_f64().unwrap();
            assert!((value / expected - 1.0).abs() < DIGITS, "{field} at {at}: {value}, not {expected}");
        }
    }
}

/// Compares the values along the line that was drawn with those of `probe`.
fn line(folder: &Folder, found: &Value) {
    let ends: Vec<&str> = found["ends"].as_array().unwrap().iter().map(|end| end.as_str().unwrap()).collect();
    let ends = format!("--line={},{}:{},{}", ends[0], ends[1], ends[2], ends[3]);
    let probed = folder.run(1, &["probe", &ends, "-n", "201"]).expect_code(0).stdout;
    let ((names, rows), (probed_names, probed)) = (table(found["csv"].as_str().unwrap()), table(&probed));
    assert_eq!(rows.len(), probed.len());
    for field in ["x", "y", "u", "speed", "pressure", "distance"] {
        let [at, probed_at] =
            [&names, &probed_names].map(|names| names.iter().position(|name| *name == field).unwrap());
        for (row, probed) in rows.iter().zip(&probed) {
            let (value, expected) = (row[at], probed[probed_at]);
            let error = (value - expected).abs();
            assert!(error < DIGITS * expected.abs().max(1e-2), "{field}: {value}, not {expected}");
        }
    }
}

/// Returns the names and the numbers of a table, without its first column where that holds words.
fn table(text: &str) -> (Vec<&str>, Vec<Vec<f64>>) {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let first = usize::from(names[0] == "probe");
    let numbers = |line: &str| line.split(',').skip(first).map(|number| number.parse().unwrap()).collect();
    (names[first..].to_vec(), lines.map(numbers).collect())
}

fn refusals() -> Vec<Trial> {
    let mesh = |folder: &Folder| Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
    let record = |folder: &Folder| {
        Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
        fs::write(folder.path("run.json"), "{}").unwrap();
    };
    [
        refused_alone("a_page_of_a_missing_file", &["view", "a.h5"], IO, "cannot open a.h5: No such file", |_| ()),
        refused_alone("a_page_of_no_record", &["view", "mesh.h5", "run.json"], INPUT, "is not a run record", record),
        refused_alone("a_page_over_its_input", &["view", "a.h5", "-o", "a.h5"], INPUT, "the output a.h5 is", |_| ()),
        refused_alone(
            "a_window_outside_of_the_mesh",
            &["view", "mesh.h5", "--window", "5,5,6,6"],
            INPUT,
            "is outside of the domain, which has x from 0 to 2 m and y from 0 to 1 m",
            mesh,
        ),
        refused_alone(
            "a_window_without_a_size",
            &["view", "--window", "1,1,1,2"],
            INPUT,
            "must be X0,Y0,X1,Y1",
            |_| (),
        ),
    ]
    .into()
}
