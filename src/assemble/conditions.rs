//! Dirichlet data at the nodes.

use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::parallel::Halo;
use crate::problem::{Condition, Problem};

/// The nodes with a prescribed value, of all local nodes.
pub struct Fixed {
    /// Whether the node is fixed.
    pub fixed: Vec<bool>,
    /// The value there, 0 elsewhere.
    pub values: Vec<f64>,
}

/// Collects the Dirichlet nodes; where two boundaries meet, the one with the
/// lower number holds. **Collective.**
pub fn fixed_nodes(halo: &Halo, mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Fixed {
    let nodes = mesh.coordinates.len();
    let mut holder = vec![u16::MAX; nodes];
    let mut values = vec![0.0; nodes];
    for edge in boundary {
        if let Condition::Dirichlet(g) = &problem.conditions[edge.boundary as usize] {
            for node in edge.nodes(mesh).map(|n| n as usize) {
                if edge.boundary < holder[node] {
                    holder[node] = edge.boundary;
                    values[node] = g.at(mesh.coordinates[node]);
                }
            }
        }
    }
    // Owners see every edge around their nodes and have the last word.
    halo.forward(&mut holder);
    halo.forward(&mut values);
    Fixed { fixed: holder.into_iter().map(|b| b != u16::MAX).collect(), values }
}

/// The local nodes on an edge whose condition holds the solution: Dirichlet,
/// or Robin with p > 0 somewhere on it.
pub fn held_nodes(mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Vec<bool> {
    let mut held = vec![false; mesh.coordinates.len()];
    for edge in boundary {
        let nodes = edge.nodes(mesh);
        let holds = match &problem.conditions[edge.boundary as usize] {
            Condition::Dirichlet(_) => true,
            Condition::Natural => false,
            Condition::Robin { p, .. } => nodes.iter().any(|&n| p.at(mesh.coordinates[n as usize]) > 0.0),
        };
        if holds {
            nodes.iter().for_each(|&n| held[n as usize] = true);
        }
    }
    held
}
