//! Pictures: what they show, and what is said where nothing can be drawn.

use std::fs;

use libtest_mimic::Trial;
use tiny_skia::Pixmap;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused;
use crate::trial;

const INPUT: i32 = 2;
const IO: i32 = 3;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("a_picture_shows_the_field_where_the_elements_are", field),
        trial("every_field_and_every_kind_of_line_can_be_drawn", everything),
        trial("an_svg_holds_paths_and_an_image", svg),
        trial("under_mpirun_one_rank_draws", one_rank),
        trial("a_convergence_can_be_drawn", residuals),
    ];
    trials.extend(refusals());
    trials
}

/// Solves a rectangle, 2 m x 1 m, from 5 at its left to 0 at its right.
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

    // The rectangle is what is coloured; its left edge is yellow, the right one blue.
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
    // The view is 1.03 times the domain wide and shows as many pixels a metre upwards.
    let blank = |c: &[u8; 3]| *c == [255; 3];
    let end = first + colours[first..].iter().position(blank).unwrap();
    let part = |p: f64| colours[first + (p * (end - first) as f64) as usize];
    assert!(near(part(0.5), colorous::CIVIDIS.eval_continuous(0.5)), "{:?}", part(0.5));
    assert!(near(colours[end - 5], colorous::CIVIDIS.eval_continuous(0.0)), "{:?}", colours[end - 5]);
}

fn everything() {
    let folder = solved();
    for field in ["speed", "pressure", "u", "partition", "error"] {
        let args = ["plot", "quad8.h5", "--mesh", "--arrows", "--streamlines", "--contours", "7", "--width", "500"];
        folder.run(0, &[&args[..], &["--field", field, "-q", "-o", "all.png"]].concat()).expect_code(0);
        let picture = Pixmap::load_png(folder.path("all.png")).unwrap();
        let dark = picture.pixels().iter().filter(|p| p.red() < 60 && p.green() < 60 && p.blue() < 60).count();
        assert!(dark > 500, "{field} has no lines");
        fs::remove_file(folder.path("all.png")).unwrap();
    }
}

fn svg() {
    let folder = solved();
    folder.run(0, &["plot", "-o", "out.svg", "--contours", "5"]).expect_code(0);
    let text = fs::read_to_string(folder.path("out.svg")).unwrap();
    assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
    // The field and the bar; no font of the reader's machine.
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

fn refusals() -> Vec<Trial> {
    const PLOT: &[&str] = &["plot", "mesh.h5"];
    let solve = |folder: &Folder| {
        Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
        folder.run(1, &["mesh.h5", "-q"]).expect_code(0);
    };
    let mesh = |folder: &Folder| Mesh::rectangle(2, 1).write(&folder.path("mesh.h5"));
    [
        refused("a_picture_of_a_missing_file", PLOT, IO, "cannot open mesh.h5: No such file", |_| ()),
        refused("a_picture_of_a_mesh", PLOT, INPUT, "mesh.h5 has no dataset 'abs_vel_node': this picture needs", mesh),
        refused("a_picture_of_a_text", PLOT, INPUT, "mesh.h5 is not an HDF5 file", |folder| {
            fs::write(folder.path("mesh.h5"), "0 0").unwrap();
        }),
        refused(
            "a_picture_of_an_unknown_field",
            &["plot", "--field", "colour"],
            INPUT,
            "'colour' for '--field",
            |_| (),
        ),
        refused("a_picture_without_a_place", &["plot", "-o", "a/b.png"], IO, "cannot write a/b.png: ", solve),
        refused("a_picture_of_another_kind", &["plot", "-o", "a.gif"], INPUT, "a.gif is neither", solve),
        refused("a_picture_over_its_input", &["plot", "a.png", "-o", "a.png"], INPUT, "the output a.png is", |_| ()),
        refused(
            "a_convergence_of_no_record",
            &["plot", "--residuals", "a.json"],
            INPUT,
            "is not a run record",
            |folder| {
                fs::write(folder.path("a.json"), "{}").unwrap();
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
