//! Checks the program's descriptions of itself and of a run.

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::tier::needs_tool;
use crate::{alone, at_ranks, python, test};

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("the_long_version_names_the_commit_and_the_libraries", versions),
        test("completions_and_manual_page_list_every_subcommand", shell),
        alone(test("the_summary_names_the_limiting_factor", limits)),
        needs_tool(test("the_python_code_in_the_readme_draws_a_picture", readme), python::missing("h5py, matplotlib")),
    ];
    tests.extend(at_ranks("a_log_holds_plain_lines_that_fit_a_screen", [1, 2], log));
    let on_terminal = at_ranks("a_terminal_shows_a_line_of_progress_that_leaves_no_trace", [0, 2], terminal);
    let stages = at_ranks("a_terminal_shows_the_rate_of_a_stage_and_the_time_left", [2], stages_on_a_terminal);
    let missing = (!Folder::has_terminals()).then_some("no script: apt-get install bsdutils");
    tests.extend(on_terminal.into_iter().chain(stages).map(|test| needs_tool(alone(test), missing)));
    tests
}

fn versions() {
    let folder = Folder::new();
    let short = folder.run(0, &["-V"]).expect_code(0).stdout;
    assert_eq!(short, format!("quad8-mpi {}\n", env!("CARGO_PKG_VERSION")));
    let long = folder.run(0, &["--version"]).expect_code(0).stdout;
    for (line, label) in long.lines().skip(1).zip(["commit ", "MPI    ", "HDF5   ", "METIS  "]) {
        assert!(line.starts_with(label) && line.len() > label.len() + 4, "{long}");
    }
    assert_eq!(long.lines().count(), 5);
}

fn shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.run(0, &["completions", shell]).expect_code(0).stdout;
        assert!(["plot", "solve", "streamlines", "refine"].iter().all(|word| script.contains(word)), "{script}");
    }
    let page = folder.run(2, &["man"]).expect_code(0).stdout;
    assert_eq!(page.matches(".TH quad8").count(), 1, "printed by one rank");
    assert!(page.contains("quad8\\-mpi\\-plot") && page.contains("max\\-iterations"), "{page}");
}

fn limits() {
    let folder = Folder::new();
    let limit = |ranks: usize, args: &[&str]| {
        let outcome = folder.run(ranks, &[args, &["--json", "run.json"]].concat()).expect_code(0);
        let line = outcome.stdout.lines().find(|line| line.starts_with("limit ")).expect("a limit").to_owned();
        let record = std::fs::read_to_string(folder.path("run.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        assert_eq!(line[10..].trim(), record["limited_by"]);
        line
    };
    assert!(limit(1, &["--threads", "1", "--preconditioner", "jacobi"]).contains("iterations of jacobi"));
    assert!(limit(1, &["--threads", "1"]).contains("% of the time"));
    let too_many = 1 + std::thread::available_parallelism().map_or(1, usize::from);
    assert!(limit(1, &["--threads", &too_many.to_string()]).contains("threads share cores"));
}

fn log(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let outcome = folder.run(ranks, &["mesh.h5"]).expect_code(0);
    assert!(!outcome.stdout.contains(['\r', '\x1b']), "{outcome}");
    assert!(outcome.stdout.lines().count() <= 20, "{outcome}");
    assert!(outcome.stdout.lines().all(|line| line.chars().count() <= 120), "{outcome}");
}

fn readme() {
    const README: &str = include_str!("../../README.md");
    let from = README.find("import h5py, matplotlib").expect("lines of Python in the README");
    let script = &README[from..from + README[from..].find("```").unwrap()];
    let folder = Folder::with(&Mesh::channel());
    folder.run(1, &["mesh.h5", "-q", "-o", "OUT.h5"]).expect_code(0);
    python::run(&["-c", script], &folder.path("."));
    assert!(std::fs::read(folder.path("speed.png")).unwrap().starts_with(b"\x89PNG"));
}

fn terminal(ranks: usize) {
    let args = ["--refine", "1", "--preconditioner", "jacobi", "--rtol", "1e-4", "--threads", "1"];
    let stdout = Folder::new().run_on_terminal(ranks, &args).expect_code(0).stdout;
    assert!(stdout.contains("assembling the system ..."), "{stdout:?}");
    assert!(stdout.contains("/s, residual ") && stdout.contains(" s left"), "{stdout:?}");
    let labels: Vec<String> = screen(&stdout).iter().map(|line| line.chars().take(9).collect()).collect();
    let mut expected =
        vec!["quad8-mpi", "mesh", "partition", "boundary", "", "", "solve", "u", "speed", "flow", "error", "time", ""];
    expected.extend(["messages", "memory", "limit", "files"]);
    expected.retain(|label| !["partition", "messages"].contains(label) || ranks > 1);
    assert_eq!(labels.iter().map(|label| label.trim_end()).collect::<Vec<_>>(), expected, "{stdout:?}");
}

/// Checks the stages of a run that takes long enough to show them.
fn stages_on_a_terminal(ranks: usize) {
    let stdout = Folder::new().run_on_terminal(ranks, &["--refine", "3", "--threads", "1"]).expect_code(0).stdout;
    let shown = |stage: &str, unit: &str| {
        let mut lines = stdout.split(['\r', '\n']).filter(|line| line.contains(stage));
        lines.any(|line| line.contains(" %, ") && line.contains(&format!("{unit}/s, ")) && line.contains(" s left, "))
    };
    let stages =
        [("partitioning the mesh", " elements"), ("setting up the preconditioner", " unknowns"), ("writing", "B")];
    let seen = stages.iter().filter(|(stage, unit)| shown(stage, unit)).count();
    assert!(seen >= 2, "{stdout:?}");
}

/// Returns the final lines of a terminal. Of the control sequences it interprets those to clear a
/// line and to go up.
fn screen(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let (mut row, mut column) = (0, 0);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                lines.resize(lines.len().max(row + 1), String::new());
            }
            '\x1b' => {
                let sequence: String = rest.by_ref().skip(1).take(2).collect();
                match sequence.as_str() {
                    "2K" => lines[row].clear(),
                    "1A" => row -= 1,
                    other => panic!("{other:?} in {text:?}"),
                }
            }
            c => {
                let line: Vec<char> = lines[row]
                    .chars()
                    .chain(std::iter::repeat(' '))
                    .take(column.max(lines[row].chars().count()))
                    .collect();
                let tail = line.iter().skip(column + 1);
                lines[row] = line[..column].iter().chain([&c]).chain(tail).collect();
                column += 1;
            }
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}
