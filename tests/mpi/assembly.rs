//! Assembly of the system.

use std::rc::Rc;

use quad8_mpi::fem::{ElementMatrices, ElementOperator, load_vector};
use quad8_mpi::la::matrix::DistributedCsr;
use quad8_mpi::la::{LinearOperator, MatrixEntries, Vector};
use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::{Condition, Field, Material, Problem};

use super::manufactured;
use super::meshes::Grid;
use super::pipeline::{Model, System, alone, dirichlet, distance, dot, everywhere, times};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    rows_are_those_of_one_rank,
    loads_and_fixed_values_are_those_of_one_rank,
    the_matrix_is_symmetric_before_and_after_elimination,
    the_element_operator_is_the_eliminated_matrix,
    the_diagonal_is_that_of_the_matrix,
    integrals_of_one_are_area_and_perimeter,
    linear_fields_cause_no_inner_force_and_are_reproduced,
    where_two_conditions_meet_the_lower_number_holds,
];

fn model(comm: &Rc<Comm>) -> Model {
    let mesh = Grid::untidy(6, 5).mesh();
    Model::new(comm, &mesh, &manufactured::side, &manufactured::problem(), 0).expect("a good mesh")
}

/// Computes the owned rows of the matrix by products with unit vectors: one row for each owned
/// node, by number of the column. **Collective.**
fn rows(model: &Model, matrix: &DistributedCsr) -> Vec<Vec<f64>> {
    let total = model.mesh.total_nodes;
    let mut rows = vec![vec![0.0; total as usize]; model.mesh.owned_nodes];
    for column in 0..total {
        let mut unit = Vector::zeros(model.halo.map());
        if let Some(node) = model.owned_ids().iter().position(|&id| id == column) {
            unit.owned_mut()[node] = 1.0;
        }
        for (row, &value) in rows.iter_mut().zip(times(matrix, &unit).owned()) {
            row[column as usize] = value;
        }
    }
    rows
}

fn rows_are_those_of_one_rank(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let (model, serial) = (model(comm), model(&alone()));
    let before = [model.assemble(&problem).0, serial.assemble(&problem).0];
    let after = [model.system(&problem).matrix, serial.system(&problem).matrix];
    for [matrix, alone] in [before, after] {
        assert_eq!(comm.sum(matrix.entries()), alone.entries());
        let expected = rows(&serial, &alone);
        for (row, id) in rows(&model, &matrix).iter().zip(model.owned_ids()) {
            let same = serial.owned_ids().iter().position(|other| other == id).expect("the node on one rank");
            for (column, (a, b)) in row.iter().zip(&expected[same]).enumerate() {
                assert!((a - b).abs() < 1e-12, "row {id}, column {column}: {a} and {b}");
            }
        }
    }
}

fn loads_and_fixed_values_are_those_of_one_rank(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let (model, serial) = (model(comm), model(&alone()));
    let (distributed, alone) = (model.system(&problem), serial.system(&problem));
    let loads = [model.assemble(&problem).1, distributed.b];
    for (load, alone) in loads.iter().zip([serial.assemble(&problem).1, alone.b]) {
        let expected = serial.by_number(&alone);
        for (value, &id) in load.iter().zip(model.owned_ids()) {
            assert!((value - expected[id as usize]).abs() < 1e-12, "node {id}");
        }
    }
    // Ghosts have the values of their owners.
    let expected = serial.by_number(&alone.fixed.values());
    let (fixed, values) = (distributed.fixed.fixed(), distributed.fixed.values());
    for (node, &id) in model.mesh.node_ids.iter().enumerate() {
        let is_fixed = manufactured::side(&[model.mesh.coordinates[node]; 3]) == Some(manufactured::DIRICHLET);
        assert_eq!((fixed[node], values[node]), (is_fixed, expected[id as usize]));
    }
}

fn the_matrix_is_symmetric_before_and_after_elimination(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let model = model(comm);
    let x = model.interpolate(|[x, y]| (31.0 * x + 17.0 * y).sin());
    let y = model.interpolate(|[x, y]| (23.0 * x - 41.0 * y).cos());
    for matrix in [model.assemble(&problem).0, model.system(&problem).matrix] {
        let (ax, ay) = (times(&matrix, &x), times(&matrix, &y));
        let [xay, yax] = [dot(comm, x.owned(), ay.owned()), dot(comm, y.owned(), ax.owned())];
        assert!((xay - yax).abs() < 1e-12 * dot(comm, x.owned(), ax.owned()), "{xay} and {yax}");
    }
}

fn the_element_operator_is_the_eliminated_matrix(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let model = model(comm);
    let System { matrix, b, fixed } = model.system(&problem);
    let elements = ElementMatrices::new(&model.mesh, &problem).expect("proper elements");
    let operator = ElementOperator::new(&model.halo, &model.mesh, &elements, fixed.nodes());
    let mut load = load_vector(&model.mesh, &problem).expect("good values");
    operator.eliminate(&fixed.values(), &mut load);
    assert!(distance(comm, &load, &b) < 1e-12);
    assert!(distance(comm, &operator.diagonal(), &matrix.diagonal()) < 1e-12);
    let mut x = model.interpolate(|[x, y]| (31.0 * x + 17.0 * y).sin());
    let before = x.owned().to_vec();
    let expected = times(&matrix, &x);
    let mut y = Vector::zeros(model.halo.map());
    operator.apply(&mut x, &mut y);
    assert!(distance(comm, y.owned(), expected.owned()) < 1e-12);
    assert_eq!(x.owned(), before);
}

fn the_diagonal_is_that_of_the_matrix(comm: &Rc<Comm>) {
    let model = model(comm);
    let matrix = model.system(&manufactured::problem()).matrix;
    let rows = rows(&model, &matrix);
    let expected: Vec<f64> = model.owned_ids().iter().zip(&rows).map(|(&id, row)| row[id as usize]).collect();
    assert_eq!(matrix.diagonal(), expected);
}

fn integrals_of_one_are_area_and_perimeter(comm: &Rc<Comm>) {
    let mesh = Grid::rough(7, 6).mesh();
    let one = Field::Constant(1.0);
    let robin = |gamma: f64| Condition::Robin { p: one.clone(), gamma: Field::Constant(gamma) };
    let problem = |source: f64, gamma: f64| Problem {
        material: Material { conductivity: one.clone().into(), source: Field::Constant(source).into() },
        conditions: vec![robin(gamma)],
        ..Problem::channel(0.0)
    };
    let model = Model::new(comm, &mesh, &everywhere, &problem(0.0, 0.0), 0).expect("a good mesh");
    let total = |load: &[f64]| comm.sum(load.iter().sum::<f64>());
    assert!((total(&model.assemble(&problem(1.0, 0.0)).1) - 1.0).abs() < 1e-13);
    assert!((total(&model.assemble(&problem(0.0, 1.0)).1) - 4.0).abs() < 1e-13);
    let ones = model.interpolate(|_| 1.0);
    let matrix = model.assemble(&problem(0.0, 0.0)).0;
    assert!((total(times(&matrix, &ones).owned()) - 4.0).abs() < 1e-12);
}

fn linear_fields_cause_no_inner_force_and_are_reproduced(comm: &Rc<Comm>) {
    let linear = |[x, y]: [f64; 2]| 0.3 + 1.7 * x - 0.9 * y;
    let problem = dirichlet(Field::function(move |x, y| linear([x, y])));
    for mesh in [Grid::rough(8, 7).mesh(), Grid::untidy(8, 7).mesh()] {
        let model = Model::new(comm, &mesh, &everywhere, &problem, 0).expect("a good mesh");
        let exact = model.interpolate(linear);
        let is_fixed = model.system(&problem).fixed.fixed();
        let force = times(&model.assemble(&problem).0, &exact);
        for (node, force) in force.owned().iter().enumerate() {
            assert!(is_fixed[node] || force.abs() < 1e-13, "{force} at node {}", model.mesh.node_ids[node]);
        }
        let (u, _) = model.solve(&problem, 1e-14);
        assert!(distance(comm, u.local(), exact.local()) < 1e-12);
    }
}

fn where_two_conditions_meet_the_lower_number_holds(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(6, 5).mesh();
    let value = |g: f64| Condition::Dirichlet(Field::Constant(g));
    let problem = Problem { conditions: [10.0, 11.0, 12.0, 13.0].map(value).to_vec(), ..Problem::channel(0.0) };
    let model = Model::new(comm, &mesh, &manufactured::side, &problem, 1).expect("a good mesh");
    let fixed = model.system(&problem).fixed;
    let (is_fixed, values) = (fixed.fixed(), fixed.values());
    let mut corners = 0;
    for (node, [x, y]) in model.mesh.coordinates[..model.mesh.owned_nodes].iter().enumerate() {
        let is_at = |r: f64, angle: f64| (x - r * angle.cos()).hypot(y - r * angle.sin()) < 1e-12;
        for (r, angle, expected) in [(1.0, 0.0, 10.0), (2.0, 0.0, 10.0), (1.0, 1.2, 11.0), (2.0, 1.2, 12.0)] {
            if is_at(r, angle) {
                assert!(is_fixed[node] && values[node] == expected);
                corners += 1;
            }
        }
    }
    assert_eq!(comm.sum(corners), 4);
    let mut of_owners = values.clone();
    model.halo.scatter_fwd(&mut of_owners);
    assert_eq!(of_owners, values);
}
