//! Solution of one rank, and the merged solution of several virtual ranks.

use std::mem::take;

use crate::io::record::{Accuracy, BoundaryCondition, Convergence, Parallel, RestartedFrom, SolutionStats};
use crate::la::Vector;
use crate::la::cg::CgReport;
use crate::mesh::quality::MeshQuality;
use crate::mesh::{LocalMesh, merge, merge_nodes};
use crate::parallel::Breakdown;
use crate::post::{ElementFields, FlowReport, Flux, NodeFields};

/// Solution on the part of one rank, with its summary.
pub struct Solution {
    /// Mesh of the solve.
    pub mesh: LocalMesh,
    /// u at the nodes.
    pub u: Vector,
    /// Derived fields of the own elements.
    pub fields: Vec<ElementFields>,
    /// Derived fields of the local nodes.
    pub node_fields: Vec<NodeFields>,
    /// The flux density, where it differs from the velocity.
    pub flux: Option<Flux>,
    /// Estimated errors of the own elements.
    pub errors: Vec<f64>,
    /// Summary; the same on every rank.
    pub summary: Summary,
}

/// Summary of a solution.
pub struct Summary {
    /// Report of the iteration.
    pub report: CgReport,
    /// Rate of convergence, and the levels of the preconditioner.
    pub convergence: Convergence,
    /// Computing and communication of the solve.
    pub breakdown: Breakdown,
    /// The solution in numbers.
    pub stats: SolutionStats,
    /// The condition on each part of the boundary.
    pub conditions: Vec<BoundaryCondition>,
    /// Flow through each named boundary, and their balance.
    pub flow: FlowReport,
    /// Ranks, threads and the partition.
    pub parallel: Parallel,
    /// Quality of the elements before refinement.
    pub quality: MeshQuality,
    /// Smallest and largest k.
    pub conductivity_range: [f64; 2],
    /// Stored matrix entries.
    pub matrix_nnz: u64,
    /// Nodes that elements use.
    pub used_nodes: u64,
    /// Nodes with a Dirichlet value.
    pub fixed_nodes: u64,
    /// Checkpoint from which the iteration continued, if any.
    pub restart: Option<RestartedFrom>,
    /// Solutions of a run with `--until-error`.
    pub accuracy: Option<Accuracy>,
    /// Warnings of the solve.
    pub warnings: Vec<String>,
}

impl Solution {
    /// Merges the solutions of several ranks into one without ghost elements; returns none of an
    /// empty list.
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
