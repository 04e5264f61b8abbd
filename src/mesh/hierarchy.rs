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
    /// Halo of its nodes.
    pub halo: Rc<Halo>,
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
    /// A folded element, a coordinate that is not finite, edges that do not fit together, a named
    /// edge that does not exist or has two names, or ranks that disagree about owners; the same on
    /// every rank.
    pub fn new(comm: &Rc<Comm>, mut slab: MeshSlab, parts: &[u32]) -> Result<Self> {
        let Distributed { mut mesh, reoriented, quality, .. } = distribute(comm, &mut slab, parts)?;
        let free_edges = check_edges(comm, &mesh)?;
        let boundary = name_edges(comm, &slab, &mut mesh, &free_edges)?;
        let halo = Rc::new(mesh.halo(comm)?);
        Ok(Self { mesh, halo, reoriented, quality, free_edges, boundary })
    }

    /// Does the same as [`new`](Self::new), but a rule assigns the free edges to the boundaries of
    /// these names. **Collective.**
    ///
    /// # Errors
    /// Those of [`new`](Self::new) but for named edges, and those of the rule.
    pub fn with_rule(
        comm: &Rc<Comm>,
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
        let halo = Rc::new(mesh.halo(comm)?);
        Ok(Self { mesh, halo, reoriented, quality, free_edges, boundary })
    }
}

/// Mesh of the input and its uniform refinement, on which the problem is solved.
pub struct MeshHierarchy {
    /// Mesh after refinement.
    pub mesh: LocalMesh,
    /// Halo of its nodes.
    pub halo: Rc<Halo>,
    /// The mesh of the input; none where it is not refined.
    coarse: Option<CoarseMesh>,
    levels: u32,
}

/// Mesh before refinement.
struct CoarseMesh {
    mesh: LocalMesh,
    halo: Rc<Halo>,
    edges: EdgeNumbers,
}

impl MeshHierarchy {
    /// Refines a distributed mesh with this halo `levels` times: every element becomes 4^`levels`
    /// elements. **Collective.**
    ///
    /// # Errors
    /// More elements than a rank can number, and ranks that disagree about owners.
    pub fn new(mesh: LocalMesh, halo: Rc<Halo>, levels: u32) -> Result<Self> {
        if levels == 0 {
            return Ok(Self { mesh, halo, coarse: None, levels });
        }
        let edges = EdgeNumbers::new(&halo, &mesh, levels)?;
        let refined = edges.refine(&mesh, levels);
        let of_refined = Rc::new(refined.halo(halo.comm())?);
        Ok(Self { mesh: refined, halo: of_refined, coarse: Some(CoarseMesh { mesh, halo, edges }), levels })
    }

    /// Refines the mesh once more. **Collective.**
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn refined(&self) -> Result<Self> {
        let halo = self.coarse.as_ref().map_or(&self.halo, |coarse| &coarse.halo);
        Self::new(self.coarse().clone(), Rc::clone(halo), self.levels + 1)
    }

    /// Returns the mesh before refinement.
    pub fn coarse(&self) -> &LocalMesh {
        self.coarse.as_ref().map_or(&self.mesh, |coarse| &coarse.mesh)
    }

    /// Returns the mesh after `level` refinements, fewer than [`levels`](Self::levels), and its
    /// halo. **Collective.**
    ///
    /// # Errors
    /// Ranks that disagree about owners.
    pub(crate) fn level(&self, level: u32) -> Result<(LocalMesh, Rc<Halo>)> {
        match &self.coarse {
            Some(CoarseMesh { mesh, edges, .. }) if level > 0 => {
                let mesh = edges.refine(mesh, level);
                let halo = Rc::new(mesh.halo(self.comm())?);
                Ok((mesh, halo))
            }
            Some(CoarseMesh { mesh, halo, .. }) => Ok((mesh.clone(), Rc::clone(halo))),
            None => Ok((self.mesh.clone(), Rc::clone(&self.halo))),
        }
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
