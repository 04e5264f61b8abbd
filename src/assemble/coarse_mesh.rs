//! The meshes that the solved one was refined from, as levels of multigrid.

use std::rc::Rc;

use super::{ElementMatrices, Fixed, fixed_nodes};
use crate::error::{Error, Result};
use crate::mesh::{self, BoundaryEdge, LocalMesh};
use crate::parallel::{Comm, Halo};
use crate::problem::Problem;

/// A coarser mesh of the same domain, integrated.
pub struct CoarseMesh {
    /// The exchange of its nodal values.
    pub halo: Rc<Halo>,
    /// The mesh.
    pub mesh: LocalMesh,
    /// Its element matrices.
    pub elements: ElementMatrices,
    /// Its Dirichlet nodes.
    pub fixed: Fixed,
}

impl CoarseMesh {
    /// The meshes between `base` and its refinement `levels` times, finest
    /// first. The list ends above a mesh that has an element folded at a Gauss
    /// point, which finer meshes need not have. **Collective.**
    ///
    /// # Errors
    /// Those of [`mesh::refine`].
    pub fn family(
        comm: &Rc<Comm>,
        base: &LocalMesh,
        boundary: &[BoundaryEdge],
        problem: &Problem,
        levels: u32,
    ) -> Result<Vec<Self>> {
        let mut family = Vec::new();
        for level in (0..levels).rev() {
            let (mesh, boundary) = mesh::refine(comm, base, boundary, level)?;
            match comm.agree(ElementMatrices::new(&mesh, &boundary, problem)) {
                Ok(elements) => {
                    let halo = Rc::new(mesh.halo(comm)?);
                    let fixed = fixed_nodes(&halo, &mesh, &boundary, problem);
                    family.push(Self { halo, mesh, elements, fixed });
                }
                Err(Error::BadJacobian { .. }) => break,
                Err(other) => return Err(other),
            }
        }
        Ok(family)
    }
}
