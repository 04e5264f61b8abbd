//! Compares the solver on a cluster simulated by SimGrid with a real run and with recorded
//! messages. `tests/run.sh --all` builds the simulated solver.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::mpirun::Run;
use crate::program::Folder;
use crate::tier::{needs_tool, slow};
use crate::{alone, test};

pub fn tests() -> Vec<Trial> {
    let is_built = folder().join("../../target/simgrid/release/examples/libsmpi.so").exists();
    let missing = (!is_built).then_some("no simulated solver: apt-get install libsimgrid-dev, tests/simgrid/build.sh");
    [
        test("a_simulated_solve_agrees_with_a_real_run", same_answer),
        test("a_simulated_solve_sends_the_recorded_and_predicted_messages", same_messages),
    ]
    .map(|test| needs_tool(slow(alone(test)), missing))
    .into()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simgrid")
}

fn simulate(args: &[&str]) -> Value {
    let run = Run { ranks: 0, timeout: Duration::from_secs(120), env: Vec::new() };
    let outcome = run.run(&folder().join("run.sh"), args, &folder());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {outcome:?}"))
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path} in {value}"))
}

fn same_answer() {
    let args = ["16", "--refine", "1", "--rtol", "1e-12"];
    let simulated = simulate(&args);
    assert_eq!(simulated, simulate(&args), "a simulation without work repeats exactly");
    let real = Folder::new();
    real.run(16, &["--refine", "1", "--rtol", "1e-12", "--threads", "1", "--json", "run.json", "-q"]).expect_code(0);
    let real = real.json("run.json");
    assert_eq!(simulated["iterations"], real["iterations"]);
    for name in ["u_range/1", "u_mean", "u_std"] {
        let [a, b] = [&simulated, &real].map(|run| number(run, &format!("/solution_stats/{name}")));
        assert!((a / b - 1.0).abs() < 1e-10, "{name}: {a} simulated, {b} in truth");
    }
    // These counts do not depend on the network. A real run also opens a file that all ranks share.
    let all = &["halo", "reductions", "others"][..];
    for (stage, kinds) in [("solve_system", all), ("setup_preconditioner", all), ("export", &["halo"])] {
        for kind in kinds {
            for what in ["count", "bytes"] {
                let path = format!("/breakdown/stages/{stage}/{kind}/{what}/mean");
                let [a, b] = [&simulated, &real].map(|run| 16.0 * number(run, &path));
                assert!((a - b).abs() < 0.5, "{path}: {a} simulated, {b} in truth");
            }
        }
    }
}

/// Relative tolerance: on processors that round differently the aggregates may differ.
const SAME: f64 = 0.01;

fn same_messages() {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let simulated = simulate(&["64", "--refine", "1"]);
    compare(&simulated, &serde_json::from_str(&text).unwrap(), "");

    let folder = Folder::new();
    std::fs::write(folder.path("run.json"), simulated.to_string()).unwrap();
    // The network of tests/simgrid/crossbar.xml.
    let network = ["--network", "--latency", "2", "--overhead", "0", "--bandwidth", "100", "--ranks-per-node", "1"];
    let files = ["--compare", "run.json", "--json", "model.json", "-q"];
    folder.run(0, &[&["model"], &network[..], &files].concat()).expect_code(0);
    let model = folder.json("model.json");
    for (at, what) in ["messages", "bytes"].iter().enumerate() {
        let of = |name: &str| number(&model, &format!("/compared/0/{name}/{at}"));
        let ratio = of("counted") / of("expected");
        assert!((ratio - 1.0).abs() < 0.1, "{what}: {ratio} of the model");
    }
    let stages = model["compared"][0]["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["reading", "partition", "assembly", "setup", "iteration", "recovery", "writing", "total"]);
    for stage in stages {
        let ratio = number(stage, "/measured") / number(stage, "/predicted");
        assert!((ratio - 1.0).abs() < 0.25, "{}: {ratio} of the model", stage["name"]);
    }
}

fn compare(found: &Value, expected: &Value, path: &str) {
    match expected {
        Value::Object(entries) => entries.iter().for_each(|(k, v)| compare(&found[k], v, &format!("{path}/{k}"))),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| compare(&found[i], v, &format!("{path}/{i}"))),
        _ => {
            let (found, expected) = (number(found, ""), number(expected, ""));
            let far = (found - expected).abs() / expected.abs().max(1e-30);
            assert!(found == expected || far < SAME, "{path} is {found}, was {expected}: see tests/simgrid/run.sh");
        }
    }
}
