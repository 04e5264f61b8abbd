//! Runs the commands of README.md and of the pages in docs/, compares what they print with what the
//! page shows, and checks that what pages name exists.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{fs, os};

use libtest_mimic::Trial;

use crate::page::{Block, Mark, Section, sections};
use crate::program::{Folder, PROGRAM};
use crate::promises::is_known;
use crate::tier::{needs_tool, slow};
use crate::{python, test, waiting};

/// Page of the documentation.
struct Page {
    /// File name in lower case, without its ending.
    name: String,
    text: String,
    sections: Vec<Section>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads README.md and all pages of docs/.
fn pages() -> Vec<Page> {
    let mut paths = vec![root().join("README.md")];
    for folder in ["docs", "docs/design"] {
        let entries = fs::read_dir(root().join(folder)).into_iter().flatten();
        paths.extend(entries.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    paths.sort();
    paths.iter().map(page).collect()
}

fn page(path: &PathBuf) -> Page {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap().to_lowercase();
    Page { name, sections: sections(&text), text }
}

pub fn tests() -> Vec<Trial> {
    pages().into_iter().map(Arc::new).flat_map(|page| tests_of(&page)).collect()
}

fn tests_of(page: &Arc<Page>) -> Vec<Trial> {
    let checked = page.clone();
    let check = test(format!("every_block_is_run_or_marked::{}", page.name), move || check(&checked));
    let paths = page.clone();
    let paths = test(format!("every_path_in_the_docs_exists::{}", page.name), move || check_paths(&paths.text));
    let commands = (0..page.sections.len()).filter(|&i| !page.sections[i].script().is_empty());
    commands.map(|i| commands_of(page, i)).chain([check, paths]).collect()
}

/// Returns the test of the commands of a section. A section with Gmsh is slow, since only
/// `tests/run.sh --all` installs the libraries that Gmsh loads.
fn commands_of(page: &Arc<Page>, section: usize) -> Trial {
    let Section { name, .. } = &page.sections[section];
    let needs = page.sections[section].needs();
    let missing = needs.iter().find(|tool| !is_there(tool));
    let missing = missing.map(|tool| format!("no {tool}: tests/harness/readers.sh installs it"));
    let is_slow = page.sections[section].is_slow() || needs.contains(&"gmsh");
    let name = format!("the_commands_work::{}::{name}", page.name);
    let page = page.clone();
    let test = waiting(test(name, move || run(&page.sections[..=section])));
    needs_tool(if is_slow { slow(test) } else { test }, missing.as_deref())
}

/// Beginning of the commands: the folder of the program, the package of Python, a home of their
/// own, and an mpirun that MPIRUN may name.
const PREAMBLE: &str = "set -e
PATH=$1:$PATH
export HOME=$PWD PYTHONPATH=$2/python
mpirun() { command \"${MPIRUN:-mpirun}\" \"$@\"; }
";

/// Makes the files of the reader, whose names pages write in capitals.
const PLACEHOLDERS: &str = "quad8-mpi venturi -q -o OUT.h5\ncp OUT.h5 MESH.h5\ncp \"$2\"/meshes/venturi.msh MESH.msh\n";

/// Returns where commands are looked for first: the program, and Python with its packages.
fn path() -> String {
    let program = Path::new(PROGRAM).parent().into_iter().map(Path::to_owned);
    std::env::join_paths(program.chain(python::folder())).unwrap().into_string().unwrap()
}

/// Returns whether the tool is a module of Python or a command.
fn is_there(tool: &str) -> bool {
    let command = format!("PATH=$1:$PATH\n{tool} --version");
    let mut shell = Command::new("sh");
    shell.args(["-c", &command, "sh", &path()]).stdout(Stdio::null()).stderr(Stdio::null());
    python::has(tool) || shell.status().is_ok_and(|status| status.success())
}

/// Runs the commands of the last section, with the files of all.
fn run(sections: &[Section]) {
    let folder = Folder::new();
    for (name, text) in sections.iter().flat_map(files) {
        fs::write(folder.path(name), text).unwrap();
    }
    fs::create_dir(folder.path("target")).unwrap();
    os::unix::fs::symlink(Path::new(PROGRAM).parent().unwrap(), folder.path("target/release")).unwrap();
    let section = sections.last().unwrap();
    let script = section.script();
    let placeholders = if ["MESH.", "OUT."].iter().any(|name| script.contains(name)) { PLACEHOLDERS } else { "" };
    let script = format!("{PREAMBLE}{placeholders}{script}");
    let outcome = folder.run_script(&script, &[&path(), root().to_str().unwrap()]).expect_code(0);
    let mut printed = outcome.stdout.lines();
    for shown in section.shown() {
        assert!(printed.any(|printed| fits(printed, shown)), "the page shows\n{shown}\n{outcome}");
    }
}

fn files(section: &Section) -> impl Iterator<Item = (&str, &str)> {
    section.blocks.iter().filter_map(|block| Some((block.file_name()?, &*block.text)))
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

/// Checks that each block of commands is run or marked, each file used, and each output that of a
/// command.
fn check(page: &Page) {
    for section in &page.sections {
        for block in section.blocks.iter().filter(|block| block.mark.is_none()) {
            if let Err(error) = check_block(page, section, block) {
                panic!("{error}:\n{}", block.text);
            }
        }
        let is_recipe = page.name == "recipes" && !section.script().is_empty();
        assert!(!is_recipe || section.shown().next().is_some(), "the recipe {} shows no result", section.name);
    }
    let mut is_inside = false;
    for (before, line) in page.text.lines().zip(page.text.lines().skip(1)) {
        is_inside ^= line.starts_with("```");
        let is_code = before.is_empty() && line.starts_with("    ") && !is_inside;
        assert!(!is_code, "an indented block, where a fenced one has a language: {line}");
    }
}

fn check_block(page: &Page, section: &Section, block: &Block) -> Result<(), &'static str> {
    match (&*block.language, block.file_name()) {
        ("sh" | "python", None) => Ok(()),
        ("text", _) if !section.script().is_empty() => Ok(()),
        ("text", _) => Err("output, but no command"),
        ("", _) if !block.text.lines().any(is_command) => Ok(()),
        ("", _) => Err("commands, but not `sh`"),
        ("python" | "toml" | "geo", Some(name)) if is_used(page, name) => Ok(()),
        ("python" | "toml" | "geo", Some(_)) => Err("a file that no command and no other file uses"),
        ("toml" | "geo", None) => Err("a file without `# NAME` in its first line, and not marked as not run"),
        _ => Err("the language is none of sh, python, toml, geo, text"),
    }
}

fn is_command(line: &str) -> bool {
    let begins = |start| line.strip_prefix(start).is_some_and(|rest: &str| !rest.starts_with("  "));
    ["quad8-mpi", "mpirun", "cargo", "python", "sbatch", "jobs/", "tests/", "target/"].into_iter().any(begins)
}

/// Returns whether commands or other files name the file (a module of Python: without its ending).
fn is_used(page: &Page, name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let blocks = page.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter(|block| block.file_name() != Some(name)).any(|block| block.text.contains(stem))
}

/// Checks that every path of the sources in backquotes exists.
fn check_paths(text: &str) {
    for word in text.split('`').skip(1).step_by(2).filter_map(|code| code.split_whitespace().next()) {
        let is_path = ["src/", "tests/", "jobs/", "docs/"].iter().any(|folder| word.starts_with(folder));
        assert!(!is_path || root().join(word).exists(), "there is no {word}");
    }
}

/// Checks CONTRIBUTING.md, and that the tests named in marks exist.
pub fn tests_about(tests: &[Trial]) -> [Trial; 2] {
    let known: Vec<String> = tests.iter().map(|test| test.name().to_owned()).collect();
    let marks = test("every_block_that_a_test_runs_names_it", move || {
        let pages = pages();
        let blocks = pages.iter().flat_map(|page| &page.sections).flat_map(|section| &section.blocks);
        for block in blocks {
            if let Some(Mark::RunBy(name)) = &block.mark {
                assert!(is_known(&known, name), "there is no test {name} for\n{}", block.text);
            }
        }
    });
    let contributing = || check_paths(&page(&root().join("CONTRIBUTING.md")).text);
    [marks, test("every_path_in_the_docs_exists::contributing", contributing)]
}
