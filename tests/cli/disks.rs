//! Checks runs on disks that are full or become read-only.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::checkpoints::{OFTEN, SLOW, STOPPED};
use crate::mesh::Mesh;
use crate::mount::Mount;
use crate::mpirun::content;
use crate::program::{Folder, send, wait_for};
use crate::signals::stopped;
use crate::tier::ignored_for;
use crate::{at_ranks, test};

const IO: i32 = 3;

pub fn tests() -> Vec<Trial> {
    let why_not = Mount::impossible();
    let lists = [
        at_ranks("a_disk_without_room_is_refused", [1, 3], small),
        at_ranks("a_full_disk_is_reported_and_left_empty", [1, 2, 3], full),
        at_ranks("a_full_disk_keeps_the_previous_results", [1, 3], full_after_results),
        at_ranks("a_read_only_disk_is_refused", [1, 3], read_only),
        at_ranks("a_disk_that_becomes_read_only_is_reported", [1, 3], becomes_read_only),
        at_ranks("a_full_disk_keeps_the_previous_checkpoint", [1, 3], full_after_checkpoint),
        at_ranks("a_disk_that_becomes_read_only_keeps_the_previous_checkpoint", [1, 3], read_only_after_checkpoint),
        vec![
            test("a_full_disk_keeps_the_previous_files", full_after_files),
            test("a_disk_without_room_for_a_checkpoint_is_refused::ranks_2", small_for_checkpoint),
            test("results_are_worth_more_than_the_older_checkpoint::ranks_2", gives_up_older),
            test("a_full_disk_at_the_end_leaves_a_checkpoint_to_go_on_from::ranks_2", full_at_the_end),
            test("a_machine_without_shared_memory_is_refused_before_the_solve::ranks_2", no_shared_memory),
            test("a_full_disk_costs_a_checkpoint_and_not_the_run::ranks_3", full_for_a_while),
        ],
    ];
    lists.into_iter().flatten().map(|test| ignored_for(test, why_not)).collect()
}

/// Checks that a run ends with one message: the file cannot be written, and why.
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

/// Checks that the room for a checkpoint counts where there will be one.
fn small_for_checkpoint() {
    let disk = Mount::new("size=1700k").unwrap();
    let out = disk.path("out.h5").display().to_string();
    let (folder, args) = (Folder::new(), ["--threads", "1", "-o", &out]);
    let outcome = folder.run(2, &[&args[..], &OFTEN].concat()).expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    assert!(outcome.errors()[0].ends_with("left; without --checkpoint-every it takes less"), "{outcome}");
    assert!(disk.names().is_empty(), "{:?}", disk.names());
    folder.run(2, &args).expect_code(0);
}

/// Checks results on a disk with room for them and one checkpoint, but not for two.
fn gives_up_older() {
    let disk = Mount::new("size=2200k").unwrap();
    let out = disk.path("out.h5").display().to_string();
    let args = [&["--threads", "1", "-o", &out][..], &OFTEN].concat();
    let folder = Folder::new();
    let (running, rank) = stopped(&folder, 2, "export", &args);
    assert_eq!(disk.names(), ["out.checkpoint.h5", "out.checkpoint.old.h5", "out.lock"]);
    send(Signal::SIGCONT, rank);
    running.wait().expect_code(0);
    assert_eq!(disk.names(), ["out.h5", "out.xdmf"]);
}

/// Checks that a run whose results have no room leaves the newest checkpoint, from which it
/// continues.
fn full_at_the_end() {
    let disk = Mount::new("size=10m").unwrap();
    let [out, checkpoint] = ["out.h5", "out.checkpoint.h5"].map(|name| disk.path(name).display().to_string());
    let args = ["--threads", "1", "-o", &out];
    let folder = Folder::new();
    let (running, rank) = stopped(&folder, 2, "export", &[&args[..], &OFTEN].concat());
    let rest = fill(&disk, 300_000);
    send(Signal::SIGCONT, rank);
    let outcome = running.wait().expect_code(IO);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains(&format!("cannot write {out}: No space left")), "{outcome}");
    assert!(error.ends_with(&format!("start the same command with --restart {checkpoint}")), "{outcome}");
    assert_eq!(disk.names(), ["out.checkpoint.h5", "rest"]);
    fs::remove_file(rest).unwrap();
    folder.run(2, &[&args[..], &["--restart", &checkpoint]].concat()).expect_code(0);
    assert_eq!(disk.names(), ["out.h5", "out.xdmf"]);
}

/// Checks a run under a /dev/shm that cannot be written. Open MPI keeps the file pointers that
/// ranks share there.
fn no_shared_memory() {
    let run = "mount -t tmpfs -o ro none /dev/shm && exec \"${MPIRUN:-mpirun}\" -n 2 \"$0\" \"$@\"";
    let script = format!("exec unshare -m sh -c '{run}' \"$0\" \"$@\"");
    let folder = Folder::new();
    let outcome = folder.run_in_shell(&script, &["--threads", "1"]);
    assert_ne!(outcome.code, Some(0), "{outcome}");
    assert!(!outcome.stdout.contains("converged"), "{outcome}");
    assert!(folder.names_but_lock().is_empty(), "{:?}", folder.names());
}

/// Fills a disk with a file, but for `room` bytes.
fn fill(disk: &Mount, room: u64) -> PathBuf {
    let path = disk.path("rest");
    let mut rest = File::create(&path).unwrap();
    // The write fails once the disk is full.
    let _ = rest.write_all(&vec![0; 64 << 20]);
    rest.set_len(rest.metadata().unwrap().len() - room).unwrap();
    path
}

/// Checks a run that writes `out.h5` to a disk that fills up, but for 300 kB, during the solve.
fn fills_up(ranks: usize, disk: &Mount) {
    let out = disk.path("out.h5");
    let folder = Folder::new();
    let (running, rank) = stopped(&folder, ranks, "solve", &["--threads", "1", "-o", out.to_str().unwrap()]);
    let rest = fill(disk, 300_000);
    send(Signal::SIGCONT, rank);
    let outcome = running.wait().expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    assert!(outcome.errors()[0].contains(&format!("cannot write {}: No space left", out.display())), "{outcome}");
    fs::remove_file(rest).unwrap();
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

/// Checks the files that commands write beside results.
fn full_after_files() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(0, &["mesh.h5", "--json", "run.json", "-q"]).expect_code(0);
    let disk = Mount::new("size=64k").unwrap();
    let out = disk.path("out.png");
    fs::write(&out, "before").unwrap();
    fill(&disk, 0);
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
    disk.remount("ro");
    send(Signal::SIGCONT, rank);
    let outcome = running.wait().expect_code(IO);
    assert_eq!(outcome.errors().len(), 1, "{outcome}");
    assert!(outcome.errors()[0].contains(&format!("cannot write {}: ", out.display())), "{outcome}");
    assert_eq!(fs::read(&out).unwrap(), b"results");
}

fn full_after_checkpoint(ranks: usize) {
    let mend = |disk: &Mount| fs::remove_file(disk.path("rest")).unwrap();
    no_second_checkpoint(ranks, |disk| drop(fill(disk, 20_000)), mend, "No space left");
}

fn read_only_after_checkpoint(ranks: usize) {
    no_second_checkpoint(ranks, |disk| disk.remount("ro"), |disk| disk.remount("rw"), "");
}

/// Checks that a stopped run without a disk for its checkpoint continues from the previous one.
fn no_second_checkpoint(ranks: usize, spoil: impl Fn(&Mount), mend: impl Fn(&Mount), why: &str) {
    let disk = Mount::new("size=10m").unwrap();
    let folder = Folder::with(&Mesh::channel());
    let [out, checkpoint] = ["out.h5", "out.checkpoint.h5"].map(|name| disk.path(name).display().to_string());
    let first = [&SLOW[..], &["-o", &out]].concat();
    folder.run_with(ranks, &[("QUAD8_MPI_FAULT", "term@iteration-20:0")], &first).expect_code(STOPPED);
    let before = fs::read(&checkpoint).unwrap();

    let second = [&first[..], &["--restart", &checkpoint]].concat();
    let (running, rank) = stopped(&folder, ranks, "iteration-40", &second);
    spoil(&disk);
    for signal in [Signal::SIGTERM, Signal::SIGCONT] {
        send(signal, rank);
    }
    let outcome = running.wait().expect_code(IO);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains(&format!("cannot write {checkpoint}: {why}")), "{outcome}");
    assert!(fs::read(&checkpoint).unwrap() == before);

    mend(&disk);
    assert!(!disk.names().iter().any(|name| name.ends_with(".partial")), "{:?}", disk.names());
    folder.run(ranks, &second).expect_code(0);
    assert_eq!(disk.names(), ["out.h5", "out.xdmf"]);
}

/// Checks that a checkpoint fails while the disk is full and succeeds later.
fn full_for_a_while() {
    let disk = Mount::new("size=40m").unwrap();
    let folder = Folder::new();
    let [out, checkpoint] = ["out.h5", "out.checkpoint.h5"].map(|name| disk.path(name));
    let args = ["--refine", "2", "--preconditioner", "jacobi", "--rtol", "1e-12", "--threads", "1"];
    let args = [&args[..], &["--checkpoint-every", "0.001", "-o", out.to_str().unwrap()]].concat();
    let (running, rank) = stopped(&folder, 3, "iteration-2", &args);
    let rest = fill(&disk, 20_000);
    send(Signal::SIGCONT, rank);
    let warning = format!("warning: cannot write {}: No space left", checkpoint.display());
    wait_for("a warning", || content(&running.stderr).contains(&warning).then_some(()));
    assert!(content(&running.stderr).contains("; the solve continues without this checkpoint"));
    fs::remove_file(rest).unwrap();
    wait_for("a checkpoint", || checkpoint.exists().then_some(()));
    send(Signal::SIGUSR1, rank);
    running.wait().expect_code(STOPPED);
    assert!(!disk.names().iter().any(|name| name.ends_with(".partial")), "{:?}", disk.names());
}
