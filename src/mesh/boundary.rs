//! The boundary: edges that one element has, the checks that every edge must
//! pass, and which condition belongs to which edge.

use super::{Adjacency, LocalMesh};
use crate::error::{Error, Result};
use crate::parallel::{Comm, Global, Local};
use crate::quad8::{EDGES, edge_length};

/// An edge of an element that carries a boundary condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BoundaryEdge {
    /// Local number of the element.
    pub element: Local,
    /// Which of [`EDGES`] it is.
    pub side: u8,
    /// Number of the condition in the problem.
    pub condition: u16,
}

impl BoundaryEdge {
    /// Local nodes (corner, middle, corner) of the edge.
    pub fn nodes(&self, mesh: &LocalMesh) -> [Local; 3] {
        EDGES[self.side as usize].map(|i| mesh.elements[self.element as usize][i])
    }
}

/// Says which condition holds on which boundary edge.
pub trait BoundaryRule {
    /// The condition of each edge, given by its local nodes (corner, middle,
    /// corner); `None` is the natural condition, no flow. **Collective.**
    ///
    /// # Errors
    /// Whatever makes the boundary unusable, the same on every rank.
    fn conditions(&self, comm: &Comm, mesh: &LocalMesh, edges: &[[Local; 3]]) -> Result<Vec<Option<u16>>>;
}

/// The rule for meshes without tags: the edges whose three nodes lie at the
/// smallest x form the inlet, those at the largest x the outlet, each within
/// 1e-3 of the edge's length.
#[derive(Debug, Clone, Copy)]
pub struct LeftToRight {
    /// Condition of the inlet.
    pub inlet: u16,
    /// Condition of the outlet.
    pub outlet: u16,
}

const TOLERANCE: f64 = 1e-3;

impl BoundaryRule for LeftToRight {
    fn conditions(&self, comm: &Comm, mesh: &LocalMesh, edges: &[[Local; 3]]) -> Result<Vec<Option<u16>>> {
        let owned = &mesh.coordinates[..mesh.owned_nodes];
        let left = comm.min(owned.iter().fold(f64::INFINITY, |m, p| m.min(p[0])));
        let right = comm.max(owned.iter().fold(f64::NEG_INFINITY, |m, p| m.max(p[0])));
        let condition = |edge: &[Local; 3]| {
            let points = edge.map(|n| mesh.coordinates[n as usize]);
            let reach = TOLERANCE * edge_length(&points);
            let at = |x: f64| points.iter().all(|p| (p[0] - x).abs() <= reach);
            if at(left) { Some(self.inlet) } else { at(right).then_some(self.outlet) }
        };
        let conditions: Vec<Option<u16>> = edges.iter().map(condition).collect();
        for (wanted, which, extreme, x) in
            [(self.inlet, "inlet", "smallest", left), (self.outlet, "outlet", "largest", right)]
        {
            if !comm.max(u8::from(conditions.contains(&Some(wanted)))).eq(&1) {
                return Err(Error::NoBoundary { which, extreme, x });
            }
        }
        Ok(conditions)
    }
}

/// A rule that looks at the three points (m) of an edge and nothing else.
impl<F: Fn(&[[f64; 2]; 3]) -> Option<u16>> BoundaryRule for F {
    fn conditions(&self, _: &Comm, mesh: &LocalMesh, edges: &[[Local; 3]]) -> Result<Vec<Option<u16>>> {
        Ok(edges.iter().map(|edge| self(&edge.map(|n| mesh.coordinates[n as usize]))).collect())
    }
}

/// Finds the boundary edges that touch nodes of this rank, checks that all
/// edges fit together, and returns the edges that carry a condition, sorted.
/// An edge that touches nodes of several ranks is found by each of them.
/// **Collective.**
///
/// # Errors
/// [`Error::CrowdedEdge`], [`Error::TwoMiddles`], [`Error::MixedRoles`] and
/// those of the rule; the same on every rank.
pub fn find_boundary(comm: &Comm, mesh: &LocalMesh, rule: &dyn BoundaryRule) -> Result<Vec<BoundaryEdge>> {
    let found = comm.agree(free_edges(mesh))?;
    let nodes: Vec<[Local; 3]> = found.iter().map(|&(e, side)| EDGES[side].map(|i| mesh.elements[e][i])).collect();
    let conditions = rule.conditions(comm, mesh, &nodes)?;
    let edges = found.iter().zip(conditions).filter_map(|(&(element, side), condition)| {
        condition.map(|condition| BoundaryEdge { element: element as Local, side: side as u8, condition })
    });
    Ok(edges.collect())
}

/// The (element, side) of all edges that one element has, among those with a
/// node of this rank: it knows every element around its nodes.
fn free_edges(mesh: &LocalMesh) -> Result<Vec<(usize, usize)>> {
    let users = count_edges(mesh)?;
    let owned = |node: Local| (node as usize) < mesh.owned_nodes;
    let adjacency = Adjacency::new(&mesh.elements, mesh.owned_nodes);
    let mut free = Vec::new();
    for (e, nodes) in mesh.elements.iter().enumerate() {
        for (side, &[a, m, b]) in EDGES.iter().enumerate() {
            let (from, middle, to) = (nodes[a], nodes[m], nodes[b]);
            if users[middle as usize] > 1 || ![from, middle, to].into_iter().any(owned) {
                continue;
            }
            if let Some(corner) = [from, to].into_iter().find(|&n| owned(n)) {
                for (other, _) in adjacency.around(corner as usize).filter(|&(other, _)| other != e) {
                    check_middle(mesh, e, [from, middle, to], other)?;
                }
            }
            free.push((e, side));
        }
    }
    Ok(free)
}

/// How many elements have the edge with a given middle node; also checks that
/// a middle node is nothing else anywhere.
fn count_edges(mesh: &LocalMesh) -> Result<Vec<u8>> {
    let mut users = vec![0_u8; mesh.coordinates.len()];
    let mut ends = vec![[Local::MAX; 2]; mesh.coordinates.len()];
    for (e, nodes) in mesh.elements.iter().enumerate() {
        for [a, m, b] in EDGES {
            let (middle, pair) = (nodes[m] as usize, [nodes[a].min(nodes[b]), nodes[a].max(nodes[b])]);
            if users[middle] > 0 && ends[middle] != pair {
                return Err(Error::MixedRoles { element: mesh.element_ids[e], node: mesh.node_ids[middle] });
            }
            ends[middle] = pair;
            users[middle] = users[middle].saturating_add(1);
            if users[middle] > 2 {
                let [from, to] = pair.map(|n| mesh.node_ids[n as usize]);
                let count = mesh.elements.iter().filter(|n| n[4..].contains(&(middle as Local))).count();
                return Err(Error::CrowdedEdge { element: mesh.element_ids[e], from, to, count });
            }
        }
    }
    for (e, nodes) in mesh.elements.iter().enumerate() {
        if let Some(&node) = nodes[..4].iter().find(|&&n| users[n as usize] > 0) {
            return Err(Error::MixedRoles { element: mesh.element_ids[e], node: mesh.node_ids[node as usize] });
        }
    }
    Ok(users)
}

/// Refuses a free edge whose corners are joined by an edge of `other`, over
/// another middle node.
fn check_middle(mesh: &LocalMesh, element: usize, [from, middle, to]: [Local; 3], other: usize) -> Result<()> {
    let nodes = &mesh.elements[other];
    let global = |n: Local| -> Global { mesh.node_ids[n as usize] };
    match EDGES.iter().find(|&&[a, _, b]| [nodes[a], nodes[b]] == [to, from] || [nodes[a], nodes[b]] == [from, to]) {
        Some(&[_, m, _]) => Err(Error::TwoMiddles {
            element: mesh.element_ids[element],
            from: global(from),
            to: global(to),
            middle: global(middle),
            other: global(nodes[m]),
        }),
        None => Ok(()),
    }
}
