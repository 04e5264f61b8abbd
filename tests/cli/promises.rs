//! Checks that the tests named in the documentation exist, and that unsafe code is where it may be.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use crate::test;

pub fn tests() -> Vec<Trial> {
    vec![test("only_two_files_hold_unsafe_code", || {
        let mut files = Vec::new();
        allowing_unsafe(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        files.sort();
        assert_eq!(files, ["allocator.rs", "transfers.rs"]);
    })]
}

/// Collects the files that lift the ban on unsafe code (`unsafe_code = "deny"` in Cargo.toml).
fn allowing_unsafe(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            allowing_unsafe(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs")
            && fs::read_to_string(&path).unwrap().contains("(unsafe_code)")
        {
            files.push(entry.file_name().into_string().unwrap());
        }
    }
}

/// Returns tests of the tables of guarantees and of tools: every test that they name must exist.
pub fn tests_about(tests: &[Trial]) -> [Trial; 2] {
    let known: Vec<String> = tests.iter().map(|test| test.name().to_owned()).collect();
    let also_known = known.clone();
    [
        test("every_guarantee_has_its_tests", move || {
            assert!(check_rows(include_str!("../../docs/guarantees.md"), &known) > 10);
        }),
        test("every_tool_in_the_docs_has_its_test", move || {
            let tools = include_str!("../../docs/tools.md");
            assert!(check_rows(tools, &also_known) > 5);
            // SciPy solves what the results are compared with.
            let packages = include_str!("../harness/readers.txt").lines();
            for package in packages.filter(|package| !package.starts_with("scipy")) {
                let version = package.split(['=', ';']).nth(2).expect("a version");
                assert!(tools.contains(&format!("| {version} |")), "{package} is not in the table");
            }
        }),
    ]
}

/// Checks that the last column of a table names tests that exist. Returns the number of rows.
fn check_rows(section: &str, known: &[String]) -> usize {
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    for row in &rows {
        let names: Vec<&str> = row.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test for {row}");
        for name in names {
            assert!(is_known(known, name), "there is no test {name} for {row}");
        }
    }
    rows.len()
}

/// Returns whether there is a test of this name: one of `--test cli`, or a function of the sources.
pub fn is_known(tests: &[String], name: &str) -> bool {
    let is_test = tests.iter().any(|test| test == name || test.starts_with(&format!("{name}::ranks_")));
    is_test
        || SOURCES.iter().any(|source| source.contains(&format!("fn {name}(")) || source.contains(&format!("\"{name}")))
}

/// Sources with tests that this program cannot list.
const SOURCES: [&str; 12] = [
    include_str!("../cluster/hosts.rs"),
    include_str!("../mpi/main.rs"),
    include_str!("../mpi/bits.rs"),
    include_str!("../mpi/cg.rs"),
    include_str!("../mpi/comm.rs"),
    include_str!("../mpi/fallback.rs"),
    include_str!("../mpi/flaws.rs"),
    include_str!("../mpi/io.rs"),
    include_str!("../mpi/random.rs"),
    include_str!("../mpi/threads.rs"),
    include_str!("../../src/io/mesh/damaged_inputs.rs"),
    include_str!("../../src/app/case/mod.rs"),
];
