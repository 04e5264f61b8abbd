//! Places where results cannot go are refused before the work begins, and what
//! is there already survives.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::trial;

const INPUT: i32 = 2;
const IO: i32 = 3;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("an_existing_results_file_survives_a_failed_run", survives)];
    trials.extend([places(), collisions(), protected()].into_iter().flatten());
    trials
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
            assert!(Command::new("mkfifo").arg(folder.path("out.h5")).status().unwrap().success());
        }),
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

/// Two files under one name.
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
    let kind = if root { "root may write anywhere" } else { "" };
    let args = &["mesh.h5", "-o", "no/out.h5"];
    let trials = refused("a_protected_folder", args, IO, "cannot write no/out.h5: Permission denied", |folder| {
        mesh(folder);
        fs::create_dir(folder.path("no")).unwrap();
        fs::set_permissions(folder.path("no"), Permissions::from_mode(0o555)).unwrap();
    });
    trials.into_iter().map(|trial| trial.with_kind(kind).with_ignored_flag(root)).collect()
}

fn survives() {
    let folder = Folder::with(&Mesh::channel());
    folder.run(1, &["mesh.h5"]).expect_code(0);
    let before = folder.contents();
    folder.run(3, &["missing.h5"]).expect_code(IO);
    folder.run_with(3, &[("QUAD8_MPI_FAULT", "panic@export:1")], &["mesh.h5", "--gamma", "1"]).expect_code(4);
    assert!(folder.contents() == before);
}
