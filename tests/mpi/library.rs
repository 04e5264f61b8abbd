//! The example of the crate's first page.

use std::rc::Rc;

use quad8_mpi::parallel::Comm;

use crate::Check;

// Its `main` starts MPI, which runs here already.
#[allow(dead_code)]
#[path = "../../examples/solve.rs"]
mod example;

/// Largest speed (m/s) in the throat, from the program itself.
const SPEED: f64 = 5.488_231_946;

pub const CHECKS: &[Check] = checks![the_example_finds_the_speed_in_the_throat];

fn the_example_finds_the_speed_in_the_throat(comm: &Rc<Comm>) {
    let speed = example::largest_speed(comm).expect("a solution");
    assert!((speed - SPEED).abs() < 1e-7 * SPEED, "{speed} m/s");
}
