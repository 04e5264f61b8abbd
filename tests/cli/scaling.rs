//! Scaling studies: memory bandwidth, reports, and the script that makes both.

use std::fs;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use serde_json::Value;
use tiny_skia::Pixmap;

use crate::mesh::Mesh;
use crate::mpirun::Run;
use crate::program::{Folder, PROGRAM};
use crate::refusal::{refused, refused_alone};
use crate::tier::slow;
use crate::view::data;
use crate::{alone, at_ranks, test};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/bench/scaling.py");

pub fn tests() -> Vec<Trial> {
    let measured = [
        at_ranks("the_memory_bandwidth_is_measured", [0, 2], bandwidth),
        at_ranks("messages_are_measured", [2, 7], messages),
        vec![
            test("ranks_that_share_a_core_share_its_bandwidth", crowded),
            test("messages_of_one_rank_are_refused", || {
                let outcome = Folder::new().run(1, &["bench", "messages"]).expect_code(2);
                assert!(outcome.stderr.contains("messages need two ranks or more"), "{outcome}");
            }),
            test("a_report_compares_runs", strong),
            test("a_report_can_be_a_page", page),
            test("a_report_on_growing_meshes_is_one_of_weak_scaling", weak),
            test("a_strong_study_runs_from_end_to_end", strong_study),
            test("a_weak_study_chooses_its_meshes", weak_study),
            slow(test("a_study_of_threads_has_every_split", threads_study)),
            test("a_study_in_a_folder_of_another_is_refused", second_study),
        ],
    ];
    measured.into_iter().flatten().map(alone).chain(refusals()).collect()
}

fn bandwidth(ranks: usize) {
    let folder = Folder::new();
    let args = ["bench", "stream", "--size", "8", "--repeats", "3", "--threads", "1", "--json", "stream.json"];
    let outcome = folder.run(ranks, &args).expect_code(0);
    assert!(outcome.stdout.contains("triad "), "{outcome}");
    let record = folder.json("stream.json");
    let number = |path: &str| record.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    assert_eq!(number("/array_bytes_per_host"), f64::from(8 << 20));
    assert_eq!(number("/parallel/ranks"), ranks.max(1) as f64);
    for kernel in ["copy", "triad"] {
        let [min, mean, max] = ["min", "mean", "max"].map(|part| number(&format!("/stream/{kernel}/per_rank/{part}")));
        let total = number(&format!("/stream/{kernel}/total"));
        // The range from a busy machine to one whose caches hold all arrays.
        assert!(0.01 < min && min <= mean && mean <= max && max < 10_000.0, "{kernel}: {min} {mean} {max}");
        assert!(total <= mean * ranks.max(1) as f64 * 1.000_001, "{kernel}: {total} of {mean}");
    }
}

/// Runs eight ranks on one core: the time of one must not include that of another.
fn crowded() {
    let folder = Folder::new();
    let allowed = sched_getaffinity(Pid::this()).unwrap();
    let core = (0..CpuSet::count()).find(|&core| allowed.is_set(core) == Ok(true)).unwrap().to_string();
    let total = |ranks: usize| {
        let args = ["-c", &core, PROGRAM, "bench", "stream", "--size", "64", "--threads", "1", "--json", "stream.json"];
        let run = Run { ranks, timeout: Duration::from_secs(60), env: Vec::new() };
        run.run(Path::new("taskset"), &args, &folder.path("")).expect_code(0);
        folder.json("stream.json").pointer("/stream/triad/total").and_then(Value::as_f64).unwrap()
    };
    let mut found = Vec::new();
    let is_shared = |_| {
        let [alone, together] = [1, 8].map(total);
        found.push([alone, together]);
        together < 3.0 * alone
    };
    // On a busy machine a single rank may get a small part of the core.
    assert!((0..3).any(is_shared), "GB/s of one rank and of eight on the same core: {found:?}");
}

fn messages(ranks: usize) {
    let folder = Folder::new();
    let args = ["bench", "messages", "--work", "10", "--repeats", "2", "--json", "messages.json"];
    let outcome = folder.run(ranks, &args).expect_code(0);
    assert!(outcome.stdout.contains("us a sum over all ranks"), "{outcome}");
    let record = folder.json("messages.json");
    let number = |path: &str| record.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    assert_eq!([number("/parallel/ranks"), number("/work")], [ranks as f64, 1e-5]);
    // The range of shared memory for ranks that wait for each other on a busy machine.
    for cost in ["latency", "overhead", "sum"] {
        assert!((0.0..1.0).contains(&number(&format!("/messages/{cost}"))), "{cost}: {record}");
    }
    assert!((1e4..1e13).contains(&number("/messages/bandwidth")), "{record}");
}

/// Returns a folder with records of the same mesh on 1 and 2 ranks.
fn two_runs() -> Folder {
    let folder = Folder::with(&Mesh::channel());
    for ranks in [1, 2] {
        let record = format!("run-{ranks}.json");
        folder.run(ranks, &["mesh.h5", "-q", "--threads", "1", "--json", &record]).expect_code(0);
    }
    folder
}

/// Returns the cells of a scaling table without quotes.
fn cells(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn strong() {
    let folder = two_runs();
    let args = ["report", "run-2.json", "run-1.json", "--format", "csv", "--plot", "out.png", "--width", "400"];
    let table = cells(&folder.run(0, &args).expect_code(0).stdout);
    let column = |name: &str| table[0].iter().position(|cell| cell == name).unwrap();
    let number = |row: &[String], name: &str| row[column(name)].parse::<f64>().unwrap();
    let rows = |stage: &str| -> Vec<&Vec<String>> { table.iter().filter(|row| row[0] == stage).collect() };
    for stage in ["reading", "partition", "assembly", "setup", "iterations", "recovery", "writing", "total"] {
        let [one, two] = rows(stage)[..] else { panic!("{stage} has two rows in {table:?}") };
        assert_eq!(
            [number(one, "speed-up"), number(one, "efficiency (%)"), number(one, "messages")],
            [1.0, 100.0, 0.0]
        );
        assert_eq!(["ranks", "unknowns", "unknowns a rank"].map(|name| number(two, name)), [2.0, 73.0, 36.0]);
        // Times are rounded to four places, where a stage may have none, and speed-ups to two.
        let ([time, of_two], speed_up) = ([one, two].map(|row| number(row, "time (s)")), number(two, "speed-up"));
        let slack = 0.0051 * of_two + 0.000051 * (1.0 + speed_up);
        assert!((speed_up * of_two - time).abs() < slack, "{stage}: {two:?} and {one:?}");
        assert!(number(two, "imbalance") >= 1.0);
    }
    // The same number as in the record of the run.
    let halo =
        |name: &str| folder.json("run-2.json")["breakdown"]["stages"]["solve_system"]["halo"][name]["mean"].as_f64();
    let solve = rows("iterations")[1];
    assert_eq!(Some(number(solve, "messages") / 2.0), halo("count"));
    assert!(number(solve, "communication (%)") > 0.0);
    assert!(Pixmap::load_png(folder.path("out.png")).is_ok());

    let stages = folder.run(3, &["report", "run-1.json", "run-2.json", "--table", "stages", "--format", "md"]);
    let text = stages.expect_code(0).stdout;
    assert!(text.starts_with("| mesh ") && text.lines().count() == 4, "{text}");
    assert!(text.contains("| start-up (s) |") && text.contains("mesh.h5, --refine 0"), "{text}");
}

fn page() {
    let folder = two_runs();
    folder.run(0, &["report", "run-1.json", "run-2.json", "--format", "html", "-o", "study.html"]).expect_code(0);
    let data = data(&folder.path("study.html"));
    assert_eq!(data["title"], "Strong scaling of mesh.h5, --refine 0, 73 unknowns");
    let labels: Vec<&Value> = data["curves"].as_array().unwrap().iter().map(|curve| &curve["label"]).collect();
    assert_eq!(labels, ["ideal", "assembly", "iterations", "total"]);
    assert_eq!(data["points"][1]["layout"]["ranks"], 2);
    assert_eq!(data["tables"][1]["table"]["rows"].as_array().unwrap().len(), 16);
}

fn weak() {
    let folder = two_runs();
    folder.run(4, &["mesh.h5", "--refine", "1", "-q", "--threads", "1", "--json", "run-4.json"]).expect_code(0);
    let args = ["report", "run-1.json", "run-4.json", "--plot", "out.svg", "-o", "out.txt"];
    assert_eq!(folder.run(0, &args).expect_code(0).stdout, "");
    assert!(fs::read_to_string(folder.path("out.txt")).unwrap().contains("total "));
    assert!(fs::read_to_string(folder.path("out.svg")).unwrap().starts_with("<svg "));
    let strong = folder.run(0, &["report", "run-1.json", "run-4.json", "--strong"]).expect_code(2);
    assert!(strong.stderr.contains("strong scaling needs the same mesh"), "{strong}");
}

/// Runs the script, which must end with this code.
fn study(folder: &Folder, args: &[&str], code: i32) -> crate::mpirun::Outcome {
    let env = vec![("QUAD8_MPI".to_owned(), PROGRAM.to_owned())];
    let run = Run { ranks: 0, timeout: Duration::from_secs(120), env };
    run.run(Path::new(SCRIPT), &[args, &["--out", "study", "--stream", "1"]].concat(), &folder.path(""))
        .expect_code(code)
}

fn strong_study() {
    let folder = Folder::new();
    let outcome = study(&folder, &["strong", "--ranks", "1,2", "--repeats", "2", "--unknowns", "13000"], 0);
    assert!(outcome.stderr.contains("s-bend, --refine 0: 12853 unknowns"), "{outcome}");
    let order: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("run ")).collect();
    assert_eq!(order, ["run 1 of 2: 1 x 1", "run 1 of 2: 2 x 1", "run 2 of 2: 1 x 1", "run 2 of 2: 2 x 1"]);
    let mut names = folder
        .path("study")
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<_>>();
    names.sort();
    let expected = [
        "iteration.csv",
        "iteration.md",
        "run-1x1-1.json",
        "run-1x1-2.json",
        "run-2x1-1.json",
        "run-2x1-2.json",
        "scaling.csv",
        "scaling.md",
        "scaling.txt",
        "speed-up.png",
        "speed-up.svg",
        "stages.csv",
        "stages.md",
        "stream-1x1.json",
        "stream-2x1.json",
        "study.html",
    ];
    assert_eq!(names, expected);
    let table = fs::read_to_string(folder.path("study/scaling.csv")).unwrap();
    let table = cells(&table);
    let [runs, stream] = ["runs", "STREAM speed-up"].map(|name| table[0].iter().position(|c| c == name).unwrap());
    assert!(table[1..].iter().all(|row| row[runs] == "2" && row[stream].parse::<f64>().unwrap() > 0.0), "{table:?}");
    let printed = fs::read_to_string(folder.path("study/iteration.md")).unwrap();
    assert!(outcome.stdout.contains(&printed), "{outcome}");
    check_iterations(&folder);
}

/// Checks the table of an iteration with the bytes of the run records.
fn check_iterations(folder: &Folder) {
    let text = fs::read_to_string(folder.path("study/iteration.csv")).unwrap();
    let table = cells(&text);
    let column = |name: &str| table[0].iter().position(|cell| cell == name).unwrap();
    for (row, ranks) in table[1..].iter().zip([1, 2]) {
        let of = |name: &str| row[column(name)].parse::<f64>().unwrap();
        let record = folder.json(&format!("study/run-{ranks}x1-1.json"));
        let bytes = record["breakdown"]["iterations"]["bytes"].as_f64().unwrap();
        assert_eq!(of("bytes an unknown"), (bytes / of("unknowns")).round(), "{text}");
        let share = 100.0 * of("GB/s") / of("STREAM (GB/s)");
        assert!((share - of("of STREAM (%)")).abs() < 0.05 * share + 2.0, "{text}");
        assert_eq!(of("messages") > 0.0, ranks > 1, "{text}");
    }
}

fn weak_study() {
    let folder = Folder::new();
    let outcome = study(&folder, &["weak", "--ranks", "1,4", "--repeats", "1", "--unknowns", "13000"], 0);
    for choice in
        ["rectangle of 66 x 64 elements, --refine 0: 12933 unknowns", "rectangle of 66 x 65 elements, --refine 1: "]
    {
        assert!(outcome.stderr.contains(choice), "{outcome}");
    }
    for load in ["1 ranks, 12933 unknowns on each: ", "4 ranks, 13001 unknowns on each: "] {
        assert!(outcome.stderr.contains(load), "{outcome}");
    }
    let built_in = ["weak", "--mesh", "s-bend", "--ranks", "1,4", "--repeats", "1", "--unknowns", "13000"];
    let built_in = study(&Folder::new(), &built_in, 0);
    for choice in ["s-bend, --refine 0: 12853 unknowns", "s-bend, --refine 1: 50665 unknowns"] {
        assert!(built_in.stderr.contains(choice), "{built_in}");
    }
}

fn threads_study() {
    let folder = Folder::new();
    let args = ["threads", "--cores", "4", "--repeats", "1", "--mesh", "elbow", "--refine", "0"];
    let outcome = study(&folder, &args, 0);
    let splits: Vec<&str> = outcome.stderr.lines().filter_map(|line| line.strip_prefix("run 1 of 1: ")).collect();
    assert_eq!(splits, ["1 x 1", "2 x 1", "1 x 2", "4 x 1", "2 x 2", "1 x 4"]);
    assert!(outcome.stdout.contains("Numba claims (%)") && outcome.stdout.contains("90-100"), "{outcome}");
}

fn second_study() {
    let folder = Folder::new();
    fs::create_dir(folder.path("study")).unwrap();
    fs::write(folder.path("study/old.json"), "{}").unwrap();
    let outcome = study(&folder, &["strong", "--ranks", "1", "--unknowns", "1000"], 2);
    assert!(outcome.stderr.contains("holds records: choose another"), "{outcome}");
}

fn refusals() -> Vec<Trial> {
    const REPORT: &[&str] = &["report", "a.json"];
    let with = |text: &'static str| move |folder: &Folder| fs::write(folder.path("a.json"), text).unwrap();
    let alone = [
        refused_alone("a_report_on_a_missing_file", REPORT, 3, "cannot open a.json: No such file", |_| ()),
        refused_alone("a_report_on_nothing", &["report"], 2, "required arguments were not provided", |_| ()),
        refused_alone(
            "a_report_on_a_damaged_record",
            REPORT,
            2,
            "a.json is not a run record",
            with("{\"iterations\": 8,"),
        ),
        refused_alone("a_report_on_another_record", REPORT, 2, "a.json is not a run record", with("{\"time\": 1.0}")),
        refused_alone(
            "a_report_on_another_bandwidth",
            REPORT,
            2,
            "a.json is not a run record",
            with("{\"stream\": {}}"),
        ),
        refused_alone(
            "a_report_over_its_input",
            &["report", "a.json", "-o", "./a.json"],
            2,
            "the output ./a.json is an input",
            with("{}"),
        ),
    ];
    let together = [
        refused("a_bandwidth_without_arrays", &["bench", "stream", "--size", "0"], 2, "'0' for '--size", |_| ()),
        refused("messages_after_no_work", &["bench", "messages", "--work=-1"], 2, "must be 0 to 1000000", |_| ()),
        refused(
            "a_bandwidth_without_a_place",
            &["bench", "stream", "--size", "1", "-q", "--threads", "1", "--json", "a/b.json"],
            3,
            "cannot write a/b.json",
            |_| (),
        ),
    ];
    together.into_iter().flatten().chain(alone).collect()
}
