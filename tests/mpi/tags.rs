//! Checks the names of boundaries and regions, from the input slabs to the ranks.

use std::rc::Rc;

use quad8_mpi::mesh::partition::{PartitionOptions, Partitioner};
use quad8_mpi::mesh::{BoundaryEdge, DistributedMesh, LocalMesh, MeshSlab, TaggedEdge, Tags};
use quad8_mpi::parallel::{Comm, GlobalIndex};
use quad8_mpi::quad8::EDGES;
use quad8_mpi::{Result, mesh};

use super::manufactured::side;
use super::meshes::{Grid, Mesh};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    every_rank_receives_the_names_of_its_edges,
    edges_without_a_name_are_walls,
    named_edges_inside_the_domain_are_found_once,
    an_edge_that_no_element_has_is_an_error,
    an_edge_with_a_node_of_no_element_is_an_error,
    an_edge_with_a_node_out_of_range_is_an_error,
    an_edge_with_two_names_is_an_error,
    regions_follow_their_elements_and_their_children,
];

const NAMES: [&str; 4] = ["axis", "inner", "outer", "top"];

/// Returns a mesh and its boundary edges, tagged by their side.
fn case() -> (Mesh, Vec<TaggedEdge>) {
    let mesh = Grid::untidy(9, 7).mesh();
    let edges = mesh.elements.iter().flat_map(|nodes| EDGES.map(|edge| edge.map(|i| nodes[i])));
    let edges: Vec<[i64; 3]> = edges.collect();
    let is_free = |edge: &&[i64; 3]| edges.iter().filter(|other| other[1] == edge[1]).count() == 1;
    let tagged = edges.iter().filter(is_free).map(|edge| TaggedEdge {
        nodes: [edge[0] as GlobalIndex, edge[2] as GlobalIndex],
        boundary: side(&edge.map(|n| mesh.points[n as usize])).expect("a side"),
    });
    let tagged = tagged.collect();
    (mesh, tagged)
}

/// Returns the slab of a mesh. The last rank holds every second named edge, rank 0 the others.
fn slab(comm: &Comm, mesh: &Mesh, edges: &[TaggedEdge]) -> Result<MeshSlab> {
    let last = comm.size() - 1;
    let holder = |i: usize| if i.is_multiple_of(2) { 0 } else { last };
    let mine = edges.iter().enumerate().filter(|(i, _)| holder(*i) == comm.rank()).map(|(_, edge)| *edge).collect();
    let tags = Tags { boundary_names: NAMES.map(str::to_owned).to_vec(), edges: mine, ..Tags::default() };
    mesh.slab(comm)?.with_tags(comm, tags)
}

/// Returns the part of each element of a slab. **Collective.**
fn parts(comm: &Rc<Comm>, slab: &MeshSlab) -> Vec<u32> {
    let split = PartitionOptions::ranks(comm, Partitioner::Auto);
    quad8_mpi::mesh::partition::partition(comm, slab, &split).expect("parts").parts
}

/// Returns the boundary edges by the places of their nodes. **Collective.**
fn boundary_by_place(comm: &Rc<Comm>, mesh: &Mesh) -> Vec<BoundaryEdge> {
    let slab = slab(comm, mesh, &[]).expect("a mesh");
    let (parts, names) = (parts(comm, &slab), NAMES.map(str::to_owned).to_vec());
    DistributedMesh::with_rule(comm, slab, &parts, names, &side).expect("a good mesh").mesh.boundary
}

/// Returns the local mesh with its boundary by names, and the number of named edges inside.
/// **Collective.**
fn boundary(comm: &Rc<Comm>, mesh: &Mesh, edges: &[TaggedEdge]) -> Result<(LocalMesh, u64)> {
    let slab = slab(comm, mesh, edges)?;
    let parts = parts(comm, &slab);
    let distributed = DistributedMesh::new(comm, slab, &parts)?;
    Ok((distributed.mesh, distributed.boundary.named.iter().map(|count| count.interior).sum()))
}

fn expect_error(comm: &Rc<Comm>, mesh: &Mesh, edges: &[TaggedEdge], message: &str) {
    let error = boundary(comm, mesh, edges).expect_err("tags that do not fit").to_string();
    assert_eq!(error, message);
}

fn every_rank_receives_the_names_of_its_edges(comm: &Rc<Comm>) {
    let (mesh, mut edges) = case();
    // Neither the direction of an edge nor a repetition matters.
    edges.iter_mut().step_by(3).for_each(|edge| edge.nodes.reverse());
    edges.push(edges[5]);
    let (local, inside) = boundary(comm, &mesh, &edges).expect("tags that fit");
    assert_eq!((&local.boundary, inside), (&boundary_by_place(comm, &mesh), 0));
    assert_eq!(local.boundary_names, NAMES);
}

fn edges_without_a_name_are_walls(comm: &Rc<Comm>) {
    let (mesh, edges) = case();
    let outer: Vec<TaggedEdge> = edges.into_iter().filter(|edge| edge.boundary == 2).collect();
    let (local, _) = boundary(comm, &mesh, &outer).expect("tags that fit");
    let mut expected = boundary_by_place(comm, &mesh);
    expected.retain(|edge| edge.boundary == 2);
    assert_eq!(local.boundary, expected);
}

fn named_edges_inside_the_domain_are_found_once(comm: &Rc<Comm>) {
    let (mesh, mut edges) = case();
    let free: Vec<[GlobalIndex; 2]> = edges.iter().map(|edge| edge.nodes).collect();
    let is_inside = |pair: &[GlobalIndex; 2]| !free.contains(pair) && !free.contains(&[pair[1], pair[0]]);
    let corners = |nodes: &[i64; 8]| [nodes[0] as GlobalIndex, nodes[1] as GlobalIndex];
    let inner: Vec<_> = mesh.elements[..20].iter().map(corners).filter(is_inside).collect();
    edges.extend(inner.iter().map(|&nodes| TaggedEdge { nodes, boundary: 1 }));
    let (local, inside) = boundary(comm, &mesh, &edges).expect("tags that fit");
    let mut distinct: Vec<_> = inner.iter().map(|&[a, b]| [a.min(b), a.max(b)]).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(inside == distinct.len() as u64 && inside > 5, "{inside}");
    let (found_inside, outside): (Vec<_>, Vec<_>) = local.boundary.iter().partition(|edge| edge.is_interior);
    assert_eq!(outside, boundary_by_place(comm, &mesh));
    // Every rank with a node of such an edge has the edge; one rank owns its element.
    let corners = |edge: &BoundaryEdge| {
        let [a, _, b] = edge.nodes(&local).map(|n| local.node_ids[n as usize]);
        [a.min(b), a.max(b)]
    };
    let is_owned = |node: GlobalIndex| local.node_ids[..local.owned_nodes].contains(&node);
    let mut known: Vec<_> = found_inside.iter().map(corners).collect();
    known.sort_unstable();
    let is_here = |edge: &[GlobalIndex; 2]| edge.iter().any(|&node| is_owned(node));
    assert!(distinct.iter().filter(|edge| is_here(edge)).all(|edge| known.binary_search(edge).is_ok()));
    let own = found_inside.iter().filter(|edge| (edge.element as usize) < local.own_elements).count() as u64;
    assert_eq!(comm.sum(own), inside);
}

fn an_edge_that_no_element_has_is_an_error(comm: &Rc<Comm>) {
    let (mesh, mut edges) = case();
    // The diagonals of elements.
    let diagonals = [30, 11].map(|e: usize| [mesh.elements[e][0] as GlobalIndex, mesh.elements[e][2] as GlobalIndex]);
    edges.extend(diagonals.map(|nodes| TaggedEdge { nodes, boundary: 3 }));
    let lowest = diagonals.map(|[a, b]| [a.min(b), a.max(b)]).into_iter().min().expect("two");
    let [from, to] = lowest;
    let message =
        format!("boundary 'top' has an edge from node {from} to node {to} (indices start at 0), which no element has");
    expect_error(comm, &mesh, &edges, &message);
}

fn an_edge_with_a_node_of_no_element_is_an_error(comm: &Rc<Comm>) {
    let (mesh, mut edges) = case();
    let orphan = mesh.orphans[0];
    let nodes = [orphan, orphan];
    edges.push(TaggedEdge { nodes, boundary: 0 });
    let message = format!(
        "boundary 'axis' has an edge from node {orphan} to node {orphan} (indices start at 0), which no element has"
    );
    expect_error(comm, &mesh, &edges, &message);
}

fn an_edge_with_a_node_out_of_range_is_an_error(comm: &Rc<Comm>) {
    let (mesh, mut edges) = case();
    let total = mesh.points.len() as GlobalIndex;
    edges.extend([9, 5].map(|beyond| TaggedEdge { nodes: [0, total + beyond], boundary: 0 }));
    let message = format!(
        "boundary 'axis' has an edge from node 0 to node {}, the mesh has {total} nodes (indices start at 0)",
        total + 5
    );
    expect_error(comm, &mesh, &edges, &message);
}

fn an_edge_with_two_names_is_an_error(comm: &Rc<Comm>) {
    let (mesh, mut edges) = case();
    let twice = *edges.iter().find(|edge| edge.boundary == 1).expect("an edge of the inner arc");
    let [a, b] = twice.nodes;
    edges.push(TaggedEdge { nodes: [b, a], boundary: 0 });
    let message = format!(
        "the edge from node {} to node {} (indices start at 0) belongs to two boundaries, 'axis' and 'inner': \
         an edge can have one name",
        a.min(b),
        a.max(b)
    );
    expect_error(comm, &mesh, &edges, &message);
}

fn regions_follow_their_elements_and_their_children(comm: &Rc<Comm>) {
    let (mesh, edges) = case();
    let names = [2_u16, 0, 1].map(|n| format!("region {n}"));
    let bare = slab(comm, &mesh, &edges).expect("tags that fit");
    let regions = bare.elements.range(comm.rank()).map(|e| (e % 3) as u16).collect();
    let tags = Tags { region_names: names.to_vec(), regions, ..bare.tags.clone() };
    let slab = bare.with_tags(comm, tags).expect("tags that fit");
    let parts = parts(comm, &slab);
    let local = DistributedMesh::new(comm, slab, &parts).expect("a good mesh").mesh;
    // The names are sorted: their numbers change.
    let expected = |parent: GlobalIndex| [2, 0, 1][(parent % 3) as usize];
    assert!(local.element_ids.iter().zip(&local.regions).all(|(&id, &region)| region == expected(id)));
    let fine = mesh::refine(comm, &local, 2).expect("a good mesh");
    assert_eq!(fine.regions.len(), fine.elements.len());
    assert!(fine.element_ids.iter().zip(&fine.regions).all(|(&id, &region)| region == expected(id >> 4)));
    assert_eq!((fine.region_names[2].as_str(), fine.boundary_names.len()), ("region 2", 4));
}
