//! Problems that are hard for multigrid.

use std::rc::Rc;

use quad8_mpi::la::cg::ConvergedReason;
use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::{Condition, Conductivity, Field, Material, Problem};

use super::meshes::Grid;
use super::multigrid::{System, iterations};
use super::pipeline::{Model, distance, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    jumps_of_a_million_in_conductivity_are_solved,
    slender_elements_take_few_iterations_on_any_ranks,
    strong_anisotropy_takes_the_iterations_of_slender_elements,
    robin_edges_alone_hold_the_solution,
    a_layer_between_two_dirichlet_boundaries_is_solved,
    pieces_that_touch_in_one_node_are_solved,
];

/// Builds a flow from right to left through a rectangle of n x n elements, refined `levels` times.
pub fn rectangle(
    comm: &Rc<Comm>,
    n: usize,
    map: fn(f64, f64) -> [f64; 2],
    conductivity: impl Into<Conductivity>,
    levels: u32,
) -> (Model, Problem) {
    let gamma = Condition::Robin { p: Field::Constant(0.0), gamma: Field::Constant(1.0) };
    let problem = Problem {
        material: Material { conductivity: conductivity.into(), ..Material::default() },
        conditions: vec![Condition::Dirichlet(Field::Constant(0.0)), gamma],
        ..Problem::channel(0.0)
    };
    let right = map(1.0, 0.0)[0];
    let sides = move |points: &[[f64; 2]; 3]| {
        let all_at = |x: f64| points.iter().all(|p| (p[0] - x).abs() < 1e-9);
        if all_at(0.0) { Some(0) } else { all_at(right).then_some(1) }
    };
    let mesh = Grid { map, ..Grid::new(n, n) }.mesh();
    (Model::new(comm, &mesh, &sides, &problem, levels).expect("a good mesh"), problem)
}

fn jumps_of_a_million_in_conductivity_are_solved(comm: &Rc<Comm>) {
    let layers = |x: f64, _| if (4.0 * x) as i64 % 2 == 0 { 1e6 } else { 1.0 };
    let checkers = |x: f64, y: f64| if ((4.0 * x) as i64 + (4.0 * y) as i64) % 2 == 0 { 1e6 } else { 1.0 };
    for field in [Field::function(layers), Field::function(checkers)] {
        let (model, problem) = rectangle(comm, 32, |s, t| [s, t], field, 0);
        let count = iterations(&model, &problem, 1e-6);
        assert!(count <= 25, "{count} iterations");
    }
}

/// Checks elements of aspect ratio 100, whose lines of strong connections cross ranks in one of the
/// two directions, and the borders of the parts in steps.
fn slender_elements_take_few_iterations_on_any_ranks(comm: &Rc<Comm>) {
    for map in [|s, t| [100.0 * s, t], |s, t| [s, 100.0 * t]] {
        for levels in [0, 1] {
            let (model, problem) = rectangle(comm, 32, map, Field::Constant(1.0), levels);
            let count = iterations(&model, &problem, 1e-8);
            assert!(count <= 11, "{count} iterations with {levels} refinements");
        }
    }
}

/// Checks squares with kx = 1000 ky, whose matrix is a multiple of that of rectangles of aspect
/// ratio 1000^1/2.
fn strong_anisotropy_takes_the_iterations_of_slender_elements(comm: &Rc<Comm>) {
    let field = |value| Field::Constant(value);
    let tensor = Conductivity::Tensor(Box::new([field(1000.0), field(0.0), field(1.0)].map(Into::into)));
    let (squares, problem) = rectangle(comm, 32, |s, t| [s, t], tensor, 0);
    let count = iterations(&squares, &problem, 1e-8);
    let (slender, problem) = rectangle(comm, 32, |s, t| [s, 1000_f64.sqrt() * t], field(1.0), 0);
    let of_slender = iterations(&slender, &problem, 1e-8);
    assert!(count.abs_diff(of_slender) <= 2, "{count} and {of_slender} iterations");
}

fn robin_edges_alone_hold_the_solution(comm: &Rc<Comm>) {
    let one = Field::Constant(1.0);
    let robin = Condition::Robin { p: one.clone(), gamma: one.clone() };
    let problem = Problem { conditions: vec![robin], ..Problem::channel(0.0) };
    let mesh = Grid::untidy(32, 30).mesh();
    let model = Model::new(comm, &mesh, &everywhere, &problem, 0).expect("a good mesh");
    let (u, report) = System::new(&model, &problem).solve(1e-11);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert!(distance(comm, u.local(), &vec![1.0; u.local().len()]) < 1e-9);
}

/// Checks a layer of one element whose corners are all fixed, more than a dense matrix could hold
/// in a second: there are no aggregates, and the coarsest level is empty.
fn a_layer_between_two_dirichlet_boundaries_is_solved(comm: &Rc<Comm>) {
    let conditions = [0.0, 1.0].map(|u| Condition::Dirichlet(Field::Constant(u))).to_vec();
    let problem = Problem { conditions, ..Problem::channel(0.0) };
    let sides = |points: &[[f64; 2]; 3]| {
        let all_at = |y: f64| points.iter().all(|p| (p[1] - y).abs() < 1e-9);
        if all_at(0.0) { Some(0) } else { all_at(1.0).then_some(1) }
    };
    let mesh = Grid { map: |s, t| [3000.0 * s, t], ..Grid::new(3000, 1) }.mesh();
    for (levels, most) in [(0, 5), (1, 10)] {
        let model = Model::new(comm, &mesh, &sides, &problem, levels).expect("a good mesh");
        let system = System::new(&model, &problem);
        assert_eq!(system.multigrid().levels().last().map(|level| level.unknowns), Some(0));
        let (u, report) = system.solve(1e-11);
        assert!(report.outcome == ConvergedReason::Converged && report.iterations <= most, "{report:?}");
        assert!(distance(comm, u.local(), model.interpolate(|[_, y]| y).local()) < 1e-9);
    }
}

/// Checks two squares that share a corner: u = x between two Dirichlet edges of the first, and the
/// value of the shared corner in the second.
fn pieces_that_touch_in_one_node_are_solved(comm: &Rc<Comm>) {
    let square =
        |low: f64| Grid { map: if low > 0.0 { |s, t| [1.0 + s, 1.0 + t] } else { |s, t| [s, t] }, ..Grid::new(20, 19) };
    let [mut mesh, other] = [0.0, 1.0].map(|low| square(low).mesh());
    let first = mesh.points.len() as i64;
    let at_corner = |p: &[f64; 2]| (p[0] - 1.0).hypot(p[1] - 1.0) < 1e-9;
    let corner = mesh.points.iter().position(at_corner).expect("a corner") as i64;
    // The corner of the other square remains as an orphan.
    let moved = |n: i64| if at_corner(&other.points[n as usize]) { corner } else { first + n };
    mesh.elements.extend(other.elements.iter().map(|nodes| nodes.map(moved)));
    mesh.points.extend(&other.points);

    let problem = Problem {
        conditions: [0.0, 1.0].map(|u| Condition::Dirichlet(Field::Constant(u))).to_vec(),
        ..Problem::channel(0.0)
    };
    let sides = |points: &[[f64; 2]; 3]| {
        let all_at = |x: f64| points.iter().all(|p| (p[0] - x).abs() < 1e-9 && p[1] < 1.0 + 1e-9);
        if all_at(0.0) { Some(0) } else { all_at(1.0).then_some(1) }
    };
    let model = Model::new(comm, &mesh, &sides, &problem, 0).expect("a good mesh");
    let (u, report) = System::new(&model, &problem).solve(1e-11);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert!(report.iterations <= 25, "{} iterations", report.iterations);
    let exact = model.interpolate(|[x, _]| x.min(1.0));
    assert!(distance(comm, u.local(), exact.local()) < 1e-8);
}
