//! Timelines: rows, nested spans, sums that agree with the run record, and runs that are stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::{at_ranks, test};

const INPUT: i32 = 2;
const IO: i32 = 3;
const STOPPED: i32 = 5;

pub fn tests() -> Vec<Trial> {
    let mut tests = at_ranks("a_timeline_agrees_with_the_record", [1, 3], agrees);
    tests.extend(at_ranks("a_timeline_of_a_stopped_run_is_complete", [1, 3], stopped));
    tests.push(test("a_timeline_of_virtual_ranks_has_a_row_for_each_process::ranks_2", virtual_ranks));
    let mesh = |folder: &Folder| Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
    tests.extend(refused(
        "a_timeline_in_no_folder",
        &["mesh.h5", "--trace", "no/t.json"],
        IO,
        "cannot write no/t",
        mesh,
    ));
    tests.extend(refused("the_mesh_as_timeline", &["mesh.h5", "--trace", "mesh.h5"], INPUT, "is an input of", mesh));
    let twice = &["mesh.h5", "--trace", "a.json", "--json", "a.json"];
    tests.extend(refused("the_record_as_timeline", twice, INPUT, "a.json would be two files in one", mesh));
    tests
}

/// Span with its times in nanoseconds.
#[derive(Debug)]
struct Span {
    name: String,
    start: i64,
    end: i64,
    bytes: u64,
}

/// Spans by rank and thread.
type Rows = BTreeMap<[u64; 2], Vec<Span>>;

/// Reads a timeline, whose spans must be nested on each row. Returns its properties and its rows.
fn read(folder: &Folder) -> (Value, Rows) {
    let file = folder.json("trace.json");
    let mut rows = Rows::new();
    for event in file["traceEvents"].as_array().unwrap() {
        let [process, thread] = ["pid", "tid"].map(|key| event[key].as_u64().unwrap());
        // Each thread has a number of its own, the main thread that of its process.
        let row = [process - 1, thread / 10_000_000];
        assert_eq!(thread % 10_000_000, process);
        match (event["ph"].as_str().unwrap(), event["name"].as_str().unwrap()) {
            ("M", "thread_name") => assert!(rows.insert(row, Vec::new()).is_none(), "two rows {row:?}"),
            ("M", _) => (),
            ("X", name) => {
                let [start, duration] = ["ts", "dur"].map(|key| (1e3 * event[key].as_f64().unwrap()).round() as i64);
                let bytes = event["args"]["bytes"].as_u64().unwrap_or(0);
                rows.get_mut(&row).unwrap().push(Span { name: name.to_owned(), start, end: start + duration, bytes });
            }
            (phase, name) => panic!("event {name} of phase {phase}"),
        }
    }
    rows.values_mut().for_each(|spans| check_nested(spans));
    let about = &file["otherData"];
    let spans: usize = rows.values().map(Vec::len).sum();
    assert_eq!((about["spans"].as_u64(), about["spans_left_out"].as_u64()), (Some(spans as u64), Some(0)));
    assert!(about["clock_error_us"].as_f64().is_some_and(|error| (0.0..1e5).contains(&error)), "{about}");
    (file, rows)
}

/// Sorts spans and checks that each lies within those around it.
fn check_nested(spans: &mut [Span]) {
    spans.sort_by_key(|span| (span.start, -span.end));
    let mut around: Vec<&Span> = Vec::new();
    for span in spans.iter() {
        around.retain(|outer| outer.end > span.start);
        assert!(span.start >= 0 && around.iter().all(|outer| span.end <= outer.end), "{span:?} in {around:?}");
        around.push(span);
    }
}

fn agrees(ranks: usize) {
    let folder = Folder::new();
    let args = ["nozzle", "--nodes", "50000", "--threads", "2", "--trace", "trace.json", "--json", "run.json"];
    folder.run(ranks, &args).expect_code(0);
    let (_, rows) = read(&folder);
    let ranks = ranks as u64;
    let expected = (0..ranks).flat_map(|rank| [[rank, 0], [rank, 1]]);
    assert!(rows.keys().copied().eq(expected), "{:?}", rows.keys());
    // The scheduler decides in how many loops the other thread takes part. On several ranks they
    // are short.
    assert!(ranks > 1 || !rows[&[0, 1]].is_empty(), "no loops of the other thread");

    let record = folder.json("run.json");
    let main: Vec<&Vec<Span>> = rows.iter().filter(|(row, _)| row[1] == 0).map(|(_, spans)| spans).collect();
    let stages = record["timing_metrics"].as_object().unwrap();
    assert!(stages.len() > 8, "{stages:?}");
    for (stage, seconds) in stages {
        let of_stage = |spans: &&Vec<Span>| of(spans, stage).map(|span| 1e-9 * (span.end - span.start) as f64).sum();
        let sums: Vec<f64> = main.iter().map(of_stage).collect();
        let [min, max] = [f64::min, f64::max].map(|least| sums.iter().copied().reduce(least).unwrap());
        for (key, found) in [("min", min), ("max", max)] {
            let expected = seconds[key].as_f64().unwrap();
            assert!((found - expected).abs() <= 0.01 * expected + 2e-6, "{stage}: {found} is not {expected}");
        }
    }
    let iterations = record["iterations"].as_u64().unwrap() as usize;
    for spans in &main {
        let numbered = spans.iter().filter(|span| span.name.starts_with("iteration ")).count();
        assert_eq!(numbered, iterations);
        let names: BTreeSet<&str> = spans.iter().map(|span| &*span.name).collect();
        for name in ["level 0", "smoothing", "transfer", "coarse solve", "operator", "reduction", "write"] {
            assert!(names.contains(name), "{name} is not in {names:?}");
        }
        assert_eq!(names.contains("wait"), ranks > 1);
    }
    let solve = main.iter().map(|spans| {
        let stage = of(spans, "solve_system").next().unwrap();
        let is_inside = |span: &&Span| span.start >= stage.start && span.end <= stage.end;
        of(spans, "halo exchange").filter(is_inside).map(|span| span.bytes).sum::<u64>()
    });
    let mean = record["breakdown"]["stages"]["solve_system"]["halo"]["bytes"]["mean"].as_f64().unwrap();
    assert_eq!(solve.sum::<u64>() as f64, mean * ranks as f64);
}

/// Returns the spans of a name.
fn of<'a>(spans: &'a [Span], name: &'a str) -> impl Iterator<Item = &'a Span> {
    spans.iter().filter(move |span| span.name == name)
}

fn stopped(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(40, 20));
    let trace = ["--trace", "trace.json", "--threads", "1"];
    let args = [&["mesh.h5", "--preconditioner", "jacobi"][..], &trace].concat();
    folder.run_with(ranks, &[("QUAD8_MPI_FAULT", "term@iteration-40:0")], &args).expect_code(STOPPED);
    let (_, rows) = read(&folder);
    assert_eq!(rows.len(), ranks);
    for spans in rows.values() {
        assert_eq!((of(spans, "solve_system").count(), of(spans, "iteration 40").count()), (1, 1));
        assert_eq!(of(spans, "export").count(), 0);
    }
    fs::write(folder.path("bad.msh"), "$MeshFormat\n4.1 0 8\n$EndMeshFormat\n").unwrap();
    folder.run(ranks, &[&["bad.msh", "-o", "bad.h5"][..], &trace].concat()).expect_code(INPUT);
    let (_, rows) = read(&folder);
    assert!(rows.len() == ranks && rows.values().all(|spans| of(spans, "load_mesh").count() == 1));
}

fn virtual_ranks() {
    let folder = Folder::with(&Mesh::rectangle(40, 20));
    folder.run(2, &["mesh.h5", "--reproducible=4", "--trace", "trace.json", "--threads", "1"]).expect_code(0);
    let (_, rows) = read(&folder);
    assert_eq!(rows.keys().collect::<Vec<_>>(), [&[0, 0], &[1, 0]]);
    assert!(rows.values().all(|spans| of(spans, "export").count() == 1));
}
