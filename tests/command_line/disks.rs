//! Disks that are full, or become read-only while the program runs.

use std::fs::{self, File};
use std::io::Write;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};

use crate::mesh::Mesh;
use crate::mount::Mount;
use crate::program::Folder;
use crate::signals::stopped;
use crate::{at_ranks, trial};

const IO: i32 = 3;

pub fn trials() -> Vec<Trial> {
    let why_not = Mount::impossible();
    let lists = [
        at_ranks("a_disk_without_room_is_refused", [1, 3], small),
        at_ranks("a_full_disk_is_reported_and_holds_nothing_after", [1, 2, 3], full),
        at_ranks("a_full_disk_keeps_the_results_before", [1, 3], full_after_results),
        at_ranks("a_read_only_disk_is_refused", [1, 3], read_only),
        at_ranks("a_disk_that_becomes_read_only_is_reported", [1, 3], becomes_read_only),
        vec![trial("a_full_disk_keeps_the_files_before", full_after_files)],
    ];
    let possible = |trial: Trial| trial.with_kind(why_not.unwrap_or_default()).with_ignored_flag(why_not.is_some());
    lists.into_iter().flatten().map(possible).collect()
}

/// The run ends with the one message that the file cannot be written, and why.
fn refused(ranks: usize, disk: &Mount, why: &str) {
    let out = disk.path("out.h5");
    let outcome = Folder::new().run(ranks, &["--threads", "1", "-o", out.to_str().unwrap()]).expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    assert!(outcome.errors()[0].contains(&format!("cannot write {}: {why}", out.display())), "{outcome}");
}

fn small(ranks: usize) {
    let disk = Mount::new("size=300k").unwrap();
    refused(ranks, &disk, "it takes at least 1.3 MB, and the disk has 0.3 MB left");
    assert!(disk.names().is_empty(), "{:?}", disk.names());
}

/// A run to out.h5 on a disk that fills up, but for 300 kB, while it solves.
fn fills_up(ranks: usize, disk: &Mount) {
    let out = disk.path("out.h5");
    let folder = Folder::new();
    let (running, rank) = stopped(&folder, ranks, "solve", &["--threads", "1", "-o", out.to_str().unwrap()]);
    let mut rest = File::create(disk.path("rest")).unwrap();
    // As much as there is room for.
    let _ = rest.write_all(&vec![0; 16 << 20]);
    rest.set_len(rest.metadata().unwrap().len() - 300_000).unwrap();
    kill(rank, Signal::SIGCONT).unwrap();
    let outcome = running.wait().expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    assert!(outcome.errors()[0].contains(&format!("cannot write {}: No space left", out.display())), "{outcome}");
    fs::remove_file(disk.path("rest")).unwrap();
}

fn full(ranks: usize) {
    let disk = Mount::new("size=10m").unwrap();
    fills_up(ranks, &disk);
    assert!(disk.names().is_empty(), "{:?}", disk.names());
}

fn full_after_results(ranks: usize) {
    let disk = Mount::new("size=10m").unwrap();
    fs::write(disk.path("out.h5"), "results").unwrap();
    fills_up(ranks, &disk);
    assert_eq!(fs::read(disk.path("out.h5")).unwrap(), b"results");
    assert_eq!(disk.names(), ["out.h5"]);
}

/// What commands write beside results.
fn full_after_files() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(0, &["mesh.h5", "--json", "run.json", "-q"]).expect_code(0);
    let disk = Mount::new("size=64k").unwrap();
    let out = disk.path("out.png");
    fs::write(&out, "before").unwrap();
    // As much as there is room for.
    let _ = fs::write(disk.path("rest"), vec![0; 1 << 20]);
    let commands: [&[&str]; 4] = [
        &["check", "mesh.h5", "--json"],
        &["report", "run.json", "--output"],
        &["plot", "--output"],
        &["mesh.h5", "--quiet", "--output", "again.h5", "--json"],
    ];
    for args in commands {
        let outcome = folder.run(0, &[args, &[out.to_str().unwrap()]].concat()).expect_code(IO);
        assert!(outcome.errors()[0].contains(&format!("cannot write {}: No space left", out.display())), "{outcome}");
        assert_eq!(fs::read(&out).unwrap(), b"before", "{args:?}");
        assert_eq!(disk.names().len(), 2, "{args:?}: {:?}", disk.names());
    }
}

fn read_only(ranks: usize) {
    refused(ranks, &Mount::new("ro,size=64k").unwrap(), "Read-only file system");
}

fn becomes_read_only(ranks: usize) {
    let disk = Mount::new("size=10m").unwrap();
    let out = disk.path("out.h5");
    fs::write(&out, "results").unwrap();
    let folder = Folder::new();
    let (running, rank) = stopped(&folder, ranks, "solve", &["--threads", "1", "-o", out.to_str().unwrap()]);
    disk.make_read_only();
    kill(rank, Signal::SIGCONT).unwrap();
    let outcome = running.wait().expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    assert!(outcome.errors()[0].contains(&format!("cannot write {}: ", out.display())), "{outcome}");
    assert_eq!(fs::read(&out).unwrap(), b"results");
}
