//! The boundary: edges that one element has, the checks that every edge must
//! pass, and which named part each edge belongs to.

use crate::error::{Error, Result};
use crate::mesh::{Adjacency, LocalMesh, extent};
use crate::parallel::{Comm, GlobalIndex, LocalIndex};
use crate::quad8::{EDGES, edge_length};

/// An edge of an element on a named part of the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BoundaryEdge {
    /// Local number of the element.
    pub element: LocalIndex,
    /// Which of [`EDGES`] it is.
    pub side: u8,
    /// Number of the boundary: a place in [`LocalMesh::boundary_names`].
    pub boundary: u16,
    /// Whether the domain lies on both sides of the edge. Such an edge is listed once, with the element that has the
    /// lower global number.
    pub is_inside: bool,
}

impl BoundaryEdge {
    /// Local nodes (corner, middle, corner) of the edge.
    pub fn nodes(&self, mesh: &LocalMesh) -> [LocalIndex; 3] {
        EDGES[self.side as usize].map(|i| mesh.elements[self.element as usize][i])
    }
}

/// Says which boundary edge belongs to which named boundary.
pub trait BoundaryRule {
    /// The boundary of each edge, given by its local nodes (corner, middle,
    /// corner); `None` is a wall without a name. **Collective.**
    ///
    /// # Errors
    /// Whatever makes the boundary unusable, the same on every rank.
    fn boundaries(&self, comm: &Comm, mesh: &LocalMesh, edges: &[[LocalIndex; 3]]) -> Result<Vec<Option<u16>>>;
}

/// The rule for meshes without tags: the edges whose three nodes lie at the
/// smallest x form the inlet, those at the largest x the outlet, each within
/// 1e-3 of the edge's length.
#[derive(Debug, Clone, Copy)]
pub struct LeftToRight;

impl LeftToRight {
    /// The names of the boundaries.
    pub const NAMES: [&str; 2] = ["inlet", "outlet"];
    const INLET: u16 = 0;
    const OUTLET: u16 = 1;
}

const TOLERANCE: f64 = 1e-3;

impl BoundaryRule for LeftToRight {
    fn boundaries(&self, comm: &Comm, mesh: &LocalMesh, edges: &[[LocalIndex; 3]]) -> Result<Vec<Option<u16>>> {
        let [left, right] = extent(comm, &mesh.coordinates[..mesh.owned_nodes])[0];
        let boundary = |edge: &[LocalIndex; 3]| {
            let points = edge.map(|n| mesh.coordinates[n as usize]);
            let reach = TOLERANCE * edge_length(&points);
            let at = |x: f64| points.iter().all(|p| (p[0] - x).abs() <= reach);
            if at(left) { Some(Self::INLET) } else { at(right).then_some(Self::OUTLET) }
        };
        let boundaries: Vec<Option<u16>> = edges.iter().map(boundary).collect();
        for (wanted, extreme, x) in [(Self::INLET, "smallest", left), (Self::OUTLET, "largest", right)] {
            let which = Self::NAMES[usize::from(wanted)];
            if !comm.max(u8::from(boundaries.contains(&Some(wanted)))).eq(&1) {
                return Err(Error::NoBoundary { which, extreme, x });
            }
        }
        Ok(boundaries)
    }
}

/// A rule that looks at the three points (m) of an edge and nothing else.
impl<F: Fn(&[[f64; 2]; 3]) -> Option<u16>> BoundaryRule for F {
    fn boundaries(&self, _: &Comm, mesh: &LocalMesh, edges: &[[LocalIndex; 3]]) -> Result<Vec<Option<u16>>> {
        Ok(edges.iter().map(|edge| self(&edge.map(|n| mesh.coordinates[n as usize]))).collect())
    }
}

/// Finds the boundary edges that touch nodes of this rank, checks that all
/// edges fit together, and returns the edges with a named boundary, sorted.
/// An edge that touches nodes of several ranks is found by each of them.
/// **Collective.**
///
/// # Errors
/// [`Error::CrowdedEdge`], [`Error::TwoMiddles`], [`Error::MixedRoles`] and
/// those of the rule; the same on every rank.
pub fn find_boundary(comm: &Comm, mesh: &LocalMesh, rule: &dyn BoundaryRule) -> Result<Vec<BoundaryEdge>> {
    assign(comm, mesh, &check_edges(comm, mesh)?, rule)
}

/// Checks that all edges fit together, and returns the free edges (element, side) that touch nodes
/// of this rank. **Collective.**
///
/// # Errors
/// The first flaw that [`survey`] finds; the same on every rank.
pub fn check_edges(comm: &Comm, mesh: &LocalMesh) -> Result<Vec<(usize, usize)>> {
    let (free, flaws) = survey(comm, mesh);
    flaws.into_iter().next().map_or(Ok(free), Err)
}

/// All free edges (element, side) that touch nodes of this rank, and of each
/// kind of flaw that edges can have the first one, the same on every rank.
/// **Collective.**
pub fn survey(comm: &Comm, mesh: &LocalMesh) -> (Vec<(usize, usize)>, Vec<Error>) {
    // One kind of error after the other, so that the order of kinds is the same everywhere.
    let edges = Edges::new(mesh);
    let roles = comm.agree(edges.check_roles(mesh));
    let crowds = comm.agree(edges.check_crowds(mesh));
    let (free, torn) = free_edges(mesh, &edges.users);
    let flaws = [roles, crowds, comm.agree(torn)].into_iter().filter_map(Result::err);
    (free, flaws.collect())
}

/// The edges of those found that have a named boundary. **Collective.**
///
/// # Errors
/// Those of the rule.
pub fn assign(
    comm: &Comm,
    mesh: &LocalMesh,
    found: &[(usize, usize)],
    rule: &dyn BoundaryRule,
) -> Result<Vec<BoundaryEdge>> {
    let nodes: Vec<[LocalIndex; 3]> = found.iter().map(|&(e, side)| EDGES[side].map(|i| mesh.elements[e][i])).collect();
    let boundaries = rule.boundaries(comm, mesh, &nodes)?;
    let edges = found.iter().zip(boundaries).filter_map(|(&(element, side), boundary)| {
        let edge =
            |boundary| BoundaryEdge { element: element as LocalIndex, side: side as u8, boundary, is_inside: false };
        boundary.map(edge)
    });
    Ok(edges.collect())
}

/// The (element, side) of all edges that one element has, among those with a
/// node of this rank: it knows every element around its nodes.
fn free_edges(mesh: &LocalMesh, users: &[u8]) -> (Vec<(usize, usize)>, Result<()>) {
    let owned = |node: LocalIndex| (node as usize) < mesh.owned_nodes;
    let adjacency = Adjacency::new(&mesh.elements, mesh.owned_nodes);
    let mut free = Vec::new();
    let mut torn = Lowest::default();
    for (e, nodes) in mesh.elements.iter().enumerate() {
        for (side, &[a, m, b]) in EDGES.iter().enumerate() {
            let (from, middle, to) = (nodes[a], nodes[m], nodes[b]);
            if users[middle as usize] > 1 || ![from, middle, to].into_iter().any(owned) {
                continue;
            }
            if let Some(corner) = [from, to].into_iter().find(|&n| owned(n)) {
                for (other, _) in adjacency.around(corner as usize).filter(|&(other, _)| other != e) {
                    torn.keep(other_middle(mesh, e, [from, middle, to], other));
                }
            }
            free.push((e, side));
        }
    }
    (free, torn.result())
}

/// Of several errors the one with the lowest element and node.
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

/// What each local node is in the elements around it.
struct Edges {
    /// How many elements have the edge that it is the middle of.
    users: Vec<u8>,
    /// Whether it is a corner, or the middle of another edge, too.
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

    /// A middle node is nothing else anywhere.
    fn check_roles(&self, mesh: &LocalMesh) -> Result<()> {
        Self::check(mesh, |element, [_, middle, _]| {
            let node = mesh.node_ids[middle as usize];
            self.mixed[middle as usize].then_some(Error::MixedRoles { element, node })
        })
    }

    /// An edge has two elements at most.
    fn check_crowds(&self, mesh: &LocalMesh) -> Result<()> {
        Self::check(mesh, |element, [from, middle, to]| {
            let [from, to] = [from, to].map(|n| mesh.node_ids[n as usize]);
            let count = usize::from(self.users[middle as usize]);
            (count > 2).then_some(Error::CrowdedEdge { element, from, to, count })
        })
    }

    /// The lowest error of all edges whose middle node this rank owns, and of
    /// which it therefore knows all elements.
    fn check(mesh: &LocalMesh, find: impl Fn(GlobalIndex, [LocalIndex; 3]) -> Option<Error>) -> Result<()> {
        let mut lowest = Lowest::default();
        for (nodes, &element) in mesh.elements.iter().zip(&mesh.element_ids) {
            for edge in EDGES.map(|edge| edge.map(|i| nodes[i])) {
                if (edge[1] as usize) < mesh.owned_nodes {
                    lowest.keep(find(element, edge));
                }
            }
        }
        lowest.result()
    }
}

/// The error of two elements that join the same corners over different middle
/// nodes, as the lower one of them sees it; `edge` is the free one of `element`.
fn other_middle(mesh: &LocalMesh, element: usize, edge: [LocalIndex; 3], other: usize) -> Option<Error> {
    let edges = EDGES.map(|places| places.map(|i| mesh.elements[other][i]));
    let joins = |e: &[LocalIndex; 3]| [e[0], e[2]] == [edge[2], edge[0]] || [e[0], e[2]] == [edge[0], edge[2]];
    let across = *edges.iter().find(|e| joins(e))?;
    let (element, other) = (mesh.element_ids[element], mesh.element_ids[other]);
    let (element, edge, across) = if element < other { (element, edge, across) } else { (other, across, edge) };
    let [from, middle, to] = edge.map(|n| mesh.node_ids[n as usize]);
    Some(Error::TwoMiddles { element, from, to, middle, other: mesh.node_ids[across[1] as usize] })
}
