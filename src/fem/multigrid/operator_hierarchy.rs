//! The coarser meshes of geometric multigrid and the operators on them.

use std::rc::Rc;

use crate::error::Result;
use crate::fem::multigrid::children;
use crate::fem::{DirichletBc, ElementMatrices, ElementOperator};
use crate::la::Scalar;
use crate::mesh::{LocalMesh, MeshHierarchy};
use crate::parallel::{Halo, LocalIndex};
use crate::problem::Problem;

/// Coarser mesh of the same domain with its operator.
pub struct MeshLevel<T> {
    /// Halo of its nodes.
    pub halo: Rc<Halo>,
    /// Mesh of the level.
    pub mesh: LocalMesh,
    /// [`children`] of its own elements in the next finer mesh.
    pub children: Vec<[LocalIndex; 4]>,
    /// Operator of the level.
    pub operator: ElementOperator<T>,
    /// Dirichlet nodes of the level.
    pub dirichlet: DirichletBc,
}

/// Coarser meshes of a [`MeshHierarchy`] with their operators.
pub struct OperatorHierarchy<T = f32> {
    /// Levels, finest first.
    pub coarser: Vec<MeshLevel<T>>,
    /// Element matrices of the coarsest mesh, which is the finest one where there is no other.
    pub elements: ElementMatrices,
}

impl<T: Scalar> OperatorHierarchy<T> {
    /// Builds the operators of the coarser meshes from the element matrices of the finest one. The
    /// element matrices of a level are freed as soon as those of the next one exist.
    /// **Collective.**
    ///
    /// # Errors
    /// Ranks that disagree about owners.
    pub fn new(hierarchy: &MeshHierarchy, problem: &Problem, mut elements: ElementMatrices) -> Result<Self> {
        let comm = hierarchy.comm();
        let mut coarser: Vec<MeshLevel<T>> = Vec::new();
        for level in (0..hierarchy.levels()).rev() {
            let finer = coarser.last().map_or(&hierarchy.mesh, |last| &last.mesh);
            let (mesh, halo) = hierarchy.level(level)?;
            let children = children(&mesh, finer);
            elements = elements.coarsened(comm, &mesh, &children);
            let dirichlet = DirichletBc::of_coarser(&halo, &mesh, problem);
            let operator = ElementOperator::new(&halo, &mesh, &elements, dirichlet.nodes()).to();
            coarser.push(MeshLevel { halo, mesh, children, operator, dirichlet });
        }
        Ok(Self { coarser, elements })
    }
}
