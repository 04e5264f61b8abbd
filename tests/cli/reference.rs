//! Compares results with those of an independent direct solver (SciPy's SuperLU) on the same
//! meshes.

use hdf5::H5Type;
use libtest_mimic::Trial;

use crate::mesh::Mesh;
use crate::program::Folder;
use crate::results::{Results, difference, summary};
use crate::{at_ranks, test};

const TOLERANCE: f64 = 1e-9;

/// Results of the direct solver on a mesh; ranges are [smallest, largest, mean].
struct Reference {
    u: [f64; 3],
    speed: [f64; 3],
    pressure: [f64; 3],
    /// Nodes and u there.
    samples: &'static [(usize, f64)],
    /// Elements and their velocities.
    velocities: &'static [(usize, [f64; 2])],
}

const CHANNEL: Reference = Reference {
    u: [0.0, 10.555604976006231, 5.291608385914695],
    speed: [2.2083727663015322, 3.9910702148848123, 3.3217863567659354],
    pressure: [101319.07180710566, 101325.8409924566, 101321.93792377663],
    samples: &[
        (0, 0.0),
        (10, 4.2730945088231485),
        (20, 8.96380767893564),
        (30, 1.3964577681441241),
        (50, 10.423910081967703),
        (60, 3.931551216553358),
        (90, 5.064400601962788),
    ],
    velocities: &[
        (0, [3.879118274500134, 0.9195803710782]),
        (5, [3.5904211373976933, 0.3410604577423757]),
        (10, [3.020198250246195, 0.1745804511678446]),
        (15, [2.8154362511022084, -0.5863626657906424]),
    ],
};

/// Reference on the default mesh, which was taken from a results file.
const DEFAULT: Reference = Reference {
    u: [0.0, 11.825325588298613, 7.521889728604521],
    speed: [0.3577039598925433, 6.042103488752453, 3.498595564293233],
    pressure: [101306.46755357661, 101328.74972932471, 101320.54384008898],
    samples: &[
        (0, 11.825325588298488),
        (4000, 10.868735826771426),
        (8000, 4.34919647778719),
        (12000, 11.188339360750017),
        (16000, 1.6778719861735574),
    ],
    velocities: &[
        (0, [2.49918210197427, 0.0008683200357282317]),
        (2000, [5.238265838248292, -0.7325742544266021]),
        (4000, [3.8171269298410735, 0.08560757700787747]),
    ],
};

pub fn tests() -> Vec<Trial> {
    let mut tests = at_ranks("the_channel_agrees_with_the_direct_solver", [1, 2, 3, 4, 16], channel);
    tests.push(test("the_default_problem_agrees_with_the_direct_solver", default_problem));
    tests.extend(at_ranks("every_number_type_gives_the_same_bits", [2], number_types));
    tests
}

impl Reference {
    fn check(&self, results: &Results) {
        for (name, values, wanted) in [
            ("u", &results.u, self.u),
            ("abs_vel", &results.abs_vel, self.speed),
            ("pressure", &results.pressure, self.pressure),
        ] {
            let got = summary(values);
            assert!(difference(&got, &wanted) < TOLERANCE, "{name}: {got:?} instead of {wanted:?}");
        }
        for &(node, wanted) in self.samples {
            let apart = (results.u[node] - wanted).abs() / self.u[1];
            assert!(apart < TOLERANCE, "u at node {node}: {} instead of {wanted}", results.u[node]);
        }
        for &(element, wanted) in self.velocities {
            let got = &results.vel[2 * element..2 * element + 2];
            assert!(difference(got, &wanted) < TOLERANCE, "element {element}: {got:?} instead of {wanted:?}");
        }
    }
}

fn channel(ranks: usize) {
    let folder = Folder::with(&Mesh::channel());
    for threads in ["1", "2"] {
        CHANNEL.check(&folder.solve(ranks, &["mesh.h5", "--rtol", "1e-12", "--threads", threads]));
    }
}

fn default_problem() {
    DEFAULT.check(&Folder::new().solve(2, &["--rtol", "1e-11"]));
}

fn number_types(ranks: usize) {
    let wanted = Folder::with(&Mesh::channel()).solve(ranks, &["mesh.h5"]);
    let check = |folder: Folder| assert!(folder.solve(ranks, &["mesh.h5"]).has_the_bits_of(&wanted));
    check(integers(|n| n as i8));
    check(integers(|n| n as i16));
    check(integers(|n| n));
    check(integers(|n| n as u8));
    check(integers(|n| n as u16));
    check(integers(|n| n as u32));
    check(integers(|n| n as u64));
    let folder = Folder::new();
    Mesh::channel().write_as(&folder.path("mesh.h5"), |x| x as f32, |n| n);
    check(folder);
}

fn integers<I: H5Type>(convert: impl Fn(i64) -> I) -> Folder {
    let folder = Folder::new();
    Mesh::channel().write_as(&folder.path("mesh.h5"), |x| x, convert);
    folder
}
