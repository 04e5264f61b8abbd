//! The meshes that the solved one was refined from, as levels of multigrid.

use std::rc::Rc;

use super::{ElementMatrices, ElementOperator, Fixed, fixed_nodes};
use crate::error::Result;
use crate::mesh::{self, BoundaryEdge, LocalMesh};
use crate::parallel::{Comm, Halo};
use crate::problem::Problem;

/// A coarser mesh of the same domain with its operator.
pub struct CoarseMesh {
    /// The exchange of its nodal values.
    pub halo: Rc<Halo>,
    /// The mesh.
    pub mesh: LocalMesh,
    /// The operator on it.
    pub operator: ElementOperator<f32>,
    /// Its Dirichlet nodes.
    pub fixed: Fixed,
}

/// The meshes that a mesh was refined from.
pub struct Family {
    /// Finest first.
    pub coarser: Vec<CoarseMesh>,
    /// The element matrices of the last one, or of the mesh itself if there is none.
    pub elements: ElementMatrices,
}

impl Family {
    /// Integrates the meshes between `base` and its refinement `levels` times,
    /// whose element matrices are `elements`: those of a mesh are freed as soon
    /// as there is a coarser one. The list ends above a mesh that has an element
    /// folded, or a coefficient without a value, at a Gauss point: finer meshes
    /// need not have those. **Collective.**
    ///
    /// # Errors
    /// Those of [`mesh::refine`].
    pub fn new(
        comm: &Rc<Comm>,
        base: &LocalMesh,
        boundary: &[BoundaryEdge],
        problem: &Problem,
        levels: u32,
        mut elements: ElementMatrices,
    ) -> Result<Self> {
        let mut coarser = Vec::new();
        for level in (0..levels).rev() {
            let (mesh, boundary) = mesh::refine(comm, base, boundary, level)?;
            let integrated = ElementMatrices::new(&mesh, &boundary, problem);
            if comm.max(u8::from(integrated.is_err())) > 0 {
                break;
            }
            elements = integrated?;
            let halo = Rc::new(mesh.halo(comm)?);
            let fixed = fixed_nodes(&halo, &mesh, &boundary, problem)?;
            let operator = ElementOperator::new(&halo, &mesh, &elements, &fixed.fixed).to();
            coarser.push(CoarseMesh { halo, mesh, operator, fixed });
        }
        Ok(Self { coarser, elements })
    }
}
