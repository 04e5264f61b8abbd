//! Error against a known solution, on curved distorted elements.

use std::rc::Rc;

use quad8_mpi::la::Vector;
use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::Problem;
use quad8_mpi::quad8::{gradients, map, shape};

use super::manufactured;
use super::meshes::Grid;
use super::pipeline::Model;
use crate::Check;

pub const CHECKS: &[Check] = checks![errors_have_their_orders_and_their_values];

/// Number n, and the errors of u in L2 and in the H1 seminorm on n x n elements, computed by an
/// independent Python program with a direct solver.
const EXPECTED: [(usize, f64, f64); 3] = [
    (8, 6.070779620891e-4, 1.423946974378e-2),
    (16, 7.729143864320e-5, 3.518017903728e-3),
    (32, 9.704014326583e-6, 8.770906263245e-4),
];

/// 5-point Gauss rule, exact for degree 9.
pub const GAUSS_5: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
];

/// Computes the errors of u in L2 and in the H1 seminorm. **Collective.**
pub fn errors(comm: &Comm, model: &Model, u: &Vector) -> [f64; 2] {
    let mut squares = [0.0; 2];
    for e in 0..model.mesh.own_elements {
        let coordinates = model.mesh.element_coordinates(e);
        let values = model.mesh.elements[e].map(|n| u.local()[n as usize]);
        for (xi, a) in GAUSS_5 {
            for (eta, b) in GAUSS_5 {
                let at = gradients(&coordinates, xi, eta);
                let point = map(&coordinates, xi, eta);
                let weight = a * b * at.determinant;
                let mut error = manufactured::u(point);
                let mut gradient_error = manufactured::gradient(point);
                for ((n, g), value) in shape(xi, eta).iter().zip(at.gradients).zip(values) {
                    error -= n * value;
                    gradient_error[0] -= g[0] * value;
                    gradient_error[1] -= g[1] * value;
                }
                squares[0] += weight * error * error;
                squares[1] += weight * (gradient_error[0].powi(2) + gradient_error[1].powi(2));
            }
        }
    }
    comm.sum_all(&squares).try_into().map(|s: [f64; 2]| s.map(f64::sqrt)).expect("two sums")
}

fn errors_have_their_orders_and_their_values(comm: &Rc<Comm>) {
    for problem in [manufactured::problem(), manufactured::problem_in_formulas()] {
        check_orders_and_values(comm, &problem);
    }
}

fn check_orders_and_values(comm: &Rc<Comm>, problem: &Problem) {
    let found = EXPECTED.map(|(n, ..)| {
        let mesh = Grid { shuffled: true, clockwise: true, ..Grid::new(n, n) }.mesh();
        let model = Model::new(comm, &mesh, &manufactured::side, problem, 0).expect("a good mesh");
        errors(comm, &model, &model.solve(problem, 1e-13).0)
    });
    for ((n, l2, h1), error) in EXPECTED.into_iter().zip(found) {
        for (expected, error) in [l2, h1].into_iter().zip(error) {
            assert!((error - expected).abs() < 1e-6 * expected, "n = {n}: {error:e} instead of {expected:e}");
        }
    }
    let [.., coarse, fine] = found;
    for (norm, order) in [3.0, 2.0].into_iter().enumerate() {
        let observed = (coarse[norm] / fine[norm]).log2();
        assert!((observed - order).abs() < 0.05, "order {observed} instead of {order}");
    }
}
