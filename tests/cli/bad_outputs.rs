//! Outputs that cannot be written: refused before the solve begins, and existing files are
//! unchanged.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::mesh::Mesh;
use crate::program::{Folder, send};
use crate::refusal::refused;
use crate::results::Results;
use crate::signals::stopped;
use crate::tier::ignored_for;
use crate::{at_ranks, test};

const INPUT: i32 = 2;
const IO: i32 = 3;

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("an_existing_results_file_survives_a_failed_run", survives),
        test("results_go_where_a_link_leads", linked),
        test("a_limit_for_files_is_an_error", limited),
        test("a_run_whose_folder_is_removed_ends_with_an_error", homeless),
        test("a_name_that_hdf5_does_not_take_is_refused", nameless),
        test("a_record_for_a_pipe_without_a_reader_is_an_error", piped),
    ];
    tests.extend(at_ranks("an_output_of_another_run_is_refused", [1, 3], occupied));
    tests.extend([places(), collisions(), protected()].into_iter().flatten());
    tests
}

fn mesh(folder: &Folder) {
    Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
}

fn places() -> Vec<Trial> {
    const OUT: &[&str] = &["mesh.h5", "-o", "out.h5"];
    [
        refused("an_output_in_no_folder", &["mesh.h5", "-o", "no/out.h5"], IO, "cannot write no/out.h5: No such", mesh),
        refused("a_folder_as_output", OUT, IO, "cannot write out.h5: it is a folder", |folder| {
            mesh(folder);
            fs::create_dir(folder.path("out.h5")).unwrap();
        }),
        refused("a_pipe_as_output", OUT, IO, "cannot write out.h5: ", |folder| {
            mesh(folder);
            mkfifo(&folder.path("out.h5"), Mode::S_IRWXU).unwrap();
        }),
        refused(
            "a_lock_of_something_else",
            OUT,
            IO,
            "cannot write out.lock: it is not a lock of quad8-mpi",
            |folder| {
                mesh(folder);
                fs::write(folder.path("out.lock"), "mine").unwrap();
            },
        ),
        refused("a_folder_as_description", OUT, IO, "cannot write out.xdmf: ", |folder| {
            mesh(folder);
            fs::create_dir(folder.path("out.xdmf")).unwrap();
        }),
        refused(
            "a_record_in_no_folder",
            &["mesh.h5", "--json", "no/run.json"],
            IO,
            "cannot write no/run.json: No such",
            mesh,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Gives two outputs the same name.
fn collisions() -> Vec<Trial> {
    [
        refused("the_mesh_as_output", &["mesh.h5", "-o", "./mesh.h5"], INPUT, "mesh.h5 is an input of this run", mesh),
        refused(
            "a_link_to_the_mesh",
            &["link.h5", "-o", "mesh.h5"],
            INPUT,
            "mesh.h5 is an input of this run",
            |folder| {
                mesh(folder);
                symlink("mesh.h5", folder.path("link.h5")).unwrap();
            },
        ),
        refused(
            "the_mesh_as_record",
            &["mesh.h5", "--json", "mesh.h5"],
            INPUT,
            "mesh.h5 is an input of this run",
            mesh,
        ),
        refused("the_output_as_record", &["mesh.h5", "--json", "quad8.h5"], INPUT, "quad8.h5", mesh),
        refused("the_output_as_description", &["mesh.h5", "-o", "out.xdmf"], INPUT, "out.xdmf", mesh),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn protected() -> Vec<Trial> {
    let root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    let reason = root.then_some("root may write anywhere");
    let args = &["mesh.h5", "-o", "no/out.h5"];
    let tests = refused("a_protected_folder", args, IO, "cannot write no/out.h5: Permission denied", |folder| {
        mesh(folder);
        fs::create_dir(folder.path("no")).unwrap();
        fs::set_permissions(folder.path("no"), Permissions::from_mode(0o555)).unwrap();
    });
    tests.into_iter().map(|test| ignored_for(test, reason)).collect()
}

fn survives() {
    let folder = Folder::with(&Mesh::channel());
    folder.run(1, &["mesh.h5"]).expect_code(0);
    let before = folder.contents();
    folder.run(3, &["missing.h5"]).expect_code(IO);
    folder.run_with(3, &[("QUAD8_MPI_FAULT", "panic@export:1")], &["mesh.h5", "--gamma", "1"]).expect_code(4);
    assert!(folder.contents_but_lock() == before);
}

/// Starts runs while another one writes to the same output.
fn occupied(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    let (running, rank) = stopped(&folder, ranks, "solve", &["mesh.h5", "--threads", "1"]);
    for args in [&["mesh.h5"][..], &["partition", "mesh.h5", "-n", "2", "-o", "quad8.h5"]] {
        let outcome = folder.run(ranks, args).expect_code(IO);
        let [error] = outcome.errors()[..] else { panic!("{outcome}") };
        let expected = format!("another run is at work on quad8.h5 (process {rank} on ");
        assert!(error.contains(&expected) && error.ends_with("remove quad8.lock"), "{outcome}");
    }
    folder.run(ranks, &["mesh.h5", "-o", "other.h5"]).expect_code(0);
    send(Signal::SIGCONT, rank);
    running.wait().expect_code(0);
    assert_eq!(folder.names(), ["mesh.h5", "other.h5", "other.xdmf", "quad8.h5", "quad8.xdmf"]);
    let [found, other] = ["quad8.h5", "other.h5"].map(|name| Results::read(&folder.path(name)));
    assert!(found.has_the_bits_of(&other));
}

/// Writes through a link, before and after its target exists.
fn linked() {
    let folder = Folder::with(&Mesh::channel());
    fs::create_dir(folder.path("far")).unwrap();
    symlink("far/big.h5", folder.path("out.h5")).unwrap();
    for _ in 0..2 {
        folder.run(2, &["mesh.h5", "-o", "out.h5"]).expect_code(0);
        assert!(folder.path("out.h5").is_symlink());
        assert_eq!(folder.names(), ["far", "mesh.h5", "out.h5"]);
        let far = fs::read_dir(folder.path("far")).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(far.collect::<BTreeSet<_>>(), BTreeSet::from(["big.h5".into(), "big.xdmf".into()]));
    }
}

fn piped() {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    mkfifo(&folder.path("pipe"), Mode::S_IRWXU).unwrap();
    let args = ["mesh.h5", "--json", "pipe"];
    let outcome = folder.run(0, &args).expect_code(IO);
    assert!(outcome.errors()[0].ends_with("cannot write pipe: it has no reader"), "{outcome}");
    folder.run_in_shell("cat pipe > read & \"$0\" \"$@\" && wait", &args).expect_code(0);
    assert_eq!(folder.json("read")["converged"], true);
}

/// Limits the file size by `ulimit -f`, whose default action ends the process.
fn limited() {
    let folder = Folder::new();
    let args = ["--refine", "2", "--threads", "1"];
    let outcome = folder.run_in_shell("ulimit -f 20000 && exec \"$0\" \"$@\"", &args).expect_code(IO);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.contains("cannot write quad8.h5: File too large"), "{outcome}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

/// Removes the working folder during the solve.
fn homeless() {
    let folder = Folder::new();
    // The outputs are checked before the solve and written after it.
    let (running, rank) = stopped(&folder, 1, "solve", &["--threads", "1"]);
    fs::remove_dir_all(folder.path("")).unwrap();
    send(Signal::SIGCONT, rank);
    let outcome = running.wait().expect_code(IO);
    let [error] = outcome.errors()[..] else { panic!("{outcome}") };
    assert!(error.ends_with("cannot write quad8.h5: the working folder is gone"), "{outcome}");
}

fn nameless() {
    let folder = Folder::new();
    let outcome = folder.run_in_shell("exec \"$0\" -o \"$(printf 'x\\377.h5')\"", &[]).expect_code(IO);
    assert!(outcome.errors()[0].ends_with(".h5: its name is not UTF-8"), "{outcome}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}
