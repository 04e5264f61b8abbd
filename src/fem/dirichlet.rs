//! Dirichlet data at the nodes.

use crate::error::{Error, Result};
use crate::fem::coefficients::{check_axis, lowest};
use crate::fem::robin_data::{bad_on_edge, robin};
use crate::la::Vector;
use crate::mesh::{
    BoundaryEdge, BoundarySummary, DistributedMesh, EdgeCount, LocalMesh, check_components, find_duplicates,
};
use crate::parallel::{Comm, Halo, LocalIndex};
use crate::problem::{Condition, Problem, Range};
use crate::system::show_point;

/// Prescribed values at the local nodes.
pub struct DirichletBc {
    /// Number of local nodes.
    nodes: usize,
    /// Nodes with a prescribed value, ascending, and these values: few of all nodes.
    prescribed: Vec<(LocalIndex, f64)>,
}

impl DirichletBc {
    /// Evaluates the conditions at the nodes of a coarser mesh, which the finest mesh has too:
    /// there [`dirichlet_nodes`] found the values that are not finite. **Collective** among
    /// neighbours.
    pub(crate) fn of_coarser(halo: &Halo, mesh: &LocalMesh, problem: &Problem) -> Self {
        Self::scatter(halo, evaluate(mesh, problem).0)
    }

    /// Sends the values of the owned nodes and the boundaries that hold them to the ghosts: owners
    /// see every edge around their nodes. **Collective** among neighbours.
    fn scatter(halo: &Halo, Evaluated { mut nodes, mut holders, mut values }: Evaluated) -> Self {
        halo.scatter_fwd(&mut holders);
        halo.scatter_fwd(&mut values);
        let owned = halo.map().owned() as LocalIndex;
        nodes.retain(|&node| node < owned);
        nodes.sort_unstable();
        nodes.dedup();
        nodes.extend((owned..).take(halo.map().ghosts()).filter(|&ghost| holders[ghost as usize] != NO_BOUNDARY));
        let prescribed = nodes.into_iter().map(|node| (node, values[node as usize])).collect();
        Self { nodes: values.len(), prescribed }
    }

    /// Returns the local nodes with a prescribed value, ascending.
    pub fn nodes(&self) -> Vec<LocalIndex> {
        self.prescribed.iter().map(|&(node, _)| node).collect()
    }

    /// Returns whether the value of each local node is prescribed.
    pub fn fixed(&self) -> Vec<bool> {
        let mut fixed = vec![false; self.nodes];
        self.prescribed.iter().for_each(|&(node, _)| fixed[node as usize] = true);
        fixed
    }

    /// Returns the prescribed value of each local node, 0 at free nodes.
    pub fn values(&self) -> Vec<f64> {
        let mut values = vec![0.0; self.nodes];
        for &(node, value) in &self.prescribed {
            values[node as usize] = value;
        }
        values
    }

    /// Sets the prescribed values of the owned nodes in `u`, then updates its ghosts.
    /// **Collective.**
    pub fn impose(&self, halo: &Halo, u: &mut Vector) {
        let owned = u.owned_mut();
        self.owned(owned.len()).iter().for_each(|&(node, value)| owned[node as usize] = value);
        halo.scatter_fwd(u.local_mut());
    }

    /// Returns the number of prescribed values over all ranks. **Collective.**
    pub fn total(&self, halo: &Halo) -> u64 {
        halo.comm().sum(self.owned(halo.map().owned()).len() as u64)
    }

    /// Returns the owned nodes with a prescribed value, and these values.
    fn owned(&self, owned: usize) -> &[(LocalIndex, f64)] {
        &self.prescribed[..self.prescribed.partition_point(|&(node, _)| (node as usize) < owned)]
    }

    /// Sets the owned nodes with a prescribed value to 0 in `u`.
    pub fn clear(&self, u: &mut Vector) {
        let u = u.owned_mut();
        self.owned(u.len()).iter().for_each(|&(node, _)| u[node as usize] = 0.0);
    }
}

/// Evaluates the Dirichlet conditions at the nodes. Where two boundaries meet, the one with the
/// lower number holds. **Collective.**
///
/// # Errors
/// A value that is not finite; the same on every rank.
pub fn dirichlet_nodes(halo: &Halo, mesh: &LocalMesh, problem: &Problem) -> Result<DirichletBc> {
    let (evaluated, found) = evaluate(mesh, problem);
    halo.comm().agree(found)?;
    Ok(DirichletBc::scatter(halo, evaluated))
}

/// Prescribed values from the edges on one rank. `holders` and `values` have an entry for each local
/// node: the system clears only those of their pages that are used.
struct Evaluated {
    /// Nodes on Dirichlet edges, repeated, in any order.
    nodes: Vec<LocalIndex>,
    /// One more than the boundary that holds each node, or [`NO_BOUNDARY`].
    holders: Vec<u16>,
    values: Vec<f64>,
}

/// Holder of a free node.
const NO_BOUNDARY: u16 = 0;

/// Evaluates the conditions on the edges of this rank. Returns also the error of the lowest edge
/// whose value is not finite.
fn evaluate(mesh: &LocalMesh, problem: &Problem) -> (Evaluated, Result<()>) {
    let count = mesh.coordinates.len();
    let (mut nodes, mut holders, mut values) = (Vec::new(), vec![NO_BOUNDARY; count], vec![0.0; count]);
    let mut errors = Vec::new();
    for edge in &mesh.boundary {
        if let Condition::Dirichlet(g) = condition(problem, edge) {
            for node in edge.nodes(mesh) {
                let (at, holder) = (node as usize, edge.boundary + 1);
                match g.at(mesh.coordinates[at], Range::Any) {
                    Ok(value) if holders[at] == NO_BOUNDARY || holder < holders[at] => {
                        nodes.push(node);
                        holders[at] = holder;
                        values[at] = value;
                    }
                    Ok(_) => (),
                    Err(cause) => errors.push(bad_on_edge(mesh, edge, "the value", cause)),
                }
            }
        }
    }
    (Evaluated { nodes, holders, values }, lowest(errors.into_iter()).map_or(Ok(()), Err))
}

/// Checks that a problem has one solution on a mesh: no Robin condition inside the domain, and
/// every piece of the mesh held by a condition. That takes less time before refinement.
/// **Collective.**
///
/// # Errors
/// The lowest edge inside with a Robin condition, a condition without a usable value, the lowest
/// element beyond the axis of axisymmetric geometry, or the lowest element of a piece that no
/// condition holds; the same on every rank.
pub fn check_well_posed(distributed: &DistributedMesh, problem: &Problem) -> Result<()> {
    let DistributedMesh { mesh, halo, boundary, free_edges, .. } = distributed;
    let comm = halo.comm();
    check_interior_edges(comm, mesh, problem, boundary)?;
    let held = comm.agree(well_posed_nodes(mesh, problem))?;
    check_components(halo, mesh, &held).map_err(|error| {
        // Nodes that should be one node are the usual reason.
        let duplicates = find_duplicates(comm, mesh, free_edges);
        duplicates.warning().iter().fold(error, |error, note| error.with_note(note))
    })
}

/// Refuses Robin conditions and total flows on edges inside the domain. A Dirichlet condition holds
/// there as it does on the boundary. **Collective.**
///
/// # Errors
/// A Robin condition on the inner edge with the lowest nodes; the same on every rank.
pub fn check_interior_edges(comm: &Comm, mesh: &LocalMesh, problem: &Problem, summary: &BoundarySummary) -> Result<()> {
    let is_refused = |edge: &&BoundaryEdge| {
        edge.is_interior && matches!(condition(problem, edge), Condition::Robin { .. } | Condition::Flow(_))
    };
    let errors =
        mesh.boundary.iter().filter(is_refused).map(|edge| robin_on_interior_edge(mesh, problem, summary, edge));
    comm.agree(lowest(errors).map_or(Ok(()), Err))
}

/// Returns the error of an edge inside the domain with a Robin condition.
fn robin_on_interior_edge(
    mesh: &LocalMesh,
    problem: &Problem,
    summary: &BoundarySummary,
    edge: &BoundaryEdge,
) -> Error {
    let [a, _, b] = edge.nodes(mesh).map(|n| (mesh.node_ids[n as usize], mesh.coordinates[n as usize]));
    let [(from, start), (to, end)] = if a.0 < b.0 { [a, b] } else { [b, a] };
    let [start, end] = [start, end].map(show_point);
    let number = usize::from(edge.boundary);
    let EdgeCount { edges, interior: inside } = summary.named[number];
    let name = &mesh.boundary_names[number];
    let condition = condition(problem, edge);
    let message = format!(
        "boundary '{name}' has {inside} of its {edges} edges inside the domain, one of them from node {from} at \
         {start} to node {to} at {end} (indices start at 0): its condition {condition} needs the outside on one \
         side of an edge; use dirichlet:VALUE or natural on this boundary (--bc \"{name}=natural\"), or take these \
         edges out of it"
    );
    Error::input(message).at(from, to)
}

/// Returns the condition on an edge.
fn condition<'a>(problem: &'a Problem, edge: &BoundaryEdge) -> &'a Condition {
    &problem.conditions[usize::from(edge.boundary)]
}

/// Marks the local nodes on an edge whose condition holds the solution: Dirichlet, or Robin with
/// p > 0 somewhere on it, off the axis of axisymmetric geometry.
///
/// # Errors
/// A value of p or gamma that is not usable, or a node beyond the axis of axisymmetric geometry; on
/// this rank only.
pub fn well_posed_nodes(mesh: &LocalMesh, problem: &Problem) -> Result<Vec<bool>> {
    check_axis(mesh, problem)?;
    let mut held = vec![false; mesh.coordinates.len()];
    for edge in &mesh.boundary {
        let holds = match condition(problem, edge) {
            Condition::Dirichlet(_) => true,
            Condition::Flow(_) | Condition::Floating(_) => false,
            _ => robin(problem, mesh, edge)?
                .is_some_and(|robin| robin.p.iter().zip(robin.points).any(|(&p, point)| p > 0.0 && point.length > 0.0)),
        };
        if holds {
            edge.nodes(mesh).iter().for_each(|&n| held[n as usize] = true);
        }
    }
    Ok(held)
}
