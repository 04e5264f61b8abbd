//! The solver on a cluster that SimGrid simulates, beside a real run and beside
//! what it sent when this was written. tests/run.sh builds what is simulated
//! where SimGrid is there; otherwise these are passed over.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::mpirun::Run;
use crate::program::Folder;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let is_missing = !folder().join("../../target/smpi/release/examples/libsmpi.so").exists();
    [
        trial("a_simulated_solve_is_that_of_a_real_run", same_answer),
        trial("a_simulated_solve_sends_what_it_used_to", same_messages),
    ]
    .map(|trial| trial.with_ignored_flag(is_missing))
    .into()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smpi")
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
        let (a, b) = (number(&simulated, &format!("/{name}")), number(&real, &format!("/solution_stats/{name}")));
        assert!((a / b - 1.0).abs() < 1e-10, "{name}: {a} simulated, {b} in truth");
    }
    // What the library counts, network or not.
    for stage in ["solve_system", "setup_preconditioner"] {
        let split = |what: &str| 16.0 * number(&real, &format!("/breakdown/stages/{stage}/halo/{what}/mean"));
        let sent = |what: &str| number(&simulated, &format!("/stages/{stage}/{what}"));
        assert!((sent("messages") - split("count")).abs() < 0.5, "{stage}: {} messages", sent("messages"));
        assert!((sent("bytes") - split("bytes")).abs() < 0.5, "{stage}: {} bytes", sent("bytes"));
    }
}

/// A processor that rounds otherwise may make other aggregates.
const SAME: f64 = 0.01;

fn same_messages() {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    compare(&simulate(&["64", "--refine", "1"]), &serde_json::from_str(&text).unwrap(), "");
}

fn compare(found: &Value, expected: &Value, path: &str) {
    match expected {
        Value::Object(entries) => entries.iter().for_each(|(k, v)| compare(&found[k], v, &format!("{path}/{k}"))),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| compare(&found[i], v, &format!("{path}/{i}"))),
        _ => {
            let (found, expected) = (number(found, ""), number(expected, ""));
            let far = (found - expected).abs() / expected.abs().max(1e-30);
            assert!(found == expected || far < SAME, "{path} is {found}, was {expected}: see tests/smpi/run.sh");
        }
    }
}
