//! Pictures: their content, and the errors where nothing can be drawn.

use std::fs;

use hdf5::File;
use libtest_mimic::Trial;
use tiny_skia::{Pixmap, PremultipliedColorU8};

use crate::false_sizes::limits_hold;
use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused_alone;
use crate::test;

const INPUT: i32 = 2;
const IO: i32 = 3;

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("a_picture_shows_the_field_where_the_elements_are", field),
        test("every_field_and_every_kind_of_line_can_be_drawn", everything),
        test("a_picture_of_unconverged_results_is_marked", unconverged),
        test("an_svg_holds_paths_and_an_image", svg),
        test("under_mpirun_one_rank_draws", one_rank),
        test("a_convergence_can_be_drawn", residuals),
        test("a_picture_of_damaged_results_is_refused", damaged),
        test("a_picture_without_memory_is_an_error", without_memory),
    ];
    tests.extend(refusals());
    tests
}

/// Solves a rectangle, 2 m x 1 m, with u from 5 at the left to 0 at the right.
fn solved() -> Folder {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(1, &["mesh.h5", "--json", "run.json", "-q"]).expect_code(0);
    folder
}

fn field() {
    let folder = solved();
    let outcome = folder.run(0, &["plot", "--field", "u", "--contours", "0", "--width", "800"]).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("quad8.png\n", ""));
    let picture = Pixmap::load_png(folder.path("quad8.png")).unwrap();
    assert!(picture.width().abs_diff(800) <= 1);

    // The rectangle is the coloured area; its left edge is yellow, the right one blue.
    let row = picture.height() / 3;
    let colours: Vec<[u8; 3]> = (0..picture.width())
        .map(|x| picture.pixel(x, row).unwrap().demultiply())
        .map(|p| [p.red(), p.green(), p.blue()])
        .collect();
    let is_coloured = |c: &[u8; 3]| c.iter().max().unwrap() - c.iter().min().unwrap() > 20;
    let first = colours.iter().position(is_coloured).unwrap() + 3;
    let near = |c: [u8; 3], wanted: colorous::Color| {
        let wanted = [wanted.r, wanted.g, wanted.b];
        c.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 6)
    };
    assert!(near(colours[first], colorous::CIVIDIS.eval_continuous(1.0)), "{:?}", colours[first]);
    // The view is 1.03 times as wide as the domain, with the same scale upwards.
    let blank = |c: &[u8; 3]| *c == [255; 3];
    let end = first + colours[first..].iter().position(blank).unwrap();
    let part = |p: f64| colours[first + (p * (end - first) as f64) as usize];
    assert!(near(part(0.5), colorous::CIVIDIS.eval_continuous(0.5)), "{:?}", part(0.5));
    assert!(near(colours[end - 5], colorous::CIVIDIS.eval_continuous(0.0)), "{:?}", colours[end - 5]);
}

fn everything() {
    let folder = solved();
    let draw = |field: &str, width: &str| {
        let args = ["plot", "quad8.h5", "--mesh", "--arrows", "--streamlines", "--contours", "7", "--width", width];
        folder.run(0, &[&args[..], &["--field", field, "-q", "-o", "all.png"]].concat()).expect_code(0);
        Pixmap::load_png(folder.path("all.png")).unwrap()
    };
    for field in ["speed", "pressure", "u", "partition", "error"] {
        let dark = |p: &&PremultipliedColorU8| p.red() < 60 && p.green() < 60 && p.blue() < 60;
        assert!(draw(field, "500").pixels().iter().filter(dark).count() > 500, "{field} has no lines");
        fs::remove_file(folder.path("all.png")).unwrap();
    }
    // In the narrowest picture lines are narrower than pixels.
    assert!(draw("u", "200").width().abs_diff(200) <= 1);
}

fn unconverged() {
    const NOT_CONVERGED: i32 = 1;
    let folder = solved();
    let red = || {
        folder.run(0, &["plot", "--field", "u", "-o", "marked.png"]).expect_code(0);
        let picture = Pixmap::load_png(folder.path("marked.png")).unwrap();
        // The colours of u are neither red nor brown.
        let is_red = |p: &&PremultipliedColorU8| p.red() > 150 && p.green() < 100 && p.blue() < 100;
        picture.pixels().iter().filter(is_red).count()
    };
    assert_eq!(red(), 0);
    folder.run(1, &["mesh.h5", "--max-iterations", "1", "--preconditioner", "jacobi", "-q"]).expect_code(NOT_CONVERGED);
    assert!(red() > 500, "{} red pixels", red());
}

fn svg() {
    let folder = solved();
    folder.run(0, &["plot", "-o", "out.svg", "--contours", "5"]).expect_code(0);
    let text = fs::read_to_string(folder.path("out.svg")).unwrap();
    assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
    // The field and the bar are images; text is paths and needs no font of the viewer.
    assert_eq!((text.matches("<image ").count(), text.matches("<text").count()), (2, 0));
    assert!(text.matches("<path ").count() > 20);
}

fn one_rank() {
    let folder = solved();
    let outcome = folder.run(3, &["plot", "--width", "300"]).expect_code(0);
    assert_eq!(outcome.stdout, "quad8.png\n");
}

fn residuals() {
    let folder = solved();
    folder.run(0, &["plot", "--residuals", "run.json"]).expect_code(0);
    assert!(Pixmap::load_png(folder.path("run.png")).is_ok());
}

fn without_memory() {
    /// Small memory for the picture (KiB), compared with that of the program.
    const LIMIT: u64 = 256 << 10;
    let folder = solved();
    if !limits_hold(&folder, LIMIT) {
        eprintln!("passed over: this system does not limit memory (ulimit -d)");
        return;
    }
    folder.run_within(LIMIT, &["plot"]).expect_code(0);
    let outcome = folder.run_within(LIMIT, &["plot", "--width", "20000", "-o", "large.png"]).expect_code(4);
    let errors = outcome.errors();
    assert!(errors.len() == 1 && errors[0].contains("error: there is no memory for "), "{outcome}");
    assert!(!folder.path("large.png").exists());
}

/// Writes fields of which no picture can be drawn.
fn damaged() {
    let folder = solved();
    type Change = fn(&mut [f64]);
    let damages: [(&str, &str, Change); 4] = [
        ("x", "of its node 3 are not finite", |x| x[3] = f64::NAN),
        ("y", "0 m high: a picture needs", |y| y.fill(0.5)),
        ("abs_vel_node", "'abs_vel_node' holds no finite values", |speed| speed.fill(f64::NAN)),
        ("abs_vel_node", "'abs_vel_node' holds no finite values", |speed| {
            speed[..2].copy_from_slice(&[f64::MAX, f64::MIN]);
        }),
    ];
    for (name, message, change) in damages {
        fs::copy(folder.path("quad8.h5"), folder.path("damaged.h5")).unwrap();
        let file = File::open_rw(folder.path("damaged.h5")).unwrap();
        let dataset = file.dataset(name).unwrap();
        let mut values: Vec<f64> = dataset.read_raw().unwrap();
        change(&mut values);
        dataset.write_raw(&values).unwrap();
        drop(dataset);
        file.close().unwrap();
        let outcome = folder.run(0, &["plot", "damaged.h5"]).expect_code(INPUT);
        let errors = outcome.errors();
        assert!(errors.len() == 1 && errors[0].contains(message), "{message} is not in {outcome}");
        assert!(!folder.path("damaged.png").exists());
    }
}

fn refusals() -> Vec<Trial> {
    const PLOT: &[&str] = &["plot", "mesh.h5"];
    let solve = |folder: &Folder| {
        Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
        folder.run(1, &["mesh.h5", "-q"]).expect_code(0);
    };
    let mesh = |folder: &Folder| Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
    [
        refused_alone("a_picture_of_a_missing_file", PLOT, IO, "cannot open mesh.h5: No such file", |_| ()),
        refused_alone("a_picture_of_a_mesh", PLOT, INPUT, "mesh.h5 has no dataset 'abs_vel_node': this needs", mesh),
        refused_alone("a_picture_of_a_text", PLOT, INPUT, "mesh.h5 is not an HDF5 file", |folder| {
            fs::write(folder.path("mesh.h5"), "0 0").unwrap();
        }),
        refused_alone(
            "a_picture_of_a_run_record",
            &["plot", "run.json"],
            INPUT,
            "run.json is not an HDF5 file: a results file (OUT.h5) is expected; --residuals RUN.json draws a run record",
            |folder| fs::write(folder.path("run.json"), "{}").unwrap(),
        ),
        refused_alone(
            "a_picture_of_an_unknown_field",
            &["plot", "--field", "colour"],
            INPUT,
            "'colour' for '--field",
            |_| (),
        ),
        refused_alone("a_picture_without_a_place", &["plot", "-o", "a/b.png"], IO, "cannot write a/b.png: ", solve),
        refused_alone("a_picture_of_another_kind", &["plot", "-o", "a.gif"], INPUT, "a.gif is neither", solve),
        refused_alone(
            "a_picture_over_its_input",
            &["plot", "a.png", "-o", "a.png"],
            INPUT,
            "the output a.png is",
            |_| (),
        ),
        refused_alone(
            "a_convergence_of_no_record",
            &["plot", "--residuals", "a.json"],
            INPUT,
            "is not a run record",
            |folder| {
                fs::write(folder.path("a.json"), "{}").unwrap();
            },
        ),
    ]
    .into()
}
