//! Independence of the solution from the number of ranks.

use std::rc::Rc;

use quad8_mpi::la::Vector;
use quad8_mpi::la::cg::ConvergedReason;
use quad8_mpi::parallel::Comm;
use quad8_mpi::post::{
    ElementFields, Fluid, InterfaceNodes, NodeFields, element_fields, gauss_velocities, node_fields, recover,
    statistics,
};

use super::manufactured;
use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, alone};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    u_is_that_of_one_rank,
    derived_fields_are_those_of_one_rank,
    derived_fields_at_the_nodes_are_those_of_one_rank,
    a_linear_potential_has_one_velocity_at_all_nodes,
    statistics_are_those_of_one_rank,
];

/// Meshes of few, of many and of refined elements.
fn cases() -> [(Mesh, u32); 3] {
    [(Grid::untidy(2, 1).mesh(), 0), (Grid::untidy(9, 8).mesh(), 0), (Grid::untidy(4, 3).mesh(), 1)]
}

fn model(comm: &Rc<Comm>, mesh: &Mesh, levels: u32) -> Model {
    Model::new(comm, mesh, &manufactured::side, &manufactured::problem(), levels).expect("a good mesh")
}

fn u_is_that_of_one_rank(comm: &Rc<Comm>) {
    for (mesh, levels) in cases() {
        let (model, serial) = (model(comm, &mesh, levels), model(&alone(), &mesh, levels));
        let (u, report) = model.solve(&manufactured::problem(), 1e-13);
        assert_eq!(report.outcome, ConvergedReason::Converged);
        let expected = serial.by_number(serial.solve(&manufactured::problem(), 1e-13).0.owned());
        for (value, &id) in u.local().iter().zip(&model.mesh.node_ids) {
            assert!((value - expected[id as usize]).abs() < 1e-10, "node {id}: {value}, {}", expected[id as usize]);
        }
    }
}

/// Computes the fields of the own elements. **Collective.**
fn fields(model: &Model) -> Vec<ElementFields> {
    let (u, _) = model.solve(&manufactured::problem(), 1e-13);
    element_fields(&model.mesh, &gauss_velocities(&model.mesh, u.local()), FLUID)
}

fn derived_fields_are_those_of_one_rank(comm: &Rc<Comm>) {
    for (mesh, levels) in cases() {
        let (model, serial) = (model(comm, &mesh, levels), model(&alone(), &mesh, levels));
        let (own, all) = (fields(&model), fields(&serial));
        assert_eq!(own.len(), model.mesh.own_elements);
        for (a, id) in own.iter().zip(&model.mesh.element_ids) {
            let b = all[serial.mesh.element_ids.iter().position(|other| other == id).expect("the element on one rank")];
            for axis in 0..2 {
                assert!((a.velocity[axis] - b.velocity[axis]).abs() < 1e-9, "element {id}");
            }
            assert!((a.speed - b.speed).abs() < 1e-9 && a.speed >= a.velocity[0].hypot(a.velocity[1]) - 1e-12);
            assert_eq!(a.pressure, 10.0 - a.speed * a.speed);
        }
    }
}

const FLUID: Fluid = Fluid { p0: 10.0, density: 2.0 };

/// Computes the fields of the local nodes. **Collective.**
fn recovered(model: &Model, u: &Vector) -> Vec<NodeFields> {
    let gauss = gauss_velocities(&model.mesh, u.local());
    let sides = InterfaceNodes::new(model.comm(), &model.mesh, &manufactured::problem());
    node_fields(&recover(&model.halo, &sides, &gauss).into_nodes(), FLUID)
}

fn derived_fields_at_the_nodes_are_those_of_one_rank(comm: &Rc<Comm>) {
    for (mesh, levels) in cases() {
        let (model, serial) = (model(comm, &mesh, levels), model(&alone(), &mesh, levels));
        let at_nodes = |model: &Model| recovered(model, &model.solve(&manufactured::problem(), 1e-13).0);
        let (own, all) = (at_nodes(&model), at_nodes(&serial));
        let component = |c: fn(&NodeFields) -> f64| serial.by_number(&all.iter().map(c).collect::<Vec<_>>());
        let expected = [component(|f| f.velocity[0]), component(|f| f.velocity[1]), component(|f| f.pressure)];
        assert_eq!(own.len(), model.mesh.coordinates.len());
        for (f, &id) in own.iter().zip(&model.mesh.node_ids) {
            for (value, expected) in [f.velocity[0], f.velocity[1], f.pressure].iter().zip(&expected) {
                assert!((value - expected[id as usize]).abs() < 1e-9, "node {id}");
            }
            let [x, y] = f.velocity;
            assert_eq!(f.speed, (x * x + y * y).sqrt());
        }
    }
}

fn a_linear_potential_has_one_velocity_at_all_nodes(comm: &Rc<Comm>) {
    let model = model(comm, &Grid::untidy(6, 5).mesh(), 1);
    let u = model.interpolate(|[x, y]| 0.3 - 3.0 * x + 4.0 * y);
    for f in recovered(&model, &u) {
        assert!((f.velocity[0] - 3.0).abs() < 1e-11 && (f.velocity[1] + 4.0).abs() < 1e-11, "{f:?}");
        assert!((f.speed - 5.0).abs() < 1e-11 && (f.pressure + 15.0).abs() < 1e-10, "{f:?}");
    }
}

fn statistics_are_those_of_one_rank(comm: &Rc<Comm>) {
    for (mesh, levels) in cases() {
        let [a, b] = [comm.clone(), alone()].map(|comm| {
            let (u, _) = model(&comm, &mesh, levels).solve(&manufactured::problem(), 1e-13);
            statistics(&comm, u.owned())
        });
        for (a, b) in [(a.range[0], b.range[0]), (a.range[1], b.range[1]), (a.mean, b.mean), (a.std, b.std)] {
            assert!((a - b).abs() < 1e-10, "{a} and {b}");
        }
    }
}
