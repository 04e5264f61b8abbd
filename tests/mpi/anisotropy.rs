//! Conductivities that depend on the direction, against a known solution on curved distorted
//! elements.

use std::rc::Rc;

use quad8_mpi::fem::{self, OperatorKind, PreconditionerKind};
use quad8_mpi::la::Vector;
use quad8_mpi::la::cg::{CgOptions, conjugate_gradient};
use quad8_mpi::parallel::Comm;
use quad8_mpi::post::{DerivedFields, Fluid, derive};
use quad8_mpi::problem::{Condition, Conductivity, Field, Material, Problem};

use super::convergence::errors;
use super::manufactured::{self, gradient};
use super::meshes::{ANGLE, Grid};
use super::pipeline::{Model, alone};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    solutions_and_fluxes_have_their_orders,
    flows_and_estimates_are_those_of_one_rank,
    a_tensor_without_directions_is_a_number,
    a_tensor_that_is_not_positive_definite_is_refused,
];

fn tensor([x, y]: [f64; 2]) -> [f64; 3] {
    [2.0 + 0.3 * x, 0.5 + 0.1 * y, 1.0 + 0.2 * x * y]
}

/// Returns k grad u.
fn flux(point: [f64; 2]) -> [f64; 2] {
    let ([xx, xy, yy], [u_x, u_y]) = (tensor(point), gradient(point));
    [xx * u_x + xy * u_y, xy * u_x + yy * u_y]
}

/// Returns f = -div(k grad u).
fn source([x, y]: [f64; 2]) -> f64 {
    let ([xx, xy, yy], [u_x, u_y]) = (tensor([x, y]), gradient([x, y]));
    let (sin, cos) = (1.3 * x + 0.4).sin_cos();
    let growth = (0.6 * y).exp();
    let [u_xx, u_xy, u_yy] = [-1.69 * sin * growth, 0.78 * cos * growth + 0.2, 0.36 * sin * growth];
    -(0.3 * u_x + 0.1 * u_x + 0.2 * x * u_y + xx * u_xx + 2.0 * xy * u_xy + yy * u_yy)
}

/// Returns the conductivity of three functions.
fn conductivity(k: fn([f64; 2]) -> [f64; 3]) -> Conductivity {
    Conductivity::Tensor(Box::new([0, 1, 2].map(|i| Field::function(move |x, y| k([x, y])[i]).into())))
}

/// Returns the problem whose solution is [`manufactured::u`].
fn problem() -> Problem {
    let normal_flux = |normal: fn([f64; 2]) -> [f64; 2]| {
        let gamma = move |x: f64, y: f64| {
            let (q, n) = (flux([x, y]), normal([x, y]));
            q[0] * n[0] + q[1] * n[1]
        };
        Condition::Robin { p: Field::Constant(0.0), gamma: Field::function(gamma) }
    };
    Problem {
        material: Material {
            conductivity: conductivity(tensor),
            source: Field::function(|x, y| source([x, y])).into(),
        },
        conditions: vec![
            Condition::Dirichlet(Field::function(|x, y| manufactured::u([x, y]))),
            normal_flux(|[x, y]| [-x / x.hypot(y), -y / x.hypot(y)]),
            normal_flux(|[x, y]| [x / x.hypot(y), y / x.hypot(y)]),
            normal_flux(|_| [-ANGLE.sin(), ANGLE.cos()]),
        ],
        ..Problem::default()
    }
}

/// Solves a problem on a grid and returns u with the derived fields. **Collective.**
pub fn solve(comm: &Rc<Comm>, grid: Grid, problem: &Problem) -> (Model, Vector, DerivedFields) {
    let model = Model::new(comm, &grid.mesh(), &manufactured::side, problem, 0).expect("a good mesh");
    let (u, fields) = {
        let system = fem::System::assemble(&model.hierarchy, problem, OperatorKind::Elements).expect("good values");
        let multigrid = system.preconditioner(PreconditionerKind::Multigrid).expect("a hierarchy");
        let mut x = system.zeros();
        let options = CgOptions { rtol: 1e-12, max_iterations: 1000, patience: None };
        conjugate_gradient(system.operator(), &*multigrid, &system.rhs().to_vec(), &mut x, options);
        let solution = system.recover_solution(x);
        let fields = derive(&solution, Fluid { p0: 0.0, density: 1.0 }, true).expect("good values");
        (solution.u, fields)
    };
    (model, u, fields)
}

fn solutions_and_fluxes_have_their_orders(comm: &Rc<Comm>) {
    let found = [8, 16].map(|n| {
        let (model, u, fields) = solve(comm, Grid::untidy(n, n), &problem());
        let [l2, h1] = errors(comm, &model, &u);
        let nodes = fields.flux.expect("a flux").nodes;
        let far = |(q, &point): (&[f64; 2], &[f64; 2])| (q[0] + flux(point)[0]).hypot(q[1] + flux(point)[1]);
        [l2, h1, comm.max(nodes.iter().zip(&model.mesh.coordinates).map(far).fold(0.0, f64::max))]
    });
    for ((coarse, fine), order) in found[0].into_iter().zip(found[1]).zip([2.9, 1.95, 2.2]) {
        assert!((coarse / fine).log2() > order, "{found:?}");
    }
    assert!(found[1][0] < 1.1e-4, "{found:?}");
}

fn flows_and_estimates_are_those_of_one_rank(comm: &Rc<Comm>) {
    let [here, serial] = [comm.clone(), alone()].map(|comm| solve(&comm, Grid::untidy(9, 8), &problem()).2);
    for (a, b) in here.flow.boundaries.iter().zip(&serial.flow.boundaries) {
        assert!((a.flow - b.flow).abs() < 1e-9 && (a.sampled - b.sampled).abs() < 1e-8, "{a:?}, {b:?}");
        assert!((a.flow - a.sampled).abs() < 2e-2 * here.flow.inflow, "{a:?}");
    }
    assert!(here.flow.relative_imbalance < 1e-10, "{:?}", here.flow);
    assert!((here.errors.total / serial.errors.total - 1.0).abs() < 1e-8 && here.errors.relative < 0.02);
}

fn a_tensor_without_directions_is_a_number(comm: &Rc<Comm>) {
    let number = manufactured::problem();
    let conductivity =
        conductivity(|point| [manufactured::conductivity(point), 0.0, manufactured::conductivity(point)]);
    let tensor = Problem { material: Material { conductivity, ..number.material.clone() }, ..number.clone() };
    let [one, other] = [number, tensor].map(|problem| solve(comm, Grid::untidy(7, 6), &problem));
    let near = |a: f64, b: f64| (a - b).abs() < 1e-10;
    assert!(one.1.local().iter().zip(other.1.local()).all(|(&a, &b)| near(a, b)));
    assert!(near(one.2.errors.total, other.2.errors.total));
    for (a, b) in one.2.flow.boundaries.iter().zip(&other.2.flow.boundaries) {
        assert!(near(a.flow, b.flow) && near(a.sampled, b.sampled), "{a:?}, {b:?}");
    }
}

fn a_tensor_that_is_not_positive_definite_is_refused(comm: &Rc<Comm>) {
    let bad = |[x, y]: [f64; 2]| [1.0, if y > 1.0 { 1.5 - x } else { 0.0 }, 0.25];
    let material = Material { conductivity: conductivity(bad), ..Material::default() };
    let problem = Problem { material, ..problem() };
    let mesh = Grid { shuffled: true, ..Grid::new(9, 7) }.mesh();
    let model = Model::new(comm, &mesh, &manufactured::side, &problem, 1).expect("a good mesh");
    let error = fem::System::assemble(&model.hierarchy, &problem, OperatorKind::Elements).err().expect("an error");
    let message = error.to_string();
    assert!(message.contains(": k = [a function, a function, a function] is kxx = 1, kxy = "), "{message}");
    assert!(message.starts_with("element ") && message.ends_with("positive definite: kxx > 0 and kxx kyy > kxy^2"));
    // The same on any number of ranks.
    let alone = alone();
    let model = Model::new(&alone, &mesh, &manufactured::side, &problem, 1).expect("a good mesh");
    let serial = fem::System::assemble(&model.hierarchy, &problem, OperatorKind::Elements).err().expect("an error");
    assert_eq!(message, serial.to_string());
}
