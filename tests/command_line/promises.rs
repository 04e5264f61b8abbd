//! Checks that the tests named in the documentation exist, and where unsafe code may be.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![trial("only_two_files_hold_unsafe_code", || {
        let mut files = Vec::new();
        allowing_unsafe(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        files.sort();
        assert_eq!(files, ["allocator.rs", "transfer.rs"]);
    })]
}

/// Files that lift the ban of unsafe code (`unsafe_code = "deny"` in Cargo.toml).
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

/// Checks that every test named in the tables of guarantees and of tools exists.
pub fn trials_about(trials: &[Trial]) -> [Trial; 2] {
    let known: Vec<String> = trials.iter().map(|trial| trial.name().to_owned()).collect();
    let also_known = known.clone();
    [
        trial("every_guarantee_has_its_tests", move || {
            assert!(check_rows(include_str!("../../docs/guarantees.md"), &known) > 10);
        }),
        trial("every_tool_in_the_docs_has_its_test", move || {
            let tools = include_str!("../../docs/tools.md");
            assert!(check_rows(tools, &also_known) > 5);
            for package in include_str!("../support/readers.txt").lines() {
                let version = package.split(['=', ';']).nth(2).expect("a version");
                assert!(tools.contains(&format!("| {version} |")), "{package} is not in the table");
            }
        }),
    ]
}

/// Checks that the last column of a table names tests that exist and returns the number of rows.
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

/// A name as `--test command_line` or `--test ranks` takes it, or a function in the sources (a unit test).
fn is_known(trials: &[String], name: &str) -> bool {
    let is_trial = trials.iter().any(|trial| trial == name || trial.starts_with(&format!("{name}::ranks_")));
    is_trial
        || SOURCES
            .iter()
            .any(|source| source.contains(&format!("fn {name}(")) || source.contains(&format!("\"{name}::ranks_")))
}

/// Where tests of the library are, that this program cannot list.
const SOURCES: [&str; 10] = [
    include_str!("../ranks.rs"),
    include_str!("../ranks/bits.rs"),
    include_str!("../ranks/cg.rs"),
    include_str!("../ranks/comm.rs"),
    include_str!("../ranks/fallback.rs"),
    include_str!("../ranks/flaws.rs"),
    include_str!("../ranks/io.rs"),
    include_str!("../ranks/random.rs"),
    include_str!("../ranks/threads.rs"),
    include_str!("../../src/io/mesh/damaged_inputs.rs"),
];
