//! Checks that the edges of all elements fit together, and the free edges: those of one element.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, GlobalIndex, LocalIndex};
use crate::quad8::{EDGES, edges_of};

/// Checks that all edges fit together, and returns the free edges (element, side) that touch nodes
/// of this rank. **Collective.**
///
/// # Errors
/// The first flaw that [`survey`] finds; the same on every rank.
pub fn check_edges(comm: &Comm, mesh: &LocalMesh) -> Result<Vec<(usize, usize)>> {
    let (free, flaws) = survey(comm, mesh);
    flaws.into_iter().next().map_or(Ok(free), Err)
}

/// Finds all free edges (element, side) that touch nodes of this rank. Returns them with the first
/// error of each kind that edges can have, the same on every rank. **Collective.**
pub fn survey(comm: &Comm, mesh: &LocalMesh) -> (Vec<(usize, usize)>, Vec<Error>) {
    // One kind of error after the other: the order of kinds must be the same on every rank.
    let edges = Edges::new(mesh);
    let roles = comm.agree(edges.check_roles(mesh));
    let crowds = comm.agree(edges.check_crowds(mesh));
    let free = free_edges(mesh, &edges.users);
    let torn = comm.agree(check_torn(mesh, &free));
    let flaws = [roles, crowds, torn].into_iter().filter_map(Result::err);
    (free, flaws.collect())
}

/// Finds (element, side) of all edges with one element, among those with a node of this rank,
/// around which all elements are local.
fn free_edges(mesh: &LocalMesh, users: &[u8]) -> Vec<(usize, usize)> {
    let mut free = Vec::new();
    for (e, nodes) in mesh.elements.iter().enumerate() {
        for (side, edge) in EDGES.iter().enumerate() {
            let is_free = users[nodes[edge[1]] as usize] == 1;
            if is_free && edge.iter().any(|&i| is_owned(mesh, nodes[i])) {
                free.push((e, side));
            }
        }
    }
    free
}

fn is_owned(mesh: &LocalMesh, node: LocalIndex) -> bool {
    (node as usize) < mesh.owned_nodes
}

/// Checks that no element has the two corners of a free edge of another one.
fn check_torn(mesh: &LocalMesh, free: &[(usize, usize)]) -> Result<()> {
    // The free edge of the lowest element at each pair of corners.
    let mut at_corners: FxHashMap<[LocalIndex; 2], (usize, [LocalIndex; 3])> = FxHashMap::default();
    let mut is_end = vec![false; mesh.coordinates.len()];
    for &(element, side) in free {
        let edge @ [from, _, to] = EDGES[side].map(|i| mesh.elements[element][i]);
        // All elements around an owned corner are local.
        if is_owned(mesh, from) || is_owned(mesh, to) {
            (is_end[from as usize], is_end[to as usize]) = (true, true);
            let lowest = at_corners.entry([from.min(to), from.max(to)]).or_insert((element, edge));
            if mesh.element_ids[element] < mesh.element_ids[lowest.0] {
                *lowest = (element, edge);
            }
        }
    }
    let mut torn = Lowest::default();
    for (other, nodes) in mesh.elements.iter().enumerate() {
        for [from, to] in EDGES.map(|[a, _, b]| [nodes[a], nodes[b]]) {
            if is_end[from as usize]
                && is_end[to as usize]
                && let Some(&(element, edge)) = at_corners.get(&[from.min(to), from.max(to)])
                && element != other
            {
                torn.keep(other_middle(mesh, element, edge, other));
            }
        }
    }
    torn.result()
}

/// Error with the lowest element and node of several.
#[derive(Default)]
struct Lowest(Option<Error>);

impl Lowest {
    fn keep(&mut self, error: Option<Error>) {
        if let Some(error) = error
            && self.0.as_ref().is_none_or(|kept| error.place() < kept.place())
        {
            self.0 = Some(error);
        }
    }

    fn result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Roles of each local node in the elements around it.
struct Edges {
    /// Number of elements at the edge whose middle node it is.
    users: Vec<u8>,
    /// Whether it is also a corner or the middle of another edge.
    mixed: Vec<bool>,
}

impl Edges {
    fn new(mesh: &LocalMesh) -> Self {
        let nodes = mesh.coordinates.len();
        let (mut users, mut mixed) = (vec![0_u8; nodes], vec![false; nodes]);
        let mut ends = vec![[LocalIndex::MAX; 2]; nodes];
        for nodes in &mesh.elements {
            for [a, m, b] in EDGES {
                let (middle, pair) = (nodes[m] as usize, [nodes[a].min(nodes[b]), nodes[a].max(nodes[b])]);
                mixed[middle] |= users[middle] > 0 && ends[middle] != pair;
                ends[middle] = pair;
                users[middle] = users[middle].saturating_add(1);
            }
        }
        for &corner in mesh.elements.iter().flat_map(|nodes| &nodes[..4]) {
            mixed[corner as usize] |= users[corner as usize] > 0;
        }
        Self { users, mixed }
    }

    /// Checks that a middle node has no other role.
    fn check_roles(&self, mesh: &LocalMesh) -> Result<()> {
        if !self.mixed.contains(&true) {
            return Ok(());
        }
        Self::check(mesh, |element, [_, middle, _]| {
            let node = mesh.node_ids[middle as usize];
            self.mixed[middle as usize].then(|| mixed_roles(element, node))
        })
    }

    /// Checks that an edge has at most two elements.
    fn check_crowds(&self, mesh: &LocalMesh) -> Result<()> {
        if self.users.iter().all(|&count| count <= 2) {
            return Ok(());
        }
        Self::check(mesh, |element, [from, middle, to]| {
            let [from, to] = [from, to].map(|n| mesh.node_ids[n as usize]);
            let count = usize::from(self.users[middle as usize]);
            (count > 2).then(|| crowded_edge(element, [from, to], count))
        })
    }

    /// Returns the lowest error of all edges whose middle node this rank owns: all elements of
    /// these are local.
    fn check(mesh: &LocalMesh, find: impl Fn(GlobalIndex, [LocalIndex; 3]) -> Option<Error>) -> Result<()> {
        let mut lowest = Lowest::default();
        for (nodes, &element) in mesh.elements.iter().zip(&mesh.element_ids) {
            for edge in edges_of(nodes) {
                if is_owned(mesh, edge[1]) {
                    lowest.keep(find(element, edge));
                }
            }
        }
        lowest.result()
    }
}

/// Returns the error of two elements with the same corners and different middle nodes, in terms of
/// the lower element; `edge` is the free edge of `element`.
fn other_middle(mesh: &LocalMesh, element: usize, edge: [LocalIndex; 3], other: usize) -> Option<Error> {
    let edges = edges_of(&mesh.elements[other]);
    let joins = |e: &[LocalIndex; 3]| [e[0], e[2]] == [edge[2], edge[0]] || [e[0], e[2]] == [edge[0], edge[2]];
    let across = *edges.iter().find(|e| joins(e))?;
    let (element, other) = (mesh.element_ids[element], mesh.element_ids[other]);
    let (element, edge, across) = if element < other { (element, edge, across) } else { (other, across, edge) };
    let [from, middle, to] = edge.map(|n| mesh.node_ids[n as usize]);
    Some(two_middles(element, [from, to], [middle, mesh.node_ids[across[1] as usize]]))
}

fn mixed_roles(element: GlobalIndex, node: GlobalIndex) -> Error {
    let text = format!(
        "element {element}: node {node} is the middle of one of its edges and has another role elsewhere \
         (a corner, or the middle of another edge): the mesh is not conforming"
    );
    Error::input(text).at(element, node).mentioning(&[element], &[node])
}

fn crowded_edge(element: GlobalIndex, [from, to]: [GlobalIndex; 2], count: usize) -> Error {
    let text = format!(
        "element {element}: its edge from node {from} to node {to} belongs to {count} elements, \
         an edge can have two at most"
    );
    Error::input(text).at(element, from).mentioning(&[element], &[from, to])
}

fn two_middles(element: GlobalIndex, [from, to]: [GlobalIndex; 2], [middle, other]: [GlobalIndex; 2]) -> Error {
    let text = format!(
        "element {element}: its edge from node {from} to node {to} has middle node {middle}, \
         another element has {other} there: the mesh is torn or not conforming"
    );
    Error::input(text).at(element, from).mentioning(&[element], &[from, to, middle, other])
}
