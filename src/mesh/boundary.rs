//! Boundary of a mesh: the assignment of edges with one element to named boundaries.

use crate::error::{Error, Result};
use crate::mesh::{LocalMesh, extent};
use crate::parallel::{Comm, LocalIndex};
use crate::quad8::{EDGES, edge_length};

/// Edge of an element on a named boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BoundaryEdge {
    /// Local number of the element.
    pub element: LocalIndex,
    /// Number of the edge in [`EDGES`].
    pub side: u8,
    /// Number of the boundary: an index of [`LocalMesh::boundary_names`].
    pub boundary: u16,
    /// Whether the edge is an interior edge, with elements on both sides. It is listed once, with
    /// the element of the lower global number.
    pub is_interior: bool,
}

impl BoundaryEdge {
    /// Returns the local nodes (corner, middle, corner) of the edge.
    pub fn nodes(&self, mesh: &LocalMesh) -> [LocalIndex; 3] {
        EDGES[self.side as usize].map(|i| mesh.elements[self.element as usize][i])
    }
}

/// Rule that assigns boundary edges to named boundaries.
pub trait BoundaryRule {
    /// Returns the boundary of each edge, given by its local nodes (corner, middle, corner); `None`
    /// is a wall without a name. **Collective.**
    ///
    /// # Errors
    /// The boundary cannot be assigned; the same on every rank.
    fn boundaries(&self, comm: &Comm, mesh: &LocalMesh, edges: &[[LocalIndex; 3]]) -> Result<Vec<Option<u16>>>;
}

/// Rule for meshes without tags: edges with all three nodes at the smallest x form the inlet, those
/// at the largest x the outlet, within 1e-3 of the length of the edge.
#[derive(Debug, Clone, Copy)]
pub struct LeftToRight;

impl LeftToRight {
    /// Names of the boundaries.
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
                return Err(no_boundary(which, extreme, x));
            }
        }
        Ok(boundaries)
    }
}

/// Rule that depends only on the three points (m) of an edge.
impl<F: Fn(&[[f64; 2]; 3]) -> Option<u16>> BoundaryRule for F {
    fn boundaries(&self, _: &Comm, mesh: &LocalMesh, edges: &[[LocalIndex; 3]]) -> Result<Vec<Option<u16>>> {
        Ok(edges.iter().map(|edge| self(&edge.map(|n| mesh.coordinates[n as usize]))).collect())
    }
}

/// Returns those of the found edges that have a named boundary. **Collective.**
///
/// # Errors
/// The rule fails.
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
            |boundary| BoundaryEdge { element: element as LocalIndex, side: side as u8, boundary, is_interior: false };
        boundary.map(edge)
    });
    Ok(edges.collect())
}

fn no_boundary(which: &str, extreme: &str, x: f64) -> Error {
    Error::input(format!(
        "no {which} found: no boundary edge lies at the {extreme} x ({x} m) within 1e-3 of its length; \
         this mesh has no boundary tags, so its {which} must be a straight edge at the {extreme} x"
    ))
}
