//! The meshes that the solved one was refined from, as levels of multigrid.

use std::rc::Rc;

use crate::error::Result;
use crate::fem::multigrid::children;
use crate::fem::{DirichletBc, ElementMatrices, ElementOperator, dirichlet_nodes};
use crate::la::Scalar;
use crate::mesh;
use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::parallel::{Comm, Halo, LocalIndex};
use crate::problem::Problem;

/// A coarser mesh of the same domain with its operator.
pub struct MeshLevel<T> {
    /// The exchange of its nodal values.
    pub halo: Rc<Halo>,
    /// The mesh.
    pub mesh: LocalMesh,
    /// The [`children`] of its own elements in the next finer one.
    pub children: Vec<[LocalIndex; 4]>,
    /// The operator on it.
    pub operator: ElementOperator<T>,
    /// Its Dirichlet nodes.
    pub fixed: DirichletBc,
}

/// The meshes that a mesh was refined from.
pub struct MeshHierarchy<T = f32> {
    /// Finest first.
    pub coarser: Vec<MeshLevel<T>>,
    /// The element matrices of the last one, or of the mesh itself if there is none.
    pub elements: ElementMatrices,
}

impl<T: Scalar> MeshHierarchy<T> {
    /// The meshes between `base` and `mesh`, its refinement `levels` times, whose
    /// element matrices are `elements`: those of a mesh are freed as soon as there
    /// is a coarser one. **Collective.**
    ///
    /// # Errors
    /// Those of [`mesh::refine`], and [`Error::Inconsistent`](crate::error::Error::Inconsistent) if ranks disagree about owners.
    pub fn new(
        comm: &Rc<Comm>,
        mesh: &LocalMesh,
        (base, boundary): (&LocalMesh, &[BoundaryEdge]),
        problem: &Problem,
        levels: u32,
        mut elements: ElementMatrices,
    ) -> Result<Self> {
        let mut coarser: Vec<MeshLevel<T>> = Vec::new();
        for level in (0..levels).rev() {
            let finer = coarser.last().map_or(mesh, |last| &last.mesh);
            let (mesh, boundary) = mesh::refine(comm, base, boundary, level)?;
            let children = children(&mesh, finer);
            elements = elements.coarsened(comm, &mesh, &children)?;
            let halo = Rc::new(mesh.halo(comm)?);
            let fixed = dirichlet_nodes(&halo, &mesh, &boundary, problem)?;
            let operator = ElementOperator::new(&halo, &mesh, &elements, &fixed.fixed).to();
            coarser.push(MeshLevel { halo, mesh, children, operator, fixed });
        }
        Ok(Self { coarser, elements })
    }
}
