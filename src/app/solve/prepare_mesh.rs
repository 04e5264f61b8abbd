//! First step of a solve: the mesh is partitioned, distributed, checked and refined.

use std::rc::Rc;

use crate::app::case::Case;
use crate::app::solve::stage::Elements;
use crate::error::Result;
use crate::fem::check_well_posed;
use crate::mesh::partition::Partition;
use crate::mesh::quality::MeshQuality;
use crate::mesh::{BoundarySummary, DistributedMesh, Duplicates, MeshHierarchy, MeshSlab, find_duplicates};
use crate::parallel::{Comm, work};
use crate::problem::Problem;

/// Mesh of a solve with what its preparation found.
pub(super) struct PreparedMesh {
    pub hierarchy: MeshHierarchy,
    pub partition: Partition,
    /// Clockwise elements over all ranks, which were reoriented.
    pub reoriented: u64,
    /// Nodes that no element uses, over all ranks.
    pub orphans: u64,
    pub boundary: BoundarySummary,
    pub duplicates: Duplicates,
    pub quality: MeshQuality,
}

/// Returns the work units of this rank: of a step on the coarse mesh, and of its refinement.
fn units(slab: &MeshSlab, levels: u32) -> (u64, u64) {
    let step = slab.connectivity.len() as u64;
    (step, step.saturating_mul(children(levels)))
}

/// Returns the elements that one element is refined into.
fn children(levels: u32) -> u64 {
    4_u64.saturating_pow(levels)
}

/// Returns the work of [`prepare_mesh`].
pub(super) fn work_of(slab: &MeshSlab, levels: u32) -> Elements {
    let (step, refined) = units(slab, levels);
    let units = refined.saturating_mul(2).saturating_add(3 * step);
    Elements { units, total: slab.elements.total().saturating_mul(children(levels)) }
}

/// Partitions, distributes, checks and refines a mesh. **Collective.**
///
/// # Errors
/// A mesh or a partition that cannot be used, and a problem without a unique solution; the same on
/// every rank.
pub(super) fn prepare_mesh(comm: &Rc<Comm>, slab: MeshSlab, problem: &Problem, case: &Case) -> Result<PreparedMesh> {
    let levels = case.refine;
    let (step, refined) = units(&slab, levels);
    let partition = case.run.partition.partition(comm, &slab)?;
    work::done(step);
    let distributed = DistributedMesh::new(comm, slab, &partition.parts)?;
    work::done(step);
    check_well_posed(&distributed, problem)?;
    let DistributedMesh { mesh, halo, reoriented, quality, free_edges, boundary } = distributed;
    let duplicates = find_duplicates(comm, &mesh, &free_edges);
    drop(free_edges);
    let orphans = comm.sum(mesh.orphans.len() as u64);
    work::done(step);
    let hierarchy = MeshHierarchy::new(mesh, halo, levels)?;
    if levels > 0 {
        work::done(refined);
    }
    Ok(PreparedMesh { hierarchy, partition, reoriented, orphans, boundary, duplicates, quality })
}
