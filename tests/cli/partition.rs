//! `quad8-mpi partition`, and runs with stored partitions.

use std::fs;

use hdf5::File;
use libtest_mimic::Trial;

use crate::formats::data;
use crate::mesh::{Mesh, write};
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::difference;
use crate::{at_ranks, test};

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("a_stored_partition_is_the_one_that_is_used", [0, 1, 3], reuse),
        at_ranks("weights_and_seed_are_taken", [2], weights),
        vec![
            test("a_stored_partition_does_not_depend_on_the_ranks_that_make_it", same_at_all_ranks),
            test("both_partitioners_solve_alike", partitioners),
            test("a_partition_of_ones_own_needs_no_checksum::ranks_3", own),
        ],
        unfit(),
        damaged(),
        bad_options(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const PARTITION: [&str; 5] = ["partition", "mesh.h5", "-n", "3", "--quiet"];

fn stored(folder: &Folder) -> (File, Vec<i32>) {
    let file = File::open(folder.path("parts.h5")).unwrap();
    let parts = file.dataset("part").unwrap().read_raw().unwrap();
    (file, parts)
}

fn reuse(ranks: usize) {
    let mesh = Mesh::channel();
    let folder = Folder::with(&mesh);
    let outcome = folder.run(ranks, &["partition", "mesh.h5", "-n", "3"]).expect_code(0);
    assert!(outcome.stdout.contains("3 parts, edge cut "), "{outcome}");
    let (file, parts) = stored(&folder);
    let number = |name: &str| file.attr(name).unwrap().read_scalar::<u64>().unwrap();
    assert_eq!(["parts", "elements", "nodes"].map(number), [3, 18, 91]);
    assert!(number("edge_cut") > 0);
    assert!((0..3).all(|part| parts.contains(&part)));
    assert_eq!(folder.names(), ["mesh.h5", "parts.h5"]);
    let results = folder.solve(3, &["mesh.h5", "--partition", "parts.h5"]);
    assert_eq!(results.partition, parts);
}

fn weights(ranks: usize) {
    // The first two columns of elements have half of the weight, in any unit.
    let mesh = Mesh::rectangle(12, 3);
    let folder = Folder::with(&mesh);
    let file = File::append(folder.path("mesh.h5")).unwrap();
    let units = [("small", 1e-320), ("cost", 1.0), ("large", 5e306)];
    for (name, unit) in units {
        let heavy: Vec<f64> = (0..36).map(|e| if e % 12 < 2 { 2.5 * unit } else { 0.5 * unit }).collect();
        write(&file, name, &[36], &heavy);
    }
    file.close().unwrap();
    for (name, _) in units {
        folder.run(ranks, &["partition", "mesh.h5", "-n", "2", "--weights", name, "--seed", "7"]).expect_code(0);
        let (file, parts) = stored(&folder);
        let first = parts.iter().filter(|&&part| part == parts[0]).count();
        assert!((5..=7).contains(&first), "{name}: {first} heavy elements: {parts:?}");
        assert_eq!(file.attr("seed").unwrap().read_scalar::<i64>().unwrap(), 7);
    }
}

fn same_at_all_ranks() {
    let folder = Folder::with(&Mesh::rectangle(24, 9));
    let parts = [0, 2, 5].map(|ranks| {
        folder.run(ranks, &["partition", "mesh.h5", "-n", "4"]).expect_code(0);
        let (file, parts) = stored(&folder);
        let checksum = |name: &str| file.attr(name).unwrap().read_scalar::<u64>().unwrap();
        (parts, checksum("connectivity_checksum"), checksum("part_checksum"))
    });
    assert!(parts.iter().all(|p| *p == parts[0]));
}

fn partitioners() {
    let folder = Folder::with(&Mesh::channel());
    let [one, two] =
        ["metis", "two-level"].map(|name| folder.solve(3, &["mesh.h5", "--partitioner", name, "--rtol", "1e-12"]));
    assert!(difference(&one.u, &two.u) < 1e-10);
}

/// Writes a partition with nothing but the parts, in the type of Python's integers.
fn write_own(folder: &Folder, parts: &[i64]) {
    write(&File::create(folder.path("parts.h5")).unwrap(), "part", &[parts.len()], parts);
}

/// Checks partitions of one dataset, one of them with an empty part.
fn own() {
    let folder = Folder::with(&Mesh::channel());
    let wanted = folder.solve(3, &["mesh.h5", "--rtol", "1e-12"]);
    for parts in [|e: i64| e % 3, |e: i64| 2 * (e / 9)] {
        let parts: Vec<i64> = (0..18).map(parts).collect();
        write_own(&folder, &parts);
        // Attributes of h5py are signed.
        let file = File::append(folder.path("parts.h5")).unwrap();
        file.new_attr::<i64>().create("parts").unwrap().write_scalar(&3_i64).unwrap();
        file.close().unwrap();
        let found = folder.solve(3, &["mesh.h5", "--rtol", "1e-12", "--partition", "parts.h5"]);
        assert!(found.partition.iter().map(|&part| i64::from(part)).eq(parts));
        assert!(difference(&found.u, &wanted.u) < 1e-10);
    }
}

/// Stores a partition and changes the file or the mesh.
fn changed(
    name: &str,
    args: &'static [&'static str],
    code: i32,
    message: &'static str,
    change: impl Fn(&Folder) + Copy + Send + 'static,
) -> Vec<Trial> {
    refused(name, args, code, message, move |folder| {
        Mesh::channel().write(&folder.path("mesh.h5"));
        folder.run(0, &PARTITION).expect_code(0);
        change(folder);
    })
}

const USE: &[&str] = &["mesh.h5", "--partition", "parts.h5"];

fn unfit() -> Vec<Trial> {
    let four: [&str; 4] = ["partition", "mesh.h5", "-n", "4"];
    let other_ranks =
        changed("a_partition_for_other_ranks", USE, 2, "parts.h5 has 4 parts and this run ", move |folder| {
            folder.run(0, &four).expect_code(0);
        });
    [
        other_ranks,
        changed("a_partition_of_a_mesh_of_another_size", USE, 2, "that one has 18 elements, this one 8", |folder| {
            Mesh::rectangle(4, 2).write(&folder.path("mesh.h5"));
        }),
        changed("a_partition_of_a_mesh_with_other_nodes", USE, 2, "as checksum of its connectivity", |folder| {
            let mut mesh = Mesh::channel();
            mesh.quad8.swap(3, 7);
            mesh.write(&folder.path("mesh.h5"));
        }),
        changed(
            "the_partition_as_output",
            &["mesh.h5", "--partition", "parts.h5", "-o", "parts.h5"],
            2,
            "is an input",
            |_| (),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn damaged() -> Vec<Trial> {
    const DAMAGED: &str = "parts.h5 is damaged, or no partition of quad8-mpi: ";
    let broken = |name: &str, message, change: fn(&Folder)| changed(name, USE, 2, message, change);
    [
        changed("a_missing_partition", USE, 3, "cannot open parts.h5", |folder| {
            fs::remove_file(folder.path("parts.h5")).unwrap();
        }),
        broken("an_empty_partition", DAMAGED, |folder| fs::write(folder.path("parts.h5"), "").unwrap()),
        broken("a_truncated_partition", DAMAGED, |folder| {
            let bytes = fs::read(folder.path("parts.h5")).unwrap();
            fs::write(folder.path("parts.h5"), &bytes[..bytes.len() / 3]).unwrap();
        }),
        broken("a_mesh_as_partition", "it has no dataset 'part'", |folder| {
            fs::copy(folder.path("mesh.h5"), folder.path("parts.h5")).unwrap();
        }),
        broken("a_partition_with_a_changed_part", "its checksum is another one", |folder| change_part(folder, 2)),
        broken("a_partition_of_ones_own_with_a_negative_part", "it assigns an element to part -1 of ", |folder| {
            write_own(folder, &[-1; 18]);
        }),
        broken(
            "a_partition_of_ones_own_for_another_mesh",
            "its dataset 'part' has shape [4], expected [18]",
            |folder| {
                write_own(folder, &[0; 4]);
            },
        ),
        broken("a_partition_with_a_part_too_many", "it assigns an element to part 3 of 3", |folder| {
            change_part(folder, 3)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Assigns element 5 to another part.
fn change_part(folder: &Folder, part: i32) {
    let file = File::append(folder.path("parts.h5")).unwrap();
    let dataset = file.dataset("part").unwrap();
    let mut parts: Vec<i32> = dataset.read_raw().unwrap();
    parts[5] = if parts[5] == part { 0 } else { part };
    dataset.write_raw(&parts).unwrap();
}

fn bad_options() -> Vec<Trial> {
    let bad = |name: &str, args, message| {
        refused(name, args, 2, message, |folder| Mesh::channel().write(&folder.path("mesh.h5")))
    };
    [
        bad("a_partition_without_a_number", &["partition", "mesh.h5"][..], "required arguments were not provided"),
        bad("a_partition_into_no_part", &["partition", "mesh.h5", "-n", "0"], "0 is not in 1..=1048576"),
        bad("the_mesh_as_partition", &["partition", "mesh.h5", "-n", "2", "-o", "mesh.h5"], "is an input of this run"),
        bad(
            "weights_that_are_not_there",
            &["partition", "mesh.h5", "-n", "2", "--weights", "cost"],
            "no weights 'cost' (E) in mesh.h5: there is no such dataset",
        ),
        bad(
            "weights_of_the_nodes",
            &["partition", "mesh.h5", "-n", "2", "--weights", "y"],
            "its shape is [91], expected [18]",
        ),
        refused(
            "weights_of_a_gmsh_file",
            &["partition", "names.msh", "-n", "2", "--weights", "cost"],
            2,
            "weights are a dataset of an HDF5 mesh, and names.msh is none: quad8-mpi convert names.msh MESH.h5",
            |folder| {
                fs::copy(data("names.msh"), folder.path("names.msh")).unwrap();
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
