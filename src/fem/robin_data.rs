//! Data of Robin conditions at the Gauss points of edges, with checks that they are finite and have
//! the required sign.

use crate::error::{Error, Result};
use crate::fem::coefficients::{AXIS_ROUNDING, bad};
use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::problem::{Condition, OutOfRange, Problem, Range};
use crate::quad8::{EdgePoint, edge_gauss};

/// Robin data of an edge.
pub struct Robin {
    /// Gauss points of the edge, with the weight of the geometry.
    pub points: [EdgePoint; 3],
    /// p at the Gauss points.
    pub p: [f64; 3],
    /// gamma at the Gauss points.
    pub gamma: [f64; 3],
}

/// Evaluates the Robin data of an edge; none for another condition.
///
/// # Errors
/// If p is negative, or p or gamma is not finite; on this rank only.
pub fn robin(problem: &Problem, mesh: &LocalMesh, edge: &BoundaryEdge) -> Result<Option<Robin>> {
    let (p, gamma) = match &problem.conditions[usize::from(edge.boundary)] {
        Condition::Robin { p, gamma } => (p, gamma),
        Condition::Dirichlet(_) | Condition::Natural => return Ok(None),
        unresolved => {
            let text =
                format!("an internal check failed: the condition {unresolved} is not resolved (please report this)");
            return Err(Error::internal(text));
        }
    };
    let points = edge_points(problem, &edge.nodes(mesh).map(|n| mesh.coordinates[n as usize]));
    let mut robin = Robin { points, p: [0.0; 3], gamma: [0.0; 3] };
    for (q, point) in points.iter().enumerate() {
        robin.p[q] = p.at(point.at, Range::NotNegative).map_err(|e| bad_on_edge(mesh, edge, "p", e))?;
        robin.gamma[q] = gamma.at(point.at, Range::Any).map_err(|e| bad_on_edge(mesh, edge, "gamma", e))?;
    }
    Ok(Some(robin))
}

/// Computes the Gauss points of an edge with these nodes (m), with the weight of the geometry. That
/// is 0 on an edge along the axis of axisymmetric geometry, also where its nodes have rounding
/// errors.
pub fn edge_points(problem: &Problem, nodes: &[[f64; 2]; 3]) -> [EdgePoint; 3] {
    let points = edge_gauss(nodes);
    let length: f64 = points.iter().map(|point| point.length).sum();
    let is_on_axis = !problem.geometry.is_plane() && nodes.iter().all(|node| node[0].abs() <= AXIS_ROUNDING * length);
    let weight = |x: f64| if is_on_axis { 0.0 } else { problem.geometry.weight(x) };
    points.map(|point| EdgePoint { length: point.length * weight(point.at[0]), ..point })
}

/// Creates the error of a value on an edge.
pub fn bad_on_edge(mesh: &LocalMesh, edge: &BoundaryEdge, what: &str, cause: OutOfRange) -> Error {
    let name = &mesh.boundary_names[usize::from(edge.boundary)];
    bad(mesh, edge.element as usize, &format!("{what} of boundary '{name}'"), cause)
}
