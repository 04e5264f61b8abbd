//! Checks that meshes without a solution are refused on every rank, in words that do not depend on
//! the number of ranks.

use std::rc::Rc;

use quad8_mpi::mesh::{BoundaryRule, LeftToRight};
use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::{Field, Problem};
use quad8_mpi::{Error, ExitCode};

use super::meshes::{Grid, Mesh, square};
use super::pipeline::{Model, alone, dirichlet, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    a_mesh_without_elements_is_refused,
    a_node_out_of_range_is_refused,
    a_repeated_node_is_refused,
    a_coordinate_that_is_not_finite_is_refused,
    a_folded_element_is_refused,
    an_edge_of_three_elements_is_refused,
    an_edge_of_three_elements_is_refused_in_any_order,
    an_edge_with_two_middles_is_refused,
    a_middle_that_is_a_corner_elsewhere_is_refused,
    an_ill_posed_piece_is_refused,
    a_boundary_without_inlet_is_refused,
];

/// Returns the error, which must be the same on every rank.
fn refusal(comm: &Rc<Comm>, mesh: &Mesh, rule: &dyn BoundaryRule, problem: &Problem) -> Error {
    let error = Model::new(comm, mesh, rule, problem, 0).err().expect("an error on every rank");
    assert_eq!(error.exit_code(), ExitCode::Input);
    let messages = comm.all_gather_strings(&error.to_string());
    assert!(messages.iter().all(|m| *m == messages[0]), "{messages:#?}");
    error
}

/// Checks that the error begins with `beginning` and is the same on one rank.
fn expect(comm: &Rc<Comm>, mesh: &Mesh, rule: &dyn BoundaryRule, beginning: &str) {
    let problem = dirichlet(Field::Constant(0.0));
    let message = refusal(comm, mesh, rule, &problem).to_string();
    assert!(message.starts_with(beginning), "{message}");
    assert_eq!(message, refusal(&alone(), mesh, rule, &problem).to_string());
}

fn good() -> Mesh {
    Grid { clockwise: false, ..Grid::untidy(7, 6) }.mesh()
}

fn lowest_element_of(mesh: &Mesh, nodes: &[i64]) -> usize {
    let has = |element: &[i64; 8]| nodes.iter().all(|n| element.contains(n));
    mesh.elements.iter().position(has).expect("an element with these nodes")
}

/// Returns an element without boundary edges.
fn inner_element(mesh: &Mesh) -> usize {
    let valences = mesh.valences();
    let is_inner = |nodes: &[i64; 8]| nodes[4..].iter().all(|&m| valences[m as usize] == 2);
    mesh.elements.iter().position(is_inner).expect("an element inside")
}

fn a_mesh_without_elements_is_refused(comm: &Rc<Comm>) {
    let mesh = Mesh { elements: Vec::new(), ..good() };
    expect(comm, &mesh, &everywhere, "the mesh has no elements");
}

fn a_node_out_of_range_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    mesh.elements[30][5] = mesh.points.len() as i64;
    mesh.elements[11][2] = -1;
    expect(comm, &mesh, &everywhere, "element 11: node -1 is out of range");
}

fn a_repeated_node_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    let node = mesh.elements[23][1];
    mesh.elements[23][6] = node;
    expect(comm, &mesh, &everywhere, &format!("element 23: node {node} occurs twice"));
}

fn a_coordinate_that_is_not_finite_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    let node = mesh.elements[35][2];
    mesh.points[node as usize][1] = f64::NAN;
    let element = lowest_element_of(&mesh, &[node]);
    expect(comm, &mesh, &everywhere, &format!("element {element}: the coordinates"));
}

fn a_folded_element_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    let [a, c] = [0, 2].map(|i| mesh.elements[17][i]);
    mesh.points[a as usize] = mesh.points[c as usize];
    let element = lowest_element_of(&mesh, &[a]);
    expect(comm, &mesh, &everywhere, &format!("element {element}: the Jacobian determinant is"));
}

fn an_edge_of_three_elements_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    let [_, b, c, _, _, middle, _, _] = mesh.elements[inner_element(&mesh)];
    // The neighbour on this edge has it as c-b. A third element is added there.
    let [p, q] = [b, c].map(|n| mesh.points[n as usize]);
    let [dx, dy] = [p[0] - q[0], p[1] - q[1]];
    let map = |[xi, eta]: [f64; 2]| {
        let (s, t) = (0.5 * (xi + 1.0), 0.5 * (eta + 1.0));
        [q[0] + t * dx + s * dy, q[1] + t * dy - s * dx]
    };
    mesh.add(&[(0, c), (7, middle), (3, b)], map);
    let element = lowest_element_of(&mesh, &[middle]);
    expect(comm, &mesh, &everywhere, &format!("element {element}: its edge from node"));
}

fn an_edge_of_three_elements_is_refused_in_any_order(comm: &Rc<Comm>) {
    // Elements 1 and 3 coincide, left of element 2; element 0 is right of it.
    let mut mesh = Mesh::default();
    mesh.add(&[], square([1.0, 0.0]));
    mesh.add(&[], square([0.0, 0.0]));
    let [[a, _, _, d, _, _, _, h], [_, b, c, _, _, f, _, _]] = [mesh.elements[0], mesh.elements[1]];
    mesh.add(&[(0, b), (7, f), (3, c), (1, a), (5, h), (2, d)], square([0.5, 0.0]));
    mesh.add(&[(1, b), (5, f), (2, c)], square([0.0, 0.0]));
    expect(comm, &mesh, &everywhere, &format!("element 1: its edge from node {b} to node {c} belongs to 3"));
}

fn an_edge_with_two_middles_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    let element = inner_element(&mesh);
    let [_, b, c, _, _, middle, _, _] = mesh.elements[element];
    mesh.points.push(mesh.points[middle as usize]);
    mesh.elements[element][5] = mesh.points.len() as i64 - 1;
    let element = lowest_element_of(&mesh, &[b, c]);
    expect(comm, &mesh, &everywhere, &format!("element {element}: its edge from node"));
}

fn a_middle_that_is_a_corner_elsewhere_is_refused(comm: &Rc<Comm>) {
    let mut mesh = Grid::rough(6, 5).mesh();
    // A square is added on top of the domain, with a corner at the middle of an edge.
    let is_top = |&n: &i64| mesh.points[n as usize][1] == 1.0;
    let middle = *mesh.elements.iter().flat_map(|nodes| &nodes[4..]).find(|n| is_top(n)).expect("a middle on top");
    mesh.add(&[(0, middle)], square(mesh.points[middle as usize]));
    let element = lowest_element_of(&mesh, &[middle]);
    expect(comm, &mesh, &everywhere, &format!("element {element}: node {middle} is the middle"));
}

fn an_ill_posed_piece_is_refused(comm: &Rc<Comm>) {
    let mut mesh = good();
    let far_left = |points: &[[f64; 2]; 3]| points.iter().all(|p| p[0] < 5.0).then_some(0);
    let lowest = mesh.elements.len();
    mesh.add(&[], square([20.0, 0.0]));
    // Two squares that share a node form one piece.
    let corner = mesh.elements[lowest][2];
    mesh.add(&[(0, corner)], square([20.5, 0.5]));
    expect(comm, &mesh, &far_left, &format!("the piece of the domain that holds element {lowest} touches no"));

    let held = |points: &[[f64; 2]; 3]| (far_left(points).is_some() || points[1][0] > 20.6).then_some(0);
    Model::new(comm, &mesh, &held, &dirichlet(Field::Constant(0.0)), 0).expect("pieces that are all held");
}

fn a_boundary_without_inlet_is_refused(comm: &Rc<Comm>) {
    expect(comm, &good(), &LeftToRight, "no inlet found");
}
