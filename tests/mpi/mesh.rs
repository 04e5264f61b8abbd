//! Checks partitioning and distribution.

use std::rc::Rc;

use quad8_mpi::mesh::Channel;
use quad8_mpi::parallel::{Comm, GlobalIndex};
use quad8_mpi::problem::Field;
use quad8_mpi::quad8::{NODES, gradients, is_valid};

use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, alone, dirichlet, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    no_rank_is_without_elements_where_they_suffice,
    the_edge_cut_counts_the_neighbours_on_different_ranks,
    every_element_has_one_owner,
    every_used_node_has_one_owner_and_the_others_are_orphans,
    elements_keep_their_nodes_and_coordinates,
    every_element_around_an_owned_node_is_present,
    clockwise_elements_are_reoriented_and_counted,
    ghosts_are_grouped_by_owner_and_ascend,
    every_boundary_edge_is_found,
    a_channel_does_not_depend_on_the_ranks,
];

/// Returns meshes of fewer elements than ranks and of many.
fn cases() -> impl Iterator<Item = (Grid, Mesh)> {
    [Grid::untidy(2, 1), Grid::untidy(9, 7), Grid::rough(12, 5), Grid::new(20, 1)].into_iter().map(|g| (g, g.mesh()))
}

fn model(comm: &Rc<Comm>, mesh: &Mesh) -> Model {
    Model::new(comm, mesh, &everywhere, &dirichlet(Field::Constant(0.0)), 0).expect("a good mesh")
}

/// Returns how often each number below `total` is listed over all ranks. **Collective.**
fn occurrences(comm: &Comm, total: usize, listed: impl Iterator<Item = GlobalIndex>) -> Vec<u64> {
    let mut counts = vec![0; total];
    listed.for_each(|i| counts[i as usize] += 1);
    comm.sum_all(&counts)
}

/// Returns the owner of every element. **Collective.**
fn owners(comm: &Comm, total: usize, model: &Model) -> Vec<u64> {
    let mut owners = vec![0; total];
    for &id in &model.mesh.element_ids[..model.mesh.own_elements] {
        owners[id as usize] = comm.rank() as u64;
    }
    comm.sum_all(&owners)
}

fn no_rank_is_without_elements_where_they_suffice(comm: &Rc<Comm>) {
    for (_, mesh) in cases() {
        let own = model(comm, &mesh).mesh.own_elements as u64;
        let expected = mesh.elements.len() >= comm.size();
        assert_eq!(comm.min(own) > 0, expected, "{} elements on {} ranks", mesh.elements.len(), comm.size());
    }
}

fn the_edge_cut_counts_the_neighbours_on_different_ranks(comm: &Rc<Comm>) {
    for (grid, mesh) in cases() {
        let model = model(comm, &mesh);
        let owners = owners(comm, mesh.elements.len(), &model);
        // Neighbours share a middle node.
        let mut first = vec![None; mesh.points.len()];
        let (mut pairs, mut cut) = (0, 0);
        for (nodes, owner) in mesh.elements.iter().zip(owners) {
            for &middle in &nodes[4..] {
                if let Some(other) = first[middle as usize].replace(owner) {
                    pairs += 1;
                    cut += u64::from(owner != other);
                }
            }
        }
        assert_eq!(pairs, 4 * grid.n * grid.m - grid.edges());
        assert_eq!(model.partition.edge_cut, Some(cut));
    }
}

fn every_element_has_one_owner(comm: &Rc<Comm>) {
    for (_, mesh) in cases() {
        let local = model(comm, &mesh).hierarchy.mesh;
        let (own, ghosts) = local.element_ids.split_at(local.own_elements);
        assert!(occurrences(comm, mesh.elements.len(), own.iter().copied()).iter().all(|&n| n == 1));
        assert_eq!(local.total_elements, mesh.elements.len() as GlobalIndex);
        let is_own = |owner: u32| owner as usize == comm.rank();
        assert_eq!(local.element_owners.len(), local.elements.len());
        assert!(local.element_owners.iter().take(local.own_elements).all(is_own));
        assert!(!local.element_owners.iter().skip(local.own_elements).any(is_own));
        assert!(ghosts.iter().all(|id| !own.contains(id)));
    }
}

fn every_used_node_has_one_owner_and_the_others_are_orphans(comm: &Rc<Comm>) {
    for (grid, mesh) in cases() {
        let model = model(comm, &mesh);
        let local = &model.mesh;
        let mut expected = vec![1; mesh.points.len()];
        mesh.orphans.iter().for_each(|&n| expected[n as usize] = 0);
        assert_eq!(occurrences(comm, mesh.points.len(), model.owned_ids().iter().copied()), expected);
        let orphans = occurrences(comm, mesh.points.len(), local.orphans.iter().map(|o| o.0));
        assert!(orphans.iter().zip(&expected).all(|(orphan, used)| orphan + used == 1));
        assert!(local.orphans.iter().all(|&(n, point)| mesh.points[n as usize] == point));
        assert_eq!(local.total_nodes, mesh.points.len() as GlobalIndex);
        assert_eq!(model.halo.map().total(), grid.nodes() as GlobalIndex);
        // The elements of the owner touch the node.
        let own = local.elements[..local.own_elements].as_flattened();
        assert!((0..local.owned_nodes).all(|n| own.contains(&(n as u32))));
    }
}

fn elements_keep_their_nodes_and_coordinates(comm: &Rc<Comm>) {
    for (_, mesh) in cases() {
        let local = model(comm, &mesh).hierarchy.mesh;
        for (e, &id) in local.element_ids.iter().enumerate() {
            assert_eq!(local.global_nodes(e), mesh.oriented(id));
        }
        for (&id, &point) in local.node_ids.iter().zip(&local.coordinates) {
            assert_eq!(mesh.points[id as usize], point);
        }
    }
}

fn every_element_around_an_owned_node_is_present(comm: &Rc<Comm>) {
    for (_, mesh) in cases() {
        let local = model(comm, &mesh).hierarchy.mesh;
        let valences = mesh.valences();
        let mut around = vec![0; local.owned_nodes];
        for &node in local.elements.iter().flatten() {
            if let Some(count) = around.get_mut(node as usize) {
                *count += 1;
            }
        }
        for (count, &id) in around.into_iter().zip(&local.node_ids) {
            assert_eq!(count, valences[id as usize], "node {id}");
        }
        // Other elements are present only if they touch an owned node.
        for nodes in &local.elements[local.own_elements..] {
            assert!(nodes.iter().any(|&n| (n as usize) < local.owned_nodes));
        }
    }
}

fn clockwise_elements_are_reoriented_and_counted(comm: &Rc<Comm>) {
    for (_, mesh) in cases() {
        let model = model(comm, &mesh);
        assert_eq!(model.reoriented, mesh.clockwise);
        for e in 0..model.mesh.elements.len() {
            for [xi, eta] in NODES {
                assert!(is_valid(gradients(&model.mesh.element_coordinates(e), xi, eta).determinant));
            }
        }
    }
}

fn ghosts_are_grouped_by_owner_and_ascend(comm: &Rc<Comm>) {
    for (_, mesh) in cases() {
        let model = model(comm, &mesh);
        let local = &model.mesh;
        let keys: Vec<_> =
            local.node_owners.iter().zip(local.node_ids.iter().copied()).skip(local.owned_nodes).collect();
        assert!(keys.is_sorted() && keys.iter().all(|&(owner, _)| owner as usize != comm.rank()));
        let mut ids = local.node_ids.clone();
        model.halo.scatter_fwd(&mut ids);
        assert_eq!(ids, local.node_ids);
    }
}

fn every_boundary_edge_is_found(comm: &Rc<Comm>) {
    for (grid, mesh) in cases() {
        let (model, serial) = (model(comm, &mesh), model(&alone(), &mesh));
        let edge = |model: &Model, i: usize| {
            let edge = &model.mesh.boundary[i];
            (model.mesh.element_ids[edge.element as usize], edge.side, edge.boundary)
        };
        let all: Vec<_> = (0..serial.mesh.boundary.len()).map(|i| edge(&serial, i)).collect();
        assert_eq!(all.len(), 2 * (grid.n + grid.m));
        let found: Vec<_> = (0..model.mesh.boundary.len()).map(|i| edge(&model, i)).collect();
        assert!(found.iter().all(|edge| all.contains(edge)));
        // Each rank has the edges around its nodes.
        for (i, edge) in all.iter().enumerate() {
            let nodes = serial.mesh.boundary[i].nodes(&serial.mesh).map(|n| serial.mesh.node_ids[n as usize]);
            let is_near = nodes.iter().any(|n| model.owned_ids().contains(n));
            assert_eq!(found.contains(edge), is_near, "{edge:?}");
        }
        assert!(model.mesh.boundary.is_sorted());
    }
}

fn a_channel_does_not_depend_on_the_ranks(comm: &Rc<Comm>) {
    for (name, ..) in Channel::list() {
        let mut channel = Channel::find(name).expect("a channel");
        channel.set([("nodes", 500.0)]).expect("a good size");
        let [part, whole] = [comm, &alone()].map(|comm| channel.read(comm).expect("a good mesh"));
        let own = |blocks: quad8_mpi::parallel::BlockDistribution| {
            let range = blocks.range(comm.rank());
            range.start as usize..range.end as usize
        };
        assert_eq!(part.coordinates, whole.coordinates[own(part.nodes)]);
        assert_eq!(part.connectivity, whole.connectivity[own(part.elements)]);
        assert!(part.tags.edges.iter().all(|edge| whole.tags.edges.contains(edge)));
        assert_eq!(comm.sum(part.tags.edges.len() as u64), whole.tags.edges.len() as u64);
    }
}
