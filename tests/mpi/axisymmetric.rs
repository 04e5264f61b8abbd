//! Axisymmetric geometry, against a known solution on curved distorted elements.

use std::f64::consts::PI;
use std::rc::Rc;

use quad8_mpi::fem::{check_well_posed, with_uniform_flux};
use quad8_mpi::mesh::partition::{PartitionOptions, Partitioner, partition};
use quad8_mpi::mesh::{BoundaryRule, DistributedMesh};
use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::{Condition, Field, Geometry, Material, Problem};

use super::anisotropy::solve;
use super::convergence::errors;
use super::manufactured::{self, conductivity, gradient};
use super::meshes::Grid;
use super::pipeline::alone;
use crate::Check;

pub const CHECKS: &[Check] = checks![
    solutions_have_their_orders,
    flows_are_those_around_the_axis_and_those_of_one_rank,
    a_node_beyond_the_axis_is_refused,
    a_boundary_on_the_axis_carries_no_flow_and_holds_no_solution,
];

/// Returns the problem with [`manufactured::u`] as its solution around the y axis.
fn problem() -> Problem {
    let plane = manufactured::problem();
    let source = |x: f64, y: f64| manufactured::source([x, y]) - conductivity([x, y]) * gradient([x, y])[0] / x;
    let material = Material { source: Field::function(source).into(), ..plane.material.clone() };
    Problem { geometry: Geometry::Axisymmetric, material, ..plane }
}

fn solutions_have_their_orders(comm: &Rc<Comm>) {
    let found = [8, 16].map(|n| {
        let (model, u, fields) = solve(comm, Grid::untidy(n, n), &problem());
        let [l2, h1] = errors(comm, &model, &u);
        [l2, h1, fields.errors.total]
    });
    for ((coarse, fine), order) in found[0].into_iter().zip(found[1]).zip([2.9, 1.95, 1.95]) {
        assert!((coarse / fine).log2() > order, "{found:?}");
    }
}

fn flows_are_those_around_the_axis_and_those_of_one_rank(comm: &Rc<Comm>) {
    let [here, serial] = [comm.clone(), alone()].map(|comm| solve(&comm, Grid::untidy(9, 9), &problem()).2.flow);
    assert!(here.relative_imbalance < 1e-10, "{here:?}");
    for (a, b) in here.boundaries.iter().zip(&serial.boundaries) {
        assert!((a.flow - b.flow).abs() < 1e-8 && (a.sampled - b.sampled).abs() < 1e-7, "{a:?}, {b:?}");
        assert!((a.flow - a.sampled).abs() < 2e-2 * here.inflow, "{a:?}");
    }
    // Through the side at angle 0, by the midpoint rule.
    let steps = 10_000;
    let at = |i: i32| {
        let x = 1.0 + (f64::from(i) + 0.5) / f64::from(steps);
        -2.0 * PI * x * conductivity([x, 0.0]) * gradient([x, 0.0])[1]
    };
    let exact = (0..steps).map(at).sum::<f64>() / f64::from(steps);
    assert!((here.boundaries[0].flow - exact).abs() < 1e-4 * here.inflow, "{here:?}, {exact}");
}

/// Distributes the mesh of a grid. `side` gives the number of the boundary of an edge.
/// **Collective.**
fn distributed(comm: &Rc<Comm>, grid: Grid, side: &dyn BoundaryRule) -> DistributedMesh {
    let slab = grid.mesh().slab(comm).expect("a mesh");
    let parts = partition(comm, &slab, &PartitionOptions::ranks(comm, Partitioner::Auto)).expect("a partition").parts;
    let names = (0..4).map(|i| format!("side {i}")).collect();
    DistributedMesh::with_rule(comm, slab, &parts, names, side).expect("a good mesh")
}

/// Checks a cylinder whose nodes on the axis have rounding errors.
fn a_boundary_on_the_axis_carries_no_flow_and_holds_no_solution(comm: &Rc<Comm>) {
    check_boundary_on_axis(comm, |s, t| [s + 1e-17, t], 1e-15);
    check_boundary_on_axis(comm, |s, t| [s + 1e-8, t], 1e-7);
}

/// Checks a cylinder that is shifted by rounding errors of double or of single precision, no larger
/// than `shift`.
fn check_boundary_on_axis(comm: &Rc<Comm>, map: fn(f64, f64) -> [f64; 2], shift: f64) {
    let grid = Grid { map, ..Grid::untidy(9, 7) };
    let side = |points: &[[f64; 2]; 3]| {
        let all_at = |axis: usize, c: f64| points.iter().all(|p| (p[axis] - c).abs() < shift);
        let sides = [(0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0)];
        sides.iter().zip(0..).find(|((axis, c), _)| all_at(*axis, *c)).map(|(_, number)| number)
    };
    let mesh = distributed(comm, grid, &side);
    let with = |first: Condition, second: Condition| {
        let conditions = vec![first, second, Condition::Natural, Condition::Natural];
        Problem { geometry: Geometry::Axisymmetric, conditions, ..Problem::channel(0.0) }
    };
    let dirichlet = Condition::Dirichlet(Field::Constant(0.0));
    let problem = with(Condition::Flow(2.0), dirichlet.clone());
    let message = with_uniform_flux(comm, &mesh.mesh, &problem).expect_err("no area").to_string();
    assert!(message.contains("'side 0' lies on the axis") && message.contains("no flow of 2"), "{message}");
    assert!(with_uniform_flux(comm, &mesh.mesh, &with(Condition::Flow(0.0), dirichlet.clone())).is_ok());
    let flow = with_uniform_flux(comm, &mesh.mesh, &with(dirichlet, Condition::Flow(2.0))).expect("an area");
    let Condition::Robin { gamma: Field::Constant(density), .. } = &flow.conditions[1] else { panic!("{flow:?}") };
    assert!((density * 2.0 * PI - 2.0).abs() < 1e-12 + shift, "{density}");
    let robin = || Condition::Robin { p: Field::Constant(1.0), gamma: Field::Constant(1.0) };
    assert!(check_well_posed(&mesh, &with(Condition::Natural, robin())).is_ok());
    assert!(check_well_posed(&mesh, &with(robin(), Condition::Natural)).is_err());
}

fn a_node_beyond_the_axis_is_refused(comm: &Rc<Comm>) {
    let grid = Grid { map: |s, t| [s - 0.3, t], ..Grid::untidy(9, 7) };
    let distributed = distributed(comm, grid, &manufactured::side);
    let message = check_well_posed(&distributed, &problem()).expect_err("a node beyond the axis").to_string();
    assert!(message.contains(": its node ") && message.contains("is the distance from the axis"), "{message}");
    let plane = Problem { geometry: Geometry::Plane, ..problem() };
    assert!(check_well_posed(&distributed, &plane).is_ok());
}
