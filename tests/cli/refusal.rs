//! Checks that invalid input is reported once, in one line, in the same words on any number of
//! ranks, and leaves no files behind.

use std::fs;

use hdf5::File;
use hdf5::types::VarLenUnicode;
use libtest_mimic::Trial;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::mesh::{Mesh, write};
use crate::program::Folder;
use crate::{at_ranks, test, waiting};

const RANKS: [usize; 2] = [1, 3];
const INPUT: i32 = 2;
const IO: i32 = 3;

pub fn tests() -> Vec<Trial> {
    [files(), datasets(), options()].into_iter().flatten().collect()
}

/// Returns the tests that the program refuses to run in the folder that `prepare` fills.
pub fn refused(
    name: &str,
    args: &'static [&'static str],
    code: i32,
    message: &'static str,
    prepare: impl Fn(&Folder) + Copy + Send + 'static,
) -> Vec<Trial> {
    let check = move |ranks| refuses(ranks, args, code, message, prepare);
    at_ranks(&format!("{name}_is_refused"), RANKS, check).into_iter().map(waiting).collect()
}

/// Returns a test like [`refused`] without mpirun, for errors that do not depend on the ranks.
pub fn refused_alone(
    name: &str,
    args: &'static [&'static str],
    code: i32,
    message: &'static str,
    prepare: impl Fn(&Folder) + Copy + Send + 'static,
) -> Trial {
    waiting(test(format!("{name}_is_refused"), move || refuses(0, args, code, message, prepare)))
}

fn refuses(ranks: usize, args: &[&str], code: i32, message: &str, prepare: impl Fn(&Folder)) {
    let folder = Folder::new();
    prepare(&folder);
    let before = folder.contents();
    let outcome = folder.run(ranks, args).expect_code(code);
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{outcome}");
    assert!(errors[0].contains(message), "{message} is not in {outcome}");
    assert!(folder.contents() == before, "something else is left: {:?}", folder.names());
}

fn files() -> Vec<Trial> {
    const MESH: &[&str] = &["mesh.h5"];
    [
        refused("a_missing_mesh", MESH, IO, "cannot open mesh.h5: No such file or directory", |_| ()),
        refused(
            "an_unknown_subcommand",
            &["slove"],
            INPUT,
            "'slove' is neither a file nor a subcommand: did you mean solve?",
            |_| (),
        ),
        refused("a_folder_as_mesh", MESH, IO, "cannot open mesh.h5: Is a directory", |folder| {
            fs::create_dir(folder.path("mesh.h5")).unwrap();
        }),
        vec![
            refused_alone(
                "a_device_as_mesh",
                &["/dev/zero"],
                IO,
                "cannot open /dev/zero: it is not a regular file",
                |_| (),
            ),
            refused_alone("a_pipe_as_mesh", MESH, IO, "cannot open mesh.h5: it is not a regular file", |folder| {
                mkfifo(&folder.path("mesh.h5"), Mode::S_IRWXU).unwrap();
            }),
            refused_alone(
                "an_unknown_built_in_mesh",
                &["venturri"],
                IO,
                "venturri: No such file or directory; did you mean venturi?",
                |_| (),
            ),
            refused_alone("an_endless_record", &["report", "/dev/zero"], IO, "it is longer than 256 MiB", |_| ()),
        ],
        refused("a_text_file_as_mesh", MESH, INPUT, "mesh.h5 is not an HDF5 file", |folder| {
            fs::write(folder.path("mesh.h5"), "0 0\n1 0\n").unwrap();
        }),
        refused("an_empty_file_as_mesh", MESH, INPUT, "mesh.h5 is empty: it holds no byte", |folder| {
            fs::write(folder.path("mesh.h5"), "").unwrap();
        }),
        refused("a_truncated_mesh", MESH, IO, "cannot open mesh.h5: ", |folder| {
            Mesh::rectangle(4, 2).write(&folder.path("whole.h5"));
            let bytes = fs::read(folder.path("whole.h5")).unwrap();
            fs::write(folder.path("mesh.h5"), &bytes[..bytes.len() / 2]).unwrap();
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the tests of mesh files with invalid datasets.
fn datasets() -> Vec<Trial> {
    const POINTS: [f64; 8] = [0.0; 8];
    const NODES: [i32; 8] = [0; 8];
    let bad = |name: &str, message: &'static str, fill: fn(&File)| {
        refused(name, &["mesh.h5"], INPUT, message, move |folder| fill(&File::create(folder.path("mesh.h5")).unwrap()))
    };
    [
        bad(
            "a_file_without_datasets",
            "has no dataset 'x': a mesh needs x (N), y (N) and quad8 (E, 8); found: nothing",
            |_| (),
        ),
        bad("a_mesh_without_quad8", "has no dataset 'quad8'", |file| {
            write(file, "x", &[8], &POINTS);
            write(file, "y", &[8], &POINTS);
        }),
        bad("a_mesh_of_quad4", "dataset 'quad8' of mesh.h5 has shape [2, 4]: expected (E, 8)", |file| {
            write(file, "x", &[8], &POINTS);
            write(file, "y", &[8], &POINTS);
            write(file, "quad8", &[2, 4], &NODES);
        }),
        bad("a_shorter_y", "dataset 'y' of mesh.h5 has shape [7]: expected (8), as x has", |file| {
            write(file, "x", &[8], &POINTS);
            write(file, "y", &[7], &POINTS[1..]);
            write(file, "quad8", &[1, 8], &NODES);
        }),
        bad("an_x_of_two_columns", "dataset 'x' of mesh.h5 has shape [4, 2]: expected (N)", |file| {
            write(file, "x", &[4, 2], &POINTS);
            write(file, "y", &[8], &POINTS);
            write(file, "quad8", &[1, 8], &NODES);
        }),
        bad("a_quad8_of_floats", "dataset 'quad8' of mesh.h5 holds float64: expected integers", |file| {
            write(file, "x", &[8], &POINTS);
            write(file, "y", &[8], &POINTS);
            write(file, "quad8", &[1, 8], &POINTS);
        }),
        bad(
            "an_x_of_strings",
            "dataset 'x' of mesh.h5 holds unicode (var len): expected floating-point numbers",
            |file| {
                write(file, "x", &[8], &[(); 8].map(|()| "0.0".parse::<VarLenUnicode>().unwrap()));
                write(file, "y", &[8], &POINTS);
                write(file, "quad8", &[1, 8], &NODES);
            },
        ),
        bad("a_mesh_without_elements", "the mesh has no elements", |file| {
            write(file, "x", &[8], &POINTS);
            write(file, "y", &[8], &POINTS);
            write::<i32>(file, "quad8", &[0, 8], &[]);
        }),
        // As h5py writes it: nothing is stored.
        bad("an_unallocated_quad8", "the mesh has no elements", |file| {
            write(file, "x", &[8], &POINTS);
            write(file, "y", &[8], &POINTS);
            file.new_dataset::<i64>().shape([0, 8]).create("quad8").unwrap();
        }),
        bad("a_mesh_without_nodes", "node 0 is out of range, the mesh has 0 nodes", |file| {
            file.new_dataset::<f64>().shape(0).create("x").unwrap();
            file.new_dataset::<f64>().shape(0).create("y").unwrap();
            write(file, "quad8", &[1, 8], &NODES);
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn options() -> Vec<Trial> {
    let bad = |name: &str, args, message| refused(name, args, INPUT, message, |_| ());
    let alone = |name: &str, args, message| vec![refused_alone(name, args, INPUT, message, |_| ())];
    [
        bad("a_tolerance_of_zero", &["--rtol", "0"], "must be between 0 and 1"),
        bad("a_tolerance_in_words", &["--rtol", "abc"], "not a number"),
        bad("zero_threads", &["--threads", "0"], "0 is not in 1..=1024"),
        bad("an_infinite_speed", &["--gamma", "inf"], "must be finite"),
        bad("an_unknown_option", &["--nonsense"], "unexpected argument '--nonsense'"),
        bad("an_unknown_preconditioner", &["--preconditioner", "magic"], "invalid value 'magic'"),
        alone("a_benchmark_of_too_many_threads", &["bench", "stream", "--threads", "1025"], "1025 is not in 1..=1024"),
        alone(
            "an_unknown_subcommand_for_a_mesh",
            &["chek", "mesh.h5"],
            "there is no subcommand 'chek': did you mean check?",
        ),
        alone("an_option_with_one_dash", &["-refine", "2"], "there is no option '-refine': did you mean --refine?"),
        alone(
            "a_second_mesh",
            &["a.h5", "-q", "b.h5"],
            "one case file or mesh is expected: 'a.h5' is it, 'b.h5' is one too many",
        ),
        alone(
            "a_negative_tolerance",
            &["--rtol", "-1"],
            "invalid value '-1' for '--rtol <RTOL>': must be between 0 and 1",
        ),
        alone(
            "a_negative_refinement",
            &["--refine", "-1"],
            "invalid value '-1' for '--refine <K>': must be a whole number, 0 or more",
        ),
        alone(
            "a_negative_density",
            &["--density", "-1"],
            "invalid value '-1' for '--density <DENSITY>': must be more than 0",
        ),
        alone(
            "a_results_file_for_paraview",
            &["-o", "x.vtu"],
            "x.vtu would hold HDF5, which its ending does not say: use -o x.h5; the file for ParaView",
        ),
        alone("a_picture_as_results_file", &["-o", "x.PNG"], "use -o x.h5, then draw it with quad8-mpi plot x.h5"),
        bad("a_refinement_beyond_all_numbers", &["--refine", "40"], "--refine 40 makes "),
    ]
    .into_iter()
    .flatten()
    .collect()
}
