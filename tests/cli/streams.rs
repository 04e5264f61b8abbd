//! Checks a standard output that takes nothing: on a full disk, or with a closed pipe.

use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::test;

const IO: i32 = 3;
const WHY: &str = "cannot write the standard output: No space left on device";

/// Commands that print their result.
const PRINTED: [&[&str]; 8] = [
    &["case"],
    &["meshes"],
    &["man"],
    &["completions", "bash"],
    &["check", "mesh.h5"],
    &["plot", "--width", "200"],
    &["report", "run.json"],
    &["model", "--ranks", "1"],
];

pub fn tests() -> Vec<Trial> {
    vec![
        test("a_full_standard_output_stops_no_run", no_run_is_lost),
        test("output_that_cannot_be_printed_is_an_error", nowhere_to_print),
        test("a_reader_that_closes_the_pipe_is_no_error", closed_pipe),
        test("a_record_may_be_the_only_output", record_alone),
        test("a_record_on_the_standard_output_is_appended", record_in_log),
    ]
}

fn solved() -> Folder {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(1, &["mesh.h5", "--json", "run.json", "-q"]).expect_code(0);
    folder
}

fn no_run_is_lost() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    let outcome = folder.run_in_shell("exec \"$0\" \"$@\" > /dev/full", &["mesh.h5"]).expect_code(0);
    let said: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("standard output")).collect();
    assert_eq!(said, [format!("warning: {WHY} (os error 28): the run continues without it")]);
    assert!(folder.path("quad8.h5").exists());
}

fn nowhere_to_print() {
    let folder = solved();
    for args in PRINTED {
        let outcome = folder.run_in_shell("exec \"$0\" \"$@\" > /dev/full", args).expect_code(IO);
        let errors = outcome.errors();
        assert!(errors.len() == 1 && errors[0].contains(WHY), "{args:?}: {outcome}");
    }
}

fn record_in_log() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    fs::write(folder.path("log"), "before\n").unwrap();
    let line = "exec \"$0\" \"$@\" >> log";
    folder.run_in_shell(line, &["mesh.h5", "--json", "/dev/stdout"]).expect_code(0);
    let log = fs::read_to_string(folder.path("log")).unwrap();
    assert!(log.starts_with("before\nquad8-mpi "), "{log}");
    let [start, end] = ["\n{\n", "\n}\n"].map(|brace| log.find(brace).unwrap_or_else(|| panic!("{log}")));
    let record: Value = serde_json::from_str(&log[start..end + 2]).unwrap();
    assert_eq!(record["converged"], true);
}

fn record_alone() {
    let folder = Folder::with(&Mesh::channel());
    for args in [&[][..], &["--dry-run"]] {
        let outcome = folder.run(2, &[&["mesh.h5", "--json", "-"], args].concat()).expect_code(0);
        let record: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {outcome}"));
        assert!(record["iterations"].as_u64() > Some(0), "{record}");
        // A solve warns of the clockwise elements.
        assert_eq!(outcome.stderr.contains("warning: "), args.is_empty(), "{outcome}");
    }
    assert_eq!(folder.names(), ["mesh.h5", "quad8.h5", "quad8.xdmf"]);
}

fn closed_pipe() {
    let folder = solved();
    for args in PRINTED.into_iter().chain([&["mesh.h5"][..]]) {
        // The reader closes the pipe before the program starts.
        let line = "rm -f pipe; mkfifo pipe; true < pipe & exec 3> pipe; wait; \"$0\" \"$@\" >&3; echo $? > code";
        let outcome = folder.run_in_shell(line, args);
        assert_eq!(fs::read_to_string(folder.path("code")).unwrap(), "0\n", "{args:?}: {outcome}");
        assert!(!outcome.stderr.contains("standard output"), "{args:?}: {outcome}");
    }
}
