//! The mesh of a solve: distributed over the ranks, then refined.

use std::rc::Rc;

use crate::error::Result;
use crate::mesh::quality::MeshQuality;
use crate::mesh::{
    BoundaryRule, BoundarySummary, Distributed, EdgeNumbers, LocalMesh, MeshSlab, assign, check_edges, distribute,
    name_edges,
};
use crate::parallel::{Comm, Halo};

/// Mesh of the input, distributed over the ranks, with its named boundary.
pub struct DistributedMesh {
    /// Part of the mesh on this rank.
    pub mesh: LocalMesh,
    /// Number of clockwise elements of the whole mesh, which were reoriented.
    pub reoriented: u64,
    /// Quality of all elements of the whole mesh.
    pub quality: MeshQuality,
    /// Free edges (element, side) around the nodes of this rank: those that one element has.
    pub free_edges: Vec<(usize, usize)>,
    /// Number of edges of each boundary of the whole mesh.
    pub boundary: BoundarySummary,
}

impl DistributedMesh {
    /// Sends the elements of the slabs to the ranks of their parts, checks elements and edges, and
    /// names the boundary. `parts` has the rank of each element of this rank's slab.
    /// **Collective.**
    ///
    /// # Errors
    /// A folded element, a coordinate that is not finite, edges that do not fit together, or a
    /// named edge that does not exist or has two names; the same on every rank.
    pub fn new(comm: &Comm, mut slab: MeshSlab, parts: &[u32]) -> Result<Self> {
        let Distributed { mut mesh, reoriented, quality, .. } = distribute(comm, &mut slab, parts)?;
        let free_edges = check_edges(comm, &mesh)?;
        let boundary = name_edges(comm, &slab, &mut mesh, &free_edges)?;
        Ok(Self { mesh, reoriented, quality, free_edges, boundary })
    }

    /// Does the same as [`new`](Self::new), but a rule assigns the free edges to the boundaries of
    /// these names. **Collective.**
    ///
    /// # Errors
    /// Those of [`new`](Self::new) but for named edges, and those of the rule.
    pub fn with_rule(
        comm: &Comm,
        mut slab: MeshSlab,
        parts: &[u32],
        names: Vec<String>,
        rule: &dyn BoundaryRule,
    ) -> Result<Self> {
        let Distributed { mut mesh, reoriented, quality, .. } = distribute(comm, &mut slab, parts)?;
        let free_edges = check_edges(comm, &mesh)?;
        mesh.boundary_names = names;
        mesh.boundary = assign(comm, &mesh, &free_edges, rule)?;
        let boundary = BoundarySummary::new(comm, &mesh, &free_edges, true);
        Ok(Self { mesh, reoriented, quality, free_edges, boundary })
    }
}

/// Mesh of the input and its uniform refinement, on which the problem is solved.
pub struct MeshHierarchy {
    /// Mesh after refinement.
    pub mesh: LocalMesh,
    /// Halo of its nodes.
    pub halo: Rc<Halo>,
    /// The mesh of the input and its edges; none where it is not refined.
    coarse: Option<(LocalMesh, EdgeNumbers)>,
    levels: u32,
}

impl MeshHierarchy {
    /// Refines a distributed mesh `levels` times: every element becomes 4^`levels` elements.
    /// **Collective.**
    ///
    /// # Errors
    /// More elements than a rank can number, and ranks that disagree about owners.
    pub fn new(comm: &Rc<Comm>, coarse: LocalMesh, levels: u32) -> Result<Self> {
        let (coarse, mesh) = match levels {
            0 => (None, coarse),
            _ => {
                let edges = EdgeNumbers::new(comm, &coarse, levels)?;
                let mesh = edges.refine(&coarse, levels);
                (Some((coarse, edges)), mesh)
            }
        };
        let halo = Rc::new(mesh.halo(comm)?);
        Ok(Self { mesh, halo, coarse, levels })
    }

    /// Refines the mesh once more. **Collective.**
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn refined(&self) -> Result<Self> {
        Self::new(self.comm(), self.coarse().clone(), self.levels + 1)
    }

    /// Returns the mesh before refinement.
    pub fn coarse(&self) -> &LocalMesh {
        self.coarse.as_ref().map_or(&self.mesh, |(mesh, _)| mesh)
    }

    /// Returns the mesh after `level` refinements.
    pub(crate) fn level(&self, level: u32) -> LocalMesh {
        self.coarse.as_ref().map_or_else(|| self.mesh.clone(), |(mesh, edges)| edges.refine(mesh, level))
    }

    /// Returns the communicator of the ranks that share the mesh.
    pub fn comm(&self) -> &Rc<Comm> {
        self.halo.comm()
    }

    /// Returns the number of refinements.
    pub fn levels(&self) -> u32 {
        self.levels
    }
}
