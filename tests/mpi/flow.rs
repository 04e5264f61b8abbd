//! Flow through the boundary.

use std::rc::Rc;

use quad8_mpi::parallel::Comm;
use quad8_mpi::post::{FlowReport, InterfaceNodes, flow_report};
use quad8_mpi::problem::{Condition, Field, Material, Problem};

use super::manufactured::{self, conductivity, gradient};
use super::meshes::{ANGLE, Grid};
use super::pipeline::{Model, alone};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    what_enters_leaves_again,
    flows_are_those_of_the_exact_solution,
    flows_are_those_of_one_rank,
    two_dirichlet_boundaries_share_their_corner_fairly,
    a_boundary_that_ends_at_a_quarter_point_tip_has_its_flow,
    layers_across_the_flow_conduct_in_series,
    layers_along_the_flow_conduct_in_parallel,
];

/// Solves a problem and returns its flow report. **Collective.**
fn report(comm: &Comm, model: &Model, problem: &Problem) -> FlowReport {
    let (u, _) = model.solve(problem, 1e-13);
    let sides = InterfaceNodes::new(comm, &model.mesh, problem);
    flow_report(comm, &sides, problem, &u).expect("good values")
}

fn sector(comm: &Rc<Comm>, n: usize, levels: u32) -> FlowReport {
    let problem = manufactured::problem();
    let model = Model::new(comm, &Grid::untidy(n, n - 1).mesh(), &manufactured::side, &problem, levels);
    report(comm, &model.expect("a good mesh"), &problem)
}

fn what_enters_leaves_again(comm: &Rc<Comm>) {
    for (n, levels) in [(2, 0), (9, 0), (4, 1)] {
        let flow = sector(comm, n, levels);
        assert!(flow.relative_imbalance < 1e-11 && flow.inflow > 1.0, "{flow:?}");
        let parts = flow.boundaries.iter().map(|b| b.flow).chain([flow.source]);
        assert!((parts.clone().sum::<f64>() - flow.imbalance).abs() < 1e-14);
        assert!((parts.filter(|part| *part > 0.0).sum::<f64>() - flow.inflow).abs() < 1e-14);
    }
}

/// Checks a square whose element at the origin has its middle nodes at a quarter of its edges
/// there, and a Dirichlet boundary that is one of these edges.
fn a_boundary_that_ends_at_a_quarter_point_tip_has_its_flow(comm: &Rc<Comm>) {
    let size = 0.25;
    let mut mesh = Grid { map: |s, t| [s, t], ..Grid::new(4, 4) }.mesh();
    for point in &mut mesh.points {
        let is_at = |x: f64, y: f64| (point[0] - x).hypot(point[1] - y) < 1e-9;
        if is_at(0.5 * size, 0.0) || is_at(0.0, 0.5 * size) {
            *point = point.map(|c| 0.5 * c);
        }
    }
    let sides = move |points: &[[f64; 2]; 3]| {
        let all = |is: &dyn Fn(&[f64; 2]) -> bool| points.iter().all(is);
        let is_tip = all(&|p| p[1].abs() < 1e-9 && p[0] < size + 1e-9);
        if is_tip { Some(0) } else { all(&|p| (p[0] - 1.0).abs() < 1e-9).then_some(1) }
    };
    let conditions = [0.0, 1.0].map(|u| Condition::Dirichlet(Field::Constant(u))).to_vec();
    let problem = Problem { conditions, ..Problem::channel(0.0) };
    let model = Model::new(comm, &mesh, &sides, &problem, 0).expect("a good mesh");
    let flow = report(comm, &model, &problem);
    assert!(flow.inflow > 0.1 && flow.relative_imbalance < 1e-10, "{flow:?}");
}

/// Integrates k grad u . n over a curve, by the midpoint rule.
fn exact(point: impl Fn(f64) -> [f64; 2], normal: impl Fn(f64) -> [f64; 2], length: f64) -> f64 {
    let steps = 10_000;
    let value = |i: i32| {
        let s = (f64::from(i) + 0.5) / f64::from(steps);
        let (slope, n) = (gradient(point(s)), normal(s));
        conductivity(point(s)) * (slope[0] * n[0] + slope[1] * n[1])
    };
    (0..steps).map(value).sum::<f64>() * length / f64::from(steps)
}

fn flows_are_those_of_the_exact_solution(comm: &Rc<Comm>) {
    let direction = |s: f64| [(ANGLE * s).cos(), (ANGLE * s).sin()];
    let inwards = |s: f64| direction(s).map(|c| -c);
    let ray = |angle: f64| move |s: f64| [(1.0 + s) * angle.cos(), (1.0 + s) * angle.sin()];
    let expected = [
        exact(ray(0.0), |_| [0.0, -1.0], 1.0),
        exact(direction, inwards, ANGLE),
        exact(|s| direction(s).map(|c| 2.0 * c), direction, 2.0 * ANGLE),
        exact(ray(ANGLE), |_| [-ANGLE.sin(), ANGLE.cos()], 1.0),
    ];
    let flow = sector(comm, 9, 1);
    for (found, expected) in flow.boundaries.iter().zip(expected) {
        assert!((found.flow - expected).abs() < 5e-5, "{found:?}, {expected}");
        assert!((found.sampled - expected).abs() < 1e-2, "{found:?}, {expected}");
    }
    assert!((flow.source + expected.iter().sum::<f64>()).abs() < 5e-5, "{flow:?}");
    assert_eq!(flow.walls_sampled, 0.0);
}

fn flows_are_those_of_one_rank(comm: &Rc<Comm>) {
    for (n, levels) in [(2, 0), (9, 0), (4, 1)] {
        let (here, serial) = (sector(comm, n, levels), sector(&alone(), n, levels));
        for (a, b) in here.boundaries.iter().zip(&serial.boundaries) {
            assert!((a.flow - b.flow).abs() < 1e-10 && (a.sampled - b.sampled).abs() < 1e-9, "{a:?}, {b:?}");
        }
        assert!((here.source - serial.source).abs() < 1e-13);
    }
}

/// Returns the sides of the unit square: left, right, bottom, top.
fn sides(points: &[[f64; 2]; 3]) -> Option<u16> {
    let all = |axis: usize, value: f64| points.iter().all(|p| (p[axis] - value).abs() < 1e-9);
    [(0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0)].iter().position(|&(axis, value)| all(axis, value)).map(|i| i as u16)
}

fn fixed(value: f64) -> Condition {
    Condition::Dirichlet(Field::Constant(value))
}

fn two_dirichlet_boundaries_share_their_corner_fairly(comm: &Rc<Comm>) {
    // Symmetric to the diagonal: what enters through left and bottom is the same.
    let source = Material { source: Field::Constant(3.0).into(), ..Material::default() };
    let conditions = vec![fixed(0.0), Condition::Natural, fixed(0.0), Condition::Natural];
    let problem = Problem { material: source, conditions, ..Problem::channel(0.0) };
    let mesh = Grid { map: |s, t| [s, t], ..Grid::untidy(6, 6) }.mesh();
    let flow = report(comm, &Model::new(comm, &mesh, &sides, &problem, 0).expect("a good mesh"), &problem);
    let [left, right, bottom, top] = [0, 1, 2, 3].map(|i| flow.boundaries[i].flow);
    assert!((left + 1.5).abs() < 1e-11 && (bottom + 1.5).abs() < 1e-11, "{flow:?}");
    assert_eq!((right, top), (0.0, 0.0));
    assert!((flow.source - 3.0).abs() < 1e-12 && flow.inflow == flow.source);
}

/// Checks the flow from u = 2 at the left side to u = 0 at the right one, where k is 5 in the
/// region that begins at 0.25 along `axis`, and 0.1 before it.
fn layered(comm: &Rc<Comm>, axis: usize) -> FlowReport {
    let mut mesh = Grid { map: |s, t| [s, t], ..Grid::untidy(8, 4) }.mesh();
    mesh.regions = mesh
        .elements
        .iter()
        .map(|nodes| {
            let inside = nodes.iter().map(|&n| mesh.points[n as usize][axis]).sum::<f64>() / 8.0;
            u16::from(inside > 0.25)
        })
        .collect();
    let of = |k: f64| Material { conductivity: Field::Constant(k).into(), ..Material::default() };
    let problem = Problem {
        // What no element has must not matter.
        material: of(1e9),
        regions: vec![of(0.1), of(5.0)],
        conditions: vec![fixed(2.0), fixed(0.0), Condition::Natural, Condition::Natural],
        ..Problem::default()
    };
    report(comm, &Model::new(comm, &mesh, &sides, &problem, 1).expect("a good mesh"), &problem)
}

fn layers_across_the_flow_conduct_in_series(comm: &Rc<Comm>) {
    check_flow(&layered(comm, 0), 2.0 / (0.25 / 0.1 + 0.75 / 5.0));
}

fn layers_along_the_flow_conduct_in_parallel(comm: &Rc<Comm>) {
    check_flow(&layered(comm, 1), 2.0 * (0.25 * 0.1 + 0.75 * 5.0));
}

fn check_flow(report: &FlowReport, expected: f64) {
    for (boundary, flow) in report.boundaries.iter().zip([expected, -expected, 0.0, 0.0]) {
        assert!((boundary.flow - flow).abs() < 1e-10, "{boundary:?}, {flow}");
        assert!((boundary.sampled - flow).abs() < 1e-9, "{boundary:?}, {flow}");
    }
    assert!(report.relative_imbalance < 1e-11);
}
