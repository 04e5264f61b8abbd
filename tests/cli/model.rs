//! `quad8-mpi model`: predictions of the scaling.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::program::Folder;
use crate::refusal::refused;
use crate::{alone, test};

const RECORD: &str = "a.json is not a run record";
const OVER: &str = "the output ./a.json is an input";

pub fn tests() -> Vec<Trial> {
    let bad = |name: &str, args, code, message| refused(name, args, code, message, |_| ());
    [
        vec![
            test("a_model_names_what_stops_scaling", bottleneck),
            alone(test("a_model_is_set_by_a_run_and_compared_with_others", calibrated)),
            test("ranks_that_share_the_bandwidth_are_slower", shared),
        ],
        bad("a_model_of_no_mesh", &["model", "channel"], 2, "the built-in meshes are y-channel, "),
        bad("a_model_of_no_record", &["model", "--record", "no.json"], 3, "cannot open no.json"),
        bad("a_model_of_another_kind_of_picture", &["model", "-o", "a.gif", "--ranks", "1"], 2, "a.gif is neither"),
        bad("a_model_of_a_network_beside_nothing", &["model", "--network"], 2, "required arguments"),
        bad("a_model_without_a_network", &["model", "--bandwidth", "0"], 2, "must be more than 0"),
        refused(
            "a_model_of_two_meshes",
            &["model", "--record", "1.json", "2.json"],
            2,
            "2.json is not a run",
            |folder| {
                for refine in ["1", "2"] {
                    let json = format!("{refine}.json");
                    folder.run(0, &["--refine", refine, "--threads", "1", "--json", &json, "-q"]).expect_code(0);
                }
            },
        ),
        refused("a_model_over_its_input", &["model", "--compare", "a.json", "--json", "./a.json"], 2, OVER, empty),
        refused(
            "a_model_of_other_messages",
            &["model", "--compare", "a.json", "--messages", "a.json"],
            2,
            RECORD,
            |folder| {
                folder.run(0, &["--threads", "1", "--json", "a.json", "-q"]).expect_code(0);
            },
        ),
        refused("a_model_of_another_record", &["model", "--record", "a.json"], 2, RECORD, empty),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn empty(folder: &Folder) {
    std::fs::write(folder.path("a.json"), "{}").unwrap();
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path} in {value}"))
}

/// Returns the predicted seconds of a stage of a run.
fn seconds(model: &Value, run: usize, stage: &str) -> f64 {
    let stages = model["compared"][run]["stages"].as_array().expect("stages");
    number(stages.iter().find(|one| one["name"] == stage).expect("the stage"), "/predicted")
}

fn bottleneck() {
    let folder = Folder::new();
    let model = |more: &[&str]| {
        let args = [&["model", "--ranks", "256", "--json", "model.json"], more].concat();
        let outcome = folder.run(0, &args).expect_code(0);
        (outcome.stdout.clone(), folder.json("model.json"))
    };
    let (text, fast) = model(&["-o", "model.svg"]);
    assert!(text.contains("first bottleneck: ") && text.contains("256    64,000,000"), "{text}");
    assert_eq!(fast["rows"].as_array().unwrap().len(), 5);
    assert_eq!([number(&fast, "/rows/0/efficiency"), number(&fast, "/rows/0/stages_efficiency")], [1.0; 2]);
    let [of_solve, of_run] = ["stages", "run"].map(|what| number(&fast, &format!("/rows/4/{what}_efficiency")));
    let (_, table) = text.split_once("solve, eff.").expect("a table of the stages");
    let line = table.lines().find(|line| line.starts_with("  256 ")).expect("a line for 256 ranks");
    let ends = format!(" {of_run:.2} {of_solve:>11.2} {:>8.0}", number(&fast, "/rows/4/peak_bytes") / 1_048_576.0);
    assert!(of_run < of_solve && of_solve < 1.0 && line.ends_with(&ends), "{line} instead of {ends}");
    for stage in ["reading", "partition", "assembly", "setup", "iterations", "recovery", "writing"] {
        assert!(table.contains(&format!("{stage}: limited by ")), "{table}");
    }
    assert_eq!(number(&fast, "/rows/0/neighbours"), 0.0);
    assert!(std::fs::read_to_string(folder.path("model.svg")).unwrap().starts_with("<svg "));
    let (text, slow) = model(&["--latency", "1000", "--fewest", "0"]);
    let waits = ["messages between neighbours", "messages on coarse levels", "direct solution of the coarsest level"];
    assert!(waits.iter().any(|wait| text.contains(&format!("first bottleneck: {wait}"))), "{text}");
    assert!(number(&slow, "/rows/4/efficiency") < 0.5 * number(&fast, "/rows/4/efficiency"));
    // Strong scaling: one problem on more and more ranks.
    let (text, strong) = model(&["--unknowns", "1e6"]);
    assert!(text.starts_with("strong scaling"), "{text}");
    let work = |row: usize| number(&strong, &format!("/rows/{row}/iteration/work"));
    assert!((work(0) / work(2) / 16.0 - 1.0).abs() < 0.1, "{} and {}", work(0), work(2));
}

fn calibrated() {
    let folder = Folder::new();
    for ranks in [1, 2] {
        let file = format!("{ranks}.json");
        folder.run(ranks, &["--refine", "2", "--threads", "1", "--json", &file, "-q"]).expect_code(0);
    }
    let compare = ["--compare", "1.json", "2.json", "1.json"];
    let args =
        [&["model", "--ranks", "2", "--record", "1.json", "1.json", "--json", "model.json"], &compare[..]].concat();
    let outcome = folder.run(0, &args).expect_code(0);
    let lines = outcome
        .stdout
        .lines()
        .filter(|line| {
            line.starts_with("built-in y-channel, --refine 2, ranks 1, runs 2")
                || line.starts_with("built-in y-channel, --refine 2, ranks 2, runs 1")
        })
        .count();
    assert_eq!(lines, 2, "{outcome}");
    let model = folder.json("model.json");
    let stages = model["compared"][0]["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 8);
    for stage in stages {
        let ratio = number(stage, "/predicted") / number(stage, "/measured");
        assert!((ratio - 1.0).abs() < 0.15, "{} of the run that set the model: {ratio}", stage["name"]);
    }
    assert_eq!([0, 1].map(|group| number(&model, &format!("/compared/{group}/runs"))), [2.0, 1.0]);
    let predicted = |run: usize| seconds(&model, run, "iteration");
    assert!((1.7..2.05).contains(&(predicted(0) / predicted(1))), "{} and {}", predicted(0), predicted(1));
}

fn shared() {
    let folder = Folder::new();
    folder.run(2, &["--refine", "1", "--threads", "1", "--json", "run.json", "-q"]).expect_code(0);
    for (ranks, total) in [(1, 12.0), (2, 16.0)] {
        let parallel = serde_json::json!({ "ranks": ranks, "threads_per_rank": 1, "hosts": 1 });
        let stream = serde_json::json!({ "parallel": parallel, "stream": { "triad": { "total": total } } });
        std::fs::write(folder.path(&format!("{ranks}.json")), stream.to_string()).unwrap();
    }
    let mut other = folder.json("run.json");
    other["parallel"]["ranks"] = 1.into();
    std::fs::write(folder.path("other.json"), other.to_string()).unwrap();
    let compared = ["--compare", "other.json", "run.json"];
    let assembly = |more: &[&str]| {
        let args = ["model", "--ranks", "1", "--record", "run.json", "--json", "model.json", "--latency", "1e-9"];
        folder
            .run(0, &[&args[..], &["--overhead", "0", "--bandwidth", "1e9"], &compared, more].concat())
            .expect_code(0);
        let model = folder.json("model.json");
        [0, 1].map(|run| seconds(&model, run, "assembly"))
    };
    let plain = assembly(&[]);
    // One rank alone has 12 GB/s, two have 8 each; it moves 270 bytes an unknown, and four for each
    // three that count.
    let [alone, _] = assembly(&["--stream", "1.json", "2.json"]);
    let saved = number(&other, "/mesh_info/used_nodes") * 270.0 * 0.75 * (1.0 / 8e9 - 1.0 / 12e9);
    assert!(((plain[0] - alone) / saved - 1.0).abs() < 1e-6, "{alone} after {} less {saved}", plain[0]);
    let crowded = assembly(&["--cores", "1"]);
    assert!((crowded[0] - plain[0]).abs() < 1e-12 && (crowded[1] / plain[1] - 2.0).abs() < 1e-9, "{crowded:?}");
    // Three sums and three exchanges with one neighbour, where messages were measured.
    let parallel = serde_json::json!({ "ranks": 2, "threads_per_rank": 1, "hosts": 1 });
    let costs = serde_json::json!({ "latency": 2.0, "overhead": 0.5, "bandwidth": 1e300, "sum": 3.0 });
    let messages = serde_json::json!({ "parallel": parallel, "messages": costs }).to_string();
    std::fs::write(folder.path("messages.json"), messages).unwrap();
    let slow = assembly(&["--messages", "messages.json"]);
    assert!((slow[0] - plain[0]).abs() < 1e-12 && (slow[1] - plain[1] - 15.0).abs() < 1e-9, "{slow:?}");
}
