//! What a solve found on one rank, and how that of several becomes that of one.

use std::mem::take;

use crate::io::record::{BoundaryCondition, Convergence, Parallel, RestartedFrom, SolutionStats};
use crate::la::Vector;
use crate::la::cg::CgReport;
use crate::mesh::quality::MeshQuality;
use crate::mesh::{LocalMesh, merge, merge_nodes};
use crate::parallel::Breakdown;
use crate::post::{ElementFields, FlowReport, Flux, NodeFields};

/// The solution, with what is known about it.
pub struct Solution {
    /// The mesh that was solved.
    pub mesh: LocalMesh,
    /// u at the nodes.
    pub u: Vector,
    /// Derived fields of the own elements.
    pub fields: Vec<ElementFields>,
    /// Derived fields of the local nodes.
    pub node_fields: Vec<NodeFields>,
    /// The flux density, where it is something else than the velocity.
    pub flux: Option<Flux>,
    /// Estimated errors of the own elements.
    pub errors: Vec<f64>,
    /// The same on every rank.
    pub summary: Summary,
}

/// What is known about a solution as a whole.
pub struct Summary {
    /// How the iteration went.
    pub report: CgReport,
    /// How fast, and its levels.
    pub convergence: Convergence,
    /// Where the time of the solve went.
    pub breakdown: Breakdown,
    /// The solution in numbers.
    pub stats: SolutionStats,
    /// The condition on each part of the boundary.
    pub conditions: Vec<BoundaryCondition>,
    /// What enters and leaves the domain.
    pub flow: FlowReport,
    /// Ranks, threads and the partition.
    pub parallel: Parallel,
    /// How good the elements are before refinement.
    pub quality: MeshQuality,
    /// Stored matrix entries.
    pub matrix_nnz: u64,
    /// Nodes that elements use.
    pub used_nodes: u64,
    /// Nodes with a Dirichlet value.
    pub fixed_nodes: u64,
    /// Where the iteration went on from, if from a checkpoint.
    pub restart: Option<RestartedFrom>,
    /// What there was to warn of.
    pub warnings: Vec<String>,
}

impl Solution {
    /// The solution of several ranks as that of one, without ghost elements; nothing of none.
    pub fn merged(mut parts: Vec<Self>) -> Option<Self> {
        if parts.len() < 2 {
            return parts.pop();
        }
        let meshes: Vec<_> = parts.iter().map(|part| &part.mesh).collect();
        let mesh = merge(&meshes);
        let values = merge_nodes(parts.iter().map(|part| (part.u.local(), part.mesh.owned_nodes)));
        let mut u = Vector::from_owned(&values[..mesh.owned_nodes], values.len());
        u.local_mut().copy_from_slice(&values);
        let node_fields = merge_nodes(parts.iter().map(|part| (&part.node_fields[..], part.mesh.owned_nodes)));
        let fields = parts.iter_mut().map(|part| take(&mut part.fields)).collect::<Vec<_>>().concat();
        let fluxes: Option<Vec<Flux>> = parts.iter_mut().map(|part| take(&mut part.flux)).collect();
        let flux = fluxes.map(|fluxes| {
            let owned = parts.iter().map(|part| part.mesh.owned_nodes);
            Flux {
                nodes: merge_nodes(fluxes.iter().map(|flux| &flux.nodes[..]).zip(owned)),
                elements: fluxes.into_iter().map(|flux| flux.elements).collect::<Vec<_>>().concat(),
            }
        });
        let errors = parts.iter_mut().map(|part| take(&mut part.errors)).collect::<Vec<_>>().concat();
        let Self { summary, .. } = parts.swap_remove(0);
        Some(Self { mesh, u, fields, node_fields, flux, errors, summary })
    }
}
