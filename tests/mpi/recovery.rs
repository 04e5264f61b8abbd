//! Recovered nodal velocities and the error estimate, against a known solution on curved distorted
//! elements.

use std::f64::consts::PI;
use std::rc::Rc;

use quad8_mpi::la::Vector;
use quad8_mpi::parallel::Comm;
use quad8_mpi::post::{ErrorEstimate, InterfaceNodes, Recovered, estimate_error, gauss_velocities, recover};
use quad8_mpi::problem::{Field, Material, Problem};
use quad8_mpi::quad8::{gradients, map};

use super::convergence::GAUSS_5;
use super::manufactured;
use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, alone, dirichlet, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    a_quadratic_potential_is_recovered_exactly,
    recovered_velocities_are_more_than_second_order_accurate,
    the_estimate_tends_to_the_error,
    a_strip_of_single_elements_has_velocities_too,
    velocities_jump_with_the_conductivity,
    regions_of_one_conductivity_are_recovered_together,
    the_estimate_is_that_of_one_rank,
];

fn model(comm: &Rc<Comm>, grid: Grid) -> Model {
    Model::new(comm, &grid.mesh(), &manufactured::side, &manufactured::problem(), 0).expect("a good mesh")
}

/// Recovers the velocities at all local nodes and estimates the error. **Collective.**
fn recovered(comm: &Comm, model: &Model, u: &Vector) -> (Vec<[f64; 2]>, ErrorEstimate) {
    let problem = manufactured::problem();
    let sides = InterfaceNodes::new(comm, &model.mesh, &problem);
    let (recovered, estimate) = recovered_on(&sides, model, u, &problem);
    (recovered.into_nodes(), estimate)
}

/// Recovers the velocities of u on the sides and estimates the error. **Collective.**
fn recovered_on<'a>(
    sides: &'a InterfaceNodes<'a>,
    model: &Model,
    u: &Vector,
    problem: &Problem,
) -> (Recovered<'a>, ErrorEstimate) {
    let gauss = gauss_velocities(&model.mesh, u.local());
    let recovered = recover(&model.halo, sides, &gauss);
    let estimate = estimate_error(model.comm(), &model.mesh, u.local(), &recovered, problem);
    (recovered, estimate)
}

/// Computes the largest error of the velocities at all nodes. **Collective.**
fn largest_error(comm: &Comm, model: &Model, velocities: &[[f64; 2]], exact: impl Fn([f64; 2]) -> [f64; 2]) -> f64 {
    let errors = velocities.iter().zip(&model.mesh.coordinates).map(|(v, &point)| {
        let g = exact(point);
        (v[0] + g[0]).hypot(v[1] + g[1])
    });
    comm.max(errors.fold(0.0, |largest, e| if e <= largest { largest } else { e }))
}

/// Builds a mesh of equal elements with straight edges.
fn parallelograms(comm: &Rc<Comm>, n: usize, m: usize) -> Model {
    let grid = Grid { map: |s, t| [2.0 * s + 0.5 * t, t - 0.3 * s], shuffled: true, ..Grid::new(n, m) };
    Model::new(comm, &grid.mesh(), &everywhere, &dirichlet(Field::Constant(0.0)), 0).expect("a good mesh")
}

fn a_quadratic_potential_is_recovered_exactly(comm: &Rc<Comm>) {
    // The velocity is linear, also at the boundary.
    let model = parallelograms(comm, 6, 5);
    let u = model.interpolate(|[x, y]| 1.0 - x + x * y + 0.5 * x * x);
    let (velocities, estimate) = recovered(comm, &model, &u);
    let error = largest_error(comm, &model, &velocities, |[x, y]| [y + x - 1.0, x]);
    assert!(error < 1e-11 && estimate.relative < 1e-12, "{error:e}, {estimate:?}");
}

fn recovered_velocities_are_more_than_second_order_accurate(comm: &Rc<Comm>) {
    let errors = [8, 16, 32].map(|n| {
        let model = model(comm, Grid::untidy(n, n));
        let (u, _) = model.solve(&manufactured::problem(), 1e-13);
        largest_error(comm, &model, &recovered(comm, &model, &u).0, manufactured::gradient)
    });
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!(order > 2.3, "order {order} of the largest error, {errors:?}");
    }
}

/// Computes the energy norm of the error. **Collective.**
fn true_error(comm: &Comm, model: &Model, u: &Vector) -> f64 {
    let mut square = 0.0;
    for e in 0..model.mesh.own_elements {
        let coordinates = model.mesh.element_coordinates(e);
        for (xi, a) in GAUSS_5 {
            for (eta, b) in GAUSS_5 {
                let at = gradients(&coordinates, xi, eta);
                let point = map(&coordinates, xi, eta);
                let mut error = manufactured::gradient(point);
                for (g, &node) in at.gradients.iter().zip(&model.mesh.elements[e]) {
                    error[0] -= g[0] * u.local()[node as usize];
                    error[1] -= g[1] * u.local()[node as usize];
                }
                let k = manufactured::conductivity(point);
                square += a * b * at.determinant * k * (error[0] * error[0] + error[1] * error[1]);
            }
        }
    }
    comm.sum(square).sqrt()
}

fn the_estimate_tends_to_the_error(comm: &Rc<Comm>) {
    // Effectivity index, and its largest distance from 1.
    for (n, far) in [(8, 0.02), (16, 0.005), (32, 0.001)] {
        let model = model(comm, Grid::untidy(n, n));
        let (u, _) = model.solve(&manufactured::problem(), 1e-13);
        let (_, estimate) = recovered(comm, &model, &u);
        let index = estimate.total / true_error(comm, &model, &u);
        assert!((index - 1.0).abs() < far, "{index} on {n} x {n} elements");
        let sum = comm.sum(estimate.elements.iter().map(|e| e * e).sum::<f64>()).sqrt();
        assert!((sum / estimate.total - 1.0).abs() < 1e-12 && estimate.relative < 0.02);
    }
}

fn a_strip_of_single_elements_has_velocities_too(comm: &Rc<Comm>) {
    // No patch is complete.
    let model = parallelograms(comm, 10, 1);
    let u = model.interpolate(|[x, y]| 2.0 - x + 3.0 * y);
    let error = largest_error(comm, &model, &recovered(comm, &model, &u).0, |_| [-1.0, 3.0]);
    assert!(error < 1e-11, "{error:e}");
}

fn the_estimate_is_that_of_one_rank(comm: &Rc<Comm>) {
    let [all, one] = [comm.clone(), alone()].map(|comm| {
        let model = model(&comm, Grid::untidy(9, 7));
        let (u, _) = model.solve(&manufactured::problem(), 1e-13);
        recovered(&comm, &model, &u).1
    });
    assert!((all.total / one.total - 1.0).abs() < 1e-9 && (all.relative / one.relative - 1.0).abs() < 1e-9);
}

/// Builds a mesh of straight edges with two regions that meet where coordinate `axis` is 1/2.
fn two_regions(map: fn(f64, f64) -> [f64; 2], axis: usize) -> Mesh {
    let mut mesh = Grid { map, curved: false, shuffled: true, ..Grid::new(12, 12) }.mesh();
    let middle = |nodes: &[i64; 8]| nodes.iter().map(|&n| mesh.points[n as usize][axis]).sum::<f64>() / 8.0;
    mesh.regions = mesh.elements.iter().map(|nodes| u16::from(middle(nodes) > 0.5)).collect();
    mesh
}

/// Distorts a mesh except on the line s = 1/2.
fn distorted(s: f64, t: f64) -> [f64; 2] {
    [s + 0.06 * (2.0 * PI * s).sin() * (3.0 * t).cos(), t + 0.3 * s * s + 0.1 * (3.0 * s).sin() * t]
}

fn layers(k: [f64; 2], g: Field) -> Problem {
    let material = |k| Material { conductivity: Field::Constant(k).into(), ..Material::default() };
    Problem { regions: k.map(material).to_vec(), ..dirichlet(g) }
}

/// The flux across two layers is continuous, so that the slopes of u have the inverse ratio of the
/// conductivities; along the layers u has one slope.
fn velocities_jump_with_the_conductivity(comm: &Rc<Comm>) {
    let across: fn(f64, f64) -> [f64; 2] = distorted;
    let along: fn(f64, f64) -> [f64; 2] = |s, t| {
        let [y, x] = distorted(t, s);
        [x, y]
    };
    for (map, axis) in [(across, 0), (along, 1)] {
        let slopes = [2e-3, 2.0];
        let exact = move |point: [f64; 2]| {
            let s = point[axis] - 0.5;
            slopes[usize::from(s > 0.0)] * s + 0.7 * point[1 - axis]
        };
        let problem = layers([1000.0, 1.0], Field::function(move |x, y| exact([x, y])));
        let model = Model::new(comm, &two_regions(map, axis), &everywhere, &problem, 0).expect("a good mesh");
        let u = model.interpolate(exact);
        let sides = InterfaceNodes::new(comm, &model.mesh, &problem);
        let (recovered, estimate) = recovered_on(&sides, &model, &u, &problem);
        let velocity = |region: usize| {
            let mut v = [-0.7; 2];
            v[axis] = -slopes[region];
            v
        };
        for (sides, &region) in recovered.sides().iter().zip(&model.mesh.regions) {
            for &side in sides {
                let (found, expected) = (recovered.values()[side as usize], velocity(usize::from(region)));
                assert!((0..2).all(|i| (found[i] - expected[i]).abs() < 1e-10), "{found:?} instead of {expected:?}");
            }
        }
        assert!(estimate.relative < 1e-10, "{estimate:?}");

        // A node between the layers has equally many elements on both sides.
        let mean = 0.5 * (velocity(0)[axis] + velocity(1)[axis]);
        for (v, point) in recovered.into_nodes().iter().zip(&model.mesh.coordinates) {
            let s = point[axis] - 0.5;
            let expected = if s.abs() < 1e-12 { mean } else { velocity(usize::from(s > 0.0))[axis] };
            assert!((v[axis] - expected).abs() < 1e-10, "{v:?} at {point:?}");
        }
    }
}

fn regions_of_one_conductivity_are_recovered_together(comm: &Rc<Comm>) {
    let problem = |regions| Problem { regions, ..dirichlet(Field::Constant(0.0)) };
    let mesh = two_regions(distorted, 0);
    let model = Model::new(comm, &mesh, &everywhere, &problem(Vec::new()), 0).expect("a good mesh");
    let u = model.interpolate(|[x, y]| (3.0 * x).sin() * (2.0 * y).cosh());
    let [alike, none] = [vec![Material::default(); 2], Vec::new()].map(|regions| {
        let problem = problem(regions);
        let sides = InterfaceNodes::new(comm, &model.mesh, &problem);
        recovered_on(&sides, &model, &u, &problem).0.into_nodes()
    });
    assert_eq!(alike, none);
}
