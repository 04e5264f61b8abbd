//! Dirichlet data at the nodes.

use crate::error::{Error, Result};
use crate::fem::coefficients::{bad_on_edge, lowest, robin};
use crate::mesh::{BoundaryEdge, BoundarySummary, EdgeCount, LocalMesh};
use crate::parallel::{Comm, Halo};
use crate::problem::{Condition, Problem, Range};
use crate::system::significant;

/// The nodes with a prescribed value, of all local nodes.
pub struct DirichletBc {
    /// Whether the node is fixed.
    pub fixed: Vec<bool>,
    /// The value there, 0 elsewhere.
    pub values: Vec<f64>,
}

/// Collects the Dirichlet nodes; where two boundaries meet, the one with the
/// lower number holds. **Collective.**
///
/// # Errors
/// [`Error::BadValue`], the same on every rank.
pub fn dirichlet_nodes(
    halo: &Halo,
    mesh: &LocalMesh,
    boundary: &[BoundaryEdge],
    problem: &Problem,
) -> Result<DirichletBc> {
    let nodes = mesh.coordinates.len();
    let mut holder = vec![u16::MAX; nodes];
    let mut values = vec![0.0; nodes];
    let mut errors = Vec::new();
    for edge in boundary {
        if let Condition::Dirichlet(g) = &problem.conditions[usize::from(edge.boundary)] {
            for node in edge.nodes(mesh).map(|n| n as usize) {
                match g.at(mesh.coordinates[node], Range::Any) {
                    Ok(value) if edge.boundary < holder[node] => {
                        holder[node] = edge.boundary;
                        values[node] = value;
                    }
                    Ok(_) => (),
                    Err(cause) => errors.push(bad_on_edge(mesh, edge, "the value", cause)),
                }
            }
        }
    }
    halo.comm().agree(lowest(errors.into_iter()).map_or(Ok(()), Err))?;
    // Owners see every edge around their nodes and have the last word.
    halo.scatter_fwd(&mut holder);
    halo.scatter_fwd(&mut values);
    Ok(DirichletBc { fixed: holder.into_iter().map(|b| b != u16::MAX).collect(), values })
}

/// Refuses Robin conditions on edges inside the domain. A Dirichlet condition holds there as it does on the boundary.
/// **Collective.**
///
/// # Errors
/// [`Error::RobinInside`] for the edge with the lowest nodes, the same on every rank.
pub fn check_inside(
    comm: &Comm,
    mesh: &LocalMesh,
    boundary: &[BoundaryEdge],
    problem: &Problem,
    summary: &BoundarySummary,
) -> Result<()> {
    let condition = |edge: &BoundaryEdge| &problem.conditions[usize::from(edge.boundary)];
    let refused = boundary.iter().filter(|edge| edge.is_inside && matches!(condition(edge), Condition::Robin { .. }));
    let place = |point: [f64; 2]| point.map(significant).join(", ");
    let errors = refused.map(|edge| {
        let [a, _, b] = edge.nodes(mesh).map(|n| (mesh.node_ids[n as usize], mesh.coordinates[n as usize]));
        let [(from, start), (to, end)] = if a.0 < b.0 { [a, b] } else { [b, a] };
        let number = usize::from(edge.boundary);
        let EdgeCount { edges, inside } = summary.named[number];
        let name = mesh.boundary_names[number].clone();
        let condition = condition(edge).to_string();
        Error::RobinInside {
            name,
            condition,
            edges,
            inside,
            from,
            to,
            edge: format!("node {from} at ({}) to node {to} at ({})", place(start), place(end)),
        }
    });
    comm.agree(lowest(errors).map_or(Ok(()), Err))
}

/// The local nodes on an edge whose condition holds the solution: Dirichlet,
/// or Robin with p > 0 somewhere on it.
///
/// # Errors
/// [`Error::BadValue`]; on this rank only.
pub fn well_posed_nodes(mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Result<Vec<bool>> {
    let mut held = vec![false; mesh.coordinates.len()];
    for edge in boundary {
        let holds = match &problem.conditions[usize::from(edge.boundary)] {
            Condition::Dirichlet(_) => true,
            _ => robin(problem, mesh, edge)?.is_some_and(|robin| robin.p.iter().any(|&p| p > 0.0)),
        };
        if holds {
            edge.nodes(mesh).iter().for_each(|&n| held[n as usize] = true);
        }
    }
    Ok(held)
}
