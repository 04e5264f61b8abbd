//! Runs the commands that pages of the documentation show, and compares what they print with what
//! the page shows.

use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::page::{Recipe, recipes};
use crate::program::{Folder, PROGRAM};
use crate::tier::{needs_tool, slow};
use crate::{python, test, waiting};

pub fn tests() -> Vec<Trial> {
    let pages = [include_str!("../../docs/recipes.md"), include_str!("../../docs/migrating.md")];
    pages.into_iter().flat_map(recipes).map(one).collect()
}

/// Returns the test of one recipe. A recipe with Gmsh is slow, since only `tests/run.sh --all`
/// installs the libraries that Gmsh loads.
fn one(recipe: Recipe) -> Trial {
    let missing = recipe.needs.iter().find(|tool| !is_there(tool));
    let missing = missing.map(|tool| format!("no {tool}: tests/harness/readers.sh installs it"));
    let has_gmsh = recipe.needs.iter().any(|tool| tool == "gmsh");
    let test = waiting(test(format!("the_recipe_works::{}", recipe.name), move || run(&recipe)));
    needs_tool(if has_gmsh { slow(test) } else { test }, missing.as_deref())
}

/// Begins the commands: with the folder of the program, and an mpirun that MPIRUN may name.
const PREAMBLE: &str = "set -e\nPATH=$1:$PATH\nmpirun() { command \"${MPIRUN:-mpirun}\" \"$@\"; }\n";

/// Returns where commands are looked for first: the program, and Python with its packages.
fn path() -> String {
    let program = Path::new(PROGRAM).parent().into_iter().map(Path::to_owned);
    std::env::join_paths(program.chain(python::folder())).unwrap().into_string().unwrap()
}

/// Returns whether the tool is a module of Python or a command.
fn is_there(tool: &str) -> bool {
    let command = format!("{PREAMBLE}{tool} --version");
    let mut shell = Command::new("sh");
    shell.args(["-c", &command, "sh", &path()]).stdout(Stdio::null()).stderr(Stdio::null());
    python::has(tool) || shell.status().is_ok_and(|status| status.success())
}

fn run(recipe: &Recipe) {
    assert!(!recipe.shown.is_empty(), "a recipe shows a result");
    let folder = Folder::new();
    for (name, text) in &recipe.files {
        std::fs::write(folder.path(name), text).unwrap();
    }
    let outcome = folder.run_in_shell(&format!("{PREAMBLE}{}", recipe.script), &[&path()]).expect_code(0);
    let mut printed = outcome.stdout.lines();
    for shown in &recipe.shown {
        assert!(printed.any(|printed| fits(printed, shown)), "the page shows\n{shown}\n{outcome}");
    }
}

/// Returns whether a printed line is one that the page shows, where `...` stands for anything.
fn fits(printed: &str, shown: &str) -> bool {
    match shown.split_once("...") {
        None => printed == shown,
        Some((start, end)) => printed
            .strip_prefix(start)
            .is_some_and(|rest| rest.char_indices().any(|(i, _)| fits(&rest[i..], end)) || end.is_empty()),
    }
}
