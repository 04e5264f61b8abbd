//! Results with fewer fields, in single precision, and compressed.

use std::fs;

use hdf5::File;
use libtest_mimic::Trial;

use crate::at_ranks;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::results::read;

const INPUT: i32 = 2;
const FIELDS: [&str; 9] =
    ["u", "vel_node", "abs_vel_node", "pressure_node", "vel", "abs_vel", "pressure", "error", "partition"];

pub fn tests() -> Vec<Trial> {
    [
        at_ranks("small_results_hold_the_same_numbers", [1, 3, 7], small),
        at_ranks("small_results_of_a_tiny_mesh_hold_the_same_numbers", [3], tiny),
        at_ranks("chosen_fields_are_written_and_no_others", [2], chosen),
        at_ranks("large_datasets_are_aligned_where_hints_ask_for_it", [2], aligned),
        at_ranks("a_warning_tells_that_collective_transfers_are_not", [2], not_collective),
        refusals(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Solves with all fields in double precision, in single precision, compressed, and both.
fn compare(folder: &Folder, ranks: usize, mesh: &str) {
    let solve = |name: &str, options: &[&str]| {
        folder.run(ranks, &[&[mesh, "-q", "-o", name], options].concat()).expect_code(0);
        File::open(folder.path(name)).unwrap()
    };
    let full = solve("full.h5", &[]);
    for (name, options) in
        [("single.h5", &["--single"][..]), ("packed.h5", &["--compress"]), ("small.h5", &["--compress", "--single"])]
    {
        let file = solve(name, options);
        for field in FIELDS {
            let [expected, found] = [&full, &file].map(|file| read::<f64>(file, field));
            let is_single = options.contains(&"--single");
            let stored = |value: f64| if is_single { f64::from(value as f32) } else { value };
            let same = |(a, b): (&f64, &f64)| stored(*a) == *b || (a.is_nan() && b.is_nan());
            assert!(expected.len() == found.len() && expected.iter().zip(&found).all(same), "{field} in {name}");
        }
        assert_eq!(["x", "y"].map(|axis| read::<f64>(&full, axis)), ["x", "y"].map(|axis| read::<f64>(&file, axis)));
        assert_eq!(read::<i32>(&full, "quad8"), read::<i32>(&file, "quad8"), "{name}");
    }
}

fn small(ranks: usize) {
    let folder = Folder::new();
    compare(&folder, ranks, "y-channel");
    let size = |name: &str| fs::metadata(folder.path(name)).unwrap().len();
    assert!(2 * size("small.h5") <= size("full.h5"), "{} of {} bytes", size("small.h5"), size("full.h5"));
    let xdmf = fs::read_to_string(folder.path("small.xdmf")).unwrap();
    assert_eq!(xdmf.matches("NumberType=\"Float\" Precision=\"4\"").count(), FIELDS.len() - 1, "{xdmf}");
    // Small results can be drawn, probed and solved again.
    folder.run(0, &["plot", "small.h5", "-q"]).expect_code(0);
    let probe = |name: &str| folder.run(ranks, &["probe", name, "--at", "0.5,0.5"]).expect_code(0).stdout;
    let u = |text: String| text.lines().nth(1).unwrap().split(',').nth(3).unwrap().parse::<f64>().unwrap();
    assert!((u(probe("small.h5")) - u(probe("full.h5"))).abs() < 1e-6);
    folder.run(ranks, &["small.h5", "-q", "--compress", "--format", "vtkhdf", "-o", "again.h5"]).expect_code(0);
    assert_eq!(read::<f64>(&File::open(folder.path("again.h5")).unwrap(), "u").len(), 16_397);
}

fn tiny(ranks: usize) {
    compare(&Folder::with(&Mesh::channel()), ranks, "mesh.h5");
}

fn chosen(ranks: usize) {
    let folder = Folder::with(&Mesh::rectangle(3, 2));
    let case = "mesh = 'mesh.h5'\n[output]\nfields = ['u', 'vel']\nsingle = true";
    fs::write(folder.path("case.toml"), case).unwrap();
    folder.run(ranks, &["case.toml", "-q", "-o", "a.h5"]).expect_code(0);
    folder.run(ranks, &["mesh.h5", "--fields", "u,vel", "--format", "vtkhdf", "-q", "-o", "b.h5"]).expect_code(0);
    let names = |file: &str, group: &str| {
        let mut names = File::open(folder.path(file)).unwrap().group(group).unwrap().member_names().unwrap();
        names.sort();
        names
    };
    for file in ["a.h5", "b.h5"] {
        assert_eq!(names(file, "/"), ["boundaries", "quad8", "run", "u", "vel", "vtk", "x", "y"]);
        assert_eq!(names(file, "vtk"), ["points", "vel"]);
    }
    let xdmf = fs::read_to_string(folder.path("a.xdmf")).unwrap();
    assert_eq!(xdmf.matches("<Attribute").count(), 2, "{xdmf}");
    assert_eq!(names("b.hdf", "VTKHDF/PointData"), ["node", "u"]);
    assert_eq!(names("b.hdf", "VTKHDF/CellData"), ["element", "vel"]);
}

fn aligned(ranks: usize) {
    let folder = Folder::new();
    let hints = |text| [("QUAD8_MPI_IO_HINTS", text)];
    let solve = ["y-channel", "-q", "-o", "aligned.h5"];
    let done = folder.run_with(ranks, &hints("alignment=65536,cb_nodes=1"), &solve).expect_code(0);
    assert_eq!(done.stderr, "", "a transfer was not collective");
    let vtkhdf = ["y-channel", "-q", "--format", "vtkhdf", "-o", "vtkhdf.h5"];
    let done = folder.run_with(ranks, &hints("cb_nodes=1"), &vtkhdf).expect_code(0);
    assert_eq!(done.stderr, "", "a transfer was not collective");
    let file = File::open(folder.path("aligned.h5")).unwrap();
    for field in ["x", "u", "vel"] {
        assert_eq!(file.dataset(field).unwrap().offset().unwrap() % 65_536, 0, "{field}");
    }
    for (text, message) in [
        ("alignment=none", "alignment=none: must be a whole number of bytes from 1 to 1099511627776"),
        ("cb_nodes=1,alignment=0", "alignment=0: must be a whole number of bytes from 1 to 1099511627776"),
        ("cb_nodes", "'cb_nodes' is no hint: give KEY=VALUE,..."),
    ] {
        for command in [&solve[..], &["probe", "aligned.h5", "--at", "0.5,0.5"]] {
            let refused = folder.run_with(ranks, &hints(text), command).expect_code(INPUT);
            assert_eq!(refused.errors(), [format!("quad8-mpi: error: QUAD8_MPI_IO_HINTS: {message}")], "{refused}");
        }
    }
}

fn not_collective(ranks: usize) {
    let solve = ["y-channel", "-q", "-o", "out.h5"];
    let env = [("QUAD8_MPI_IO_HINTS", "cb_nodes=1"), ("HDF5_MPI_OPT_TYPES", "0")];
    let done = Folder::new().run_with(ranks, &env, &solve).expect_code(0);
    let warning = "warning: HDF5 does not write collectively (cause 0x8), which is slow on many hosts: \
                   is HDF5_MPI_OPT_TYPES set?\n";
    assert_eq!(done.stderr, warning);
}

fn refusals() -> Vec<Trial> {
    const UNKNOWN: &str = "there is no field 'velnode': did you mean vel_node? the fields are u, vel_node,";
    [
        refused("an_unknown_field", &["--fields", "u,velnode"], INPUT, UNKNOWN, |_| ()),
        refused("a_flux_of_plain_flow", &["--fields", "flux"], INPUT, "this run computes no 'flux'", |_| ()),
        refused(
            "a_pressure_of_heat",
            &["--physics", "heat", "--fields", "u,pressure_node"],
            INPUT,
            "this run computes no 'pressure_node'",
            |_| (),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
