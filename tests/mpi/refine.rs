//! Checks uniform refinement.

use std::collections::HashMap;
use std::rc::Rc;

use quad8_mpi::mesh;
use quad8_mpi::mesh::LocalMesh;
use quad8_mpi::parallel::{Comm, GlobalIndex};
use quad8_mpi::problem::Field;

use super::manufactured::side;
use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, alone, dirichlet, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    counts_follow_the_formula,
    numbers_and_coordinates_do_not_depend_on_the_ranks,
    elements_do_not_depend_on_the_ranks,
    boundary_edges_pass_their_condition_to_their_children,
    two_single_refinements_make_the_points_of_a_double_one,
    refining_too_far_is_an_error_on_every_rank,
    numbers_go_beyond_32_bits,
];

fn cases() -> impl Iterator<Item = (Grid, Mesh, u32)> {
    [(Grid::untidy(2, 1), 3), (Grid::untidy(7, 5), 1), (Grid::untidy(5, 4), 2)]
        .into_iter()
        .map(|(g, k)| (g, g.mesh(), k))
}

fn refined(comm: &Rc<Comm>, mesh: &Mesh, levels: u32) -> Model {
    Model::new(comm, mesh, &everywhere, &dirichlet(Field::Constant(0.0)), levels).expect("a good mesh")
}

fn counts_follow_the_formula(comm: &Rc<Comm>) {
    for (grid, mesh, levels) in cases() {
        let model = refined(comm, &mesh, levels);
        let fine = Grid { n: grid.n << levels, m: grid.m << levels, ..grid };
        assert_eq!(model.mesh.total_elements, (fine.n * fine.m) as GlobalIndex);
        assert_eq!(model.mesh.total_nodes, (fine.nodes() + grid.orphans) as GlobalIndex);
        assert_eq!(model.halo.map().total(), fine.nodes() as GlobalIndex);
        assert_eq!(comm.sum(model.mesh.own_elements as GlobalIndex), model.mesh.total_elements);
        assert_eq!(comm.sum(model.mesh.orphans.len()), grid.orphans);
    }
}

fn numbers_and_coordinates_do_not_depend_on_the_ranks(comm: &Rc<Comm>) {
    for (_, mesh, levels) in cases() {
        let (model, serial) = (refined(comm, &mesh, levels), refined(&alone(), &mesh, levels));
        let coordinates: HashMap<GlobalIndex, [f64; 2]> =
            serial.mesh.node_ids.iter().copied().zip(serial.mesh.coordinates.iter().copied()).collect();
        for (id, point) in model.mesh.node_ids.iter().zip(&model.mesh.coordinates) {
            assert_eq!(coordinates[id], *point, "node {id}");
        }
        // The nodes of the input keep their numbers.
        for (&id, &point) in model.mesh.node_ids.iter().zip(&model.mesh.coordinates) {
            assert!(mesh.points.get(id as usize).is_none_or(|&old| old == point));
        }
        let mut ids = model.mesh.node_ids.clone();
        model.halo.scatter_fwd(&mut ids);
        assert_eq!(ids, model.mesh.node_ids);
    }
}

/// Returns the nodes of every element of a rank, by its number.
fn elements(mesh: &LocalMesh) -> HashMap<GlobalIndex, [GlobalIndex; 8]> {
    (0..mesh.elements.len()).map(|e| (mesh.element_ids[e], mesh.global_nodes(e))).collect()
}

fn elements_do_not_depend_on_the_ranks(comm: &Rc<Comm>) {
    for (_, mesh, levels) in cases() {
        let (model, serial) = (refined(comm, &mesh, levels), refined(&alone(), &mesh, levels));
        let (known, all) = (elements(&model.mesh), elements(&serial.mesh));
        assert_eq!(known.len(), model.mesh.elements.len());
        for (id, nodes) in &known {
            assert_eq!(all[id], *nodes, "element {id}");
            // After one refinement each child keeps a corner of its parent.
            let parent = mesh.oriented(id >> (2 * levels));
            assert!(levels > 1 || nodes.iter().any(|n| parent[..4].contains(n)), "element {id}");
        }
        // No element around an owned node is missing.
        for (id, nodes) in &all {
            let is_near = nodes.iter().any(|n| model.owned_ids().contains(n));
            assert!(known.contains_key(id) || !is_near, "element {id}");
        }
        let own = &model.mesh.element_ids[..model.mesh.own_elements];
        let mut counts = vec![0_u8; all.len()];
        own.iter().for_each(|&id| counts[id as usize] += 1);
        assert!(comm.sum_all(&counts).iter().all(|&n| n == 1));
    }
}

fn boundary_edges_pass_their_condition_to_their_children(comm: &Rc<Comm>) {
    let (grid, levels) = (Grid::untidy(5, 4), 2);
    let mesh = grid.mesh();
    let mut problem = dirichlet(Field::Constant(0.0));
    problem.conditions = vec![problem.conditions[0].clone(); 4];
    let model = Model::new(comm, &mesh, &side, &problem, levels).expect("a good mesh");
    let own = model.mesh.boundary.iter().filter(|edge| (edge.element as usize) < model.mesh.own_elements);
    let mut counts = [0_u64; 4];
    for edge in own {
        counts[edge.boundary as usize] += 1;
        let points = edge.nodes(&model.mesh).map(|n| model.mesh.coordinates[n as usize]);
        // Children of curved edges lie near the circle.
        let r = points[1][0].hypot(points[1][1]);
        let is_there = match edge.boundary {
            0 => points[1][1].abs() < 1e-12,
            1 => (r - 1.0).abs() < 1e-3,
            2 => (r - 2.0).abs() < 2e-3,
            _ => points[1][0] > 0.0 && r > 1.0 && r < 2.0,
        };
        assert!(is_there, "{edge:?} at {points:?}");
    }
    let [n, m] = [grid.n, grid.m].map(|n| (n << levels) as u64);
    assert_eq!(comm.sum_all(&counts), [n, m, m, n]);
    assert!(model.mesh.boundary.is_sorted());
}

/// Returns the points of all owned nodes, sorted, on rank 0. **Collective.**
fn points(comm: &Comm, mesh: &LocalMesh) -> Vec<[f64; 2]> {
    let own = mesh.coordinates[..mesh.owned_nodes].as_flattened().to_vec();
    let mut points: Vec<[f64; 2]> = comm.gather_at_root(own).concat().chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    // The order ignores the last digits.
    let coarse = |p: &[f64; 2]| p.map(|c| (c * 1e8).round() as i64);
    points.sort_by_key(coarse);
    points
}

fn two_single_refinements_make_the_points_of_a_double_one(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(5, 4).mesh();
    let twice = refined(comm, &mesh, 2);
    let once = refined(comm, &mesh, 1);
    let again = mesh::refine(comm, &once.mesh, 1).expect("a good mesh");
    assert_eq!((again.total_nodes, again.total_elements), (twice.mesh.total_nodes, twice.mesh.total_elements));
    let (a, b) = (points(comm, &again), points(comm, &twice.mesh));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert!((a[0] - b[0]).abs() < 1e-13 && (a[1] - b[1]).abs() < 1e-13, "{a:?} and {b:?}");
    }
}

fn refining_too_far_is_an_error_on_every_rank(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(5, 4).mesh();
    for levels in [14, 15, 40, 100] {
        let once = refined(comm, &mesh, 0);
        let error = mesh::refine(comm, &once.mesh, levels).expect_err("an error on every rank");
        assert!(error.to_string().starts_with(&format!("--refine {levels} makes")), "{error}");
    }
}

/// Compares the refined mesh with that of a mesh whose numbers are 2^33 larger.
fn numbers_go_beyond_32_bits(comm: &Rc<Comm>) {
    const FAR: GlobalIndex = 1 << 33;
    let mesh = Grid::untidy(7, 5).mesh();
    let near = refined(comm, &mesh, 0).hierarchy.mesh;
    let mut far = near.clone();
    far.node_ids.iter_mut().chain(&mut far.element_ids).for_each(|id| *id += FAR);
    (far.total_nodes, far.total_elements) = (near.total_nodes + FAR, near.total_elements + FAR);
    let [near_child, far_child] = [&near, &far].map(|mesh| mesh::refine(comm, mesh, 1).expect("a good mesh"));

    // Each edge adds two points, and the inside of each parent five.
    let edges = (far_child.total_nodes - far.total_nodes - 5 * far.total_elements) / 2;
    let first_inside = near.total_nodes + 2 * edges;
    let moved = |&id: &GlobalIndex| if id < first_inside { id + FAR } else { id + 6 * FAR };
    assert_eq!(far_child.node_ids, near_child.node_ids.iter().map(moved).collect::<Vec<_>>());
    assert_eq!(far_child.element_ids, near_child.element_ids.iter().map(|id| id + 4 * FAR).collect::<Vec<_>>());
    assert_eq!((&far_child.elements, &far_child.coordinates), (&near_child.elements, &near_child.coordinates));
    // The halo exchange works with these numbers.
    let mut ids = far_child.node_ids.clone();
    far_child.halo(comm).expect("a consistent halo").scatter_fwd(&mut ids);
    assert_eq!(ids, far_child.node_ids);
}
