//! Pictures of a part of the plane, of a part of the values, and of differences.

use libtest_mimic::Trial;
use tiny_skia::Pixmap;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::refusal::refused_alone;
use crate::test;

const INPUT: i32 = 2;

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("a_window_shows_a_part_of_the_plane", window),
        test("a_range_sets_the_ends_of_the_colours", range),
        test("a_stretched_picture_is_higher", stretch),
        test("a_difference_has_colours_around_zero", difference),
    ];
    tests.extend(refusals());
    tests
}

/// Solves a rectangle, 2 m x 1 m, with u from 5 at the left to 0 at the right, and half of it as
/// b.h5.
fn solved() -> Folder {
    let folder = Folder::with(&Mesh::rectangle(4, 2));
    folder.run(0, &["mesh.h5", "-q"]).expect_code(0);
    folder.run(0, &["mesh.h5", "-q", "--gamma", "1.25", "-o", "b.h5"]).expect_code(0);
    folder
}

/// Colours of a picture, without the alpha channel, row by row.
struct Picture {
    width: usize,
    rows: Vec<Vec<[u8; 3]>>,
}

/// Draws u of the solved rectangle with these options.
fn draw(folder: &Folder, options: &[&str]) -> Picture {
    let args = ["plot", "--field", "u", "--width", "800", "-o", "out.png"];
    folder.run(0, &[&args[..], options].concat()).expect_code(0);
    let picture = Pixmap::load_png(folder.path("out.png")).unwrap();
    let width = picture.width() as usize;
    let colour = |p: &tiny_skia::PremultipliedColorU8| [p.red(), p.green(), p.blue()];
    let rows = picture.pixels().chunks(width).map(|row| row.iter().map(colour).collect()).collect();
    Picture { width, rows }
}

impl Picture {
    /// Returns the first and the last column and row of the field: the first wide run of coloured
    /// pixels.
    fn field(&self) -> [usize; 4] {
        let is_field = |c: &[u8; 3]| *c != [255; 3] && c.iter().any(|v| *v > 60);
        let longest = |line: &mut dyn Iterator<Item = bool>| {
            let (mut best, mut run) = ([0, 0], 0);
            for (at, inside) in line.enumerate() {
                run = if inside { run + 1 } else { 0 };
                if run > best[1] - best[0] {
                    best = [at + 1 - run, at + 1];
                }
            }
            best
        };
        let middle = self.rows.len() * 2 / 5;
        let [left, right] = longest(&mut self.rows[middle].iter().map(is_field));
        let column = (left + right) / 2 + 7;
        let [top, bottom] = longest(&mut self.rows.iter().map(|row| is_field(&row[column])));
        [left, right, top, bottom]
    }

    /// Checks the colours at parts of the width of the field.
    fn check(&self, gradient: colorous::Gradient, expected: &[(f64, f64)]) {
        let [left, right, top, bottom] = self.field();
        assert!(right - left > self.width / 5, "{:?}", [left, right]);
        // Not in the middle, where an edge may be.
        let row = &self.rows[top + (bottom - top) * 3 / 8];
        for &(part, value) in expected {
            let found = row[left + (part * (right - left) as f64) as usize];
            let wanted = gradient.eval_continuous(value);
            let wanted = [wanted.r, wanted.g, wanted.b];
            assert!(found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 8), "{found:?} is not {wanted:?} at {part}");
        }
    }
}

fn window() {
    let folder = solved();
    let picture = draw(&folder, &["--window", "1,0.25,2,0.75", "--contours", "0"]);
    // u is from 2.5 to 0 there.
    picture.check(colorous::CIVIDIS, &[(0.02, 1.0), (0.5, 0.5), (0.98, 0.0)]);
    let [left, right, top, bottom] = picture.field();
    assert!((right - left).abs_diff(2 * (bottom - top)) <= 4, "{:?}", [left, right, top, bottom]);

    // Lines end at the frame.
    let picture = draw(&folder, &["--window", "0.9,0.1,1.6,0.9", "--mesh", "--streamlines"]);
    let top = picture.field()[2];
    assert!(top > 5 && picture.rows[..top - 4].iter().flatten().all(|c| *c == [255; 3]));
}

fn range() {
    let folder = solved();
    let draw = |options: &[&str]| draw(&folder, &[&["--contours", "0", "--window", "0,0.1,2,0.9"], options].concat());
    draw(&["--range", "-5,5"]).check(colorous::CIVIDIS, &[(0.02, 0.99), (0.5, 0.75), (0.98, 0.51)]);
    draw(&["--range", "2,3"]).check(colorous::CIVIDIS, &[(0.3, 1.0), (0.5, 0.5), (0.7, 0.0)]);
    draw(&["--range", "25%,75%"]).check(colorous::CIVIDIS, &[(0.2, 1.0), (0.5, 0.5), (0.8, 0.0)]);
}

fn stretch() {
    let folder = solved();
    let [left, right, top, bottom] = draw(&folder, &["--stretch", "4", "--contours", "0"]).field();
    assert!((bottom - top).abs_diff(2 * (right - left)) <= 8, "{:?}", [left, right, top, bottom]);
}

fn difference() {
    let folder = solved();
    // u and half of it.
    draw(&folder, &["--minus", "b.h5"]).check(colorous::PURPLE_ORANGE, &[(0.04, 0.99), (0.5, 0.75), (0.96, 0.51)]);
    draw(&folder, &["b.h5", "--minus", "quad8.h5"]).check(colorous::PURPLE_ORANGE, &[(0.04, 0.01), (0.5, 0.25)]);
    draw(&folder, &["--minus", "quad8.h5", "--range", "-1,0.5"]).check(colorous::PURPLE_ORANGE, &[(0.5, 0.5)]);
}

fn refusals() -> Vec<Trial> {
    let solve = |folder: &Folder| {
        for (name, nodes) in [("other", 3), ("quad8", 2)] {
            Mesh::rectangle(nodes, 1).write(&folder.path("mesh.h5"));
            folder.run(0, &["mesh.h5", "-q", "-o", &format!("{name}.h5")]).expect_code(0);
        }
        folder.run(0, &["mesh.h5", "-q", "-o", "heat.h5", "--physics", "heat"]).expect_code(0);
    };
    let alone = |name: &str, args: &'static [&'static str], message: &'static str| {
        refused_alone(name, args, INPUT, message, |_| ())
    };
    let of_results = |name: &str, args: &'static [&'static str], message: &'static str| {
        refused_alone(name, args, INPUT, message, solve)
    };
    const CORNERS: &str = "must be X0,Y0,X1,Y1 in metres, with X0 less than X1";
    vec![
        alone("a_window_with_three_numbers", &["plot", "--window", "0,0,1"], CORNERS),
        alone("a_window_from_right_to_left", &["plot", "--window", "1,0,0,1"], CORNERS),
        alone("a_window_without_numbers", &["plot", "--window", "0,0,nan,1"], CORNERS),
        alone("a_range_without_numbers", &["plot", "--range", "nan,1"], "must be LOW,HIGH: two numbers"),
        alone("a_range_that_ends_before_it_begins", &["plot", "--range", "2,1"], "LOW less than HIGH"),
        alone("a_percentile_above_100", &["plot", "--range", "1%,101%"], "must be from 0% to 100%"),
        alone("a_stretch_of_zero", &["plot", "--stretch", "0"], "must be more than 0"),
        alone("contours_of_a_difference", &["plot", "--minus", "b.h5", "--contours", "3"], "cannot be used with"),
        of_results(
            "a_window_outside_of_the_domain",
            &["plot", "--window", "3,0,4,1"],
            "is outside of the domain, which",
        ),
        of_results(
            "a_range_of_a_logarithm_from_0",
            &["plot", "--field", "error", "--range", "0,1"],
            "above 0, not at 0",
        ),
        of_results("a_difference_to_another_mesh", &["plot", "--minus", "other.h5"], "is on another mesh, so that"),
        of_results("a_difference_to_a_mesh", &["plot", "--minus", "mesh.h5"], "mesh.h5 has no dataset 'abs_vel_node'"),
        of_results(
            "a_difference_of_two_quantities",
            &["plot", "--field", "u", "--minus", "heat.h5"],
            "heat.h5 holds temperature (K), not velocity potential (m²/s): there is no difference",
        ),
        of_results("a_range_of_ranks", &["plot", "--field", "partition", "--range", "0,1"], "each rank has a colour"),
        of_results("a_difference_over_its_input", &["plot", "--minus", "a.png", "-o", "a.png"], "the output a.png is"),
        of_results(
            "a_difference_of_ranks",
            &["plot", "--field", "partition", "--minus", "other.h5"],
            "numbers of ranks have no difference",
        ),
    ]
}
