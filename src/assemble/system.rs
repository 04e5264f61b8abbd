//! The eliminated system K u = b.

use std::rc::Rc;

use super::{CoarseMesh, Corners, ElementMatrices, ElementOperator, Fixed, Nested, sum_elements};
use crate::error::Result;
use crate::la::{Coarsening, DistributedCsr, LinearOperator, MatrixTransfer, Multigrid};
use crate::mesh::LocalMesh;
use crate::parallel::Halo;

/// How K is kept.
pub enum Stiffness {
    /// Element by element: fastest, and least memory.
    Elements(ElementOperator<f64>),
    /// As compressed rows.
    Assembled(DistributedCsr),
}

impl Stiffness {
    /// Element by element, with the fixed nodes taken to the right side `b`.
    /// **Collective.**
    pub fn elements(
        halo: &Rc<Halo>,
        mesh: &LocalMesh,
        elements: &ElementMatrices,
        fixed: &Fixed,
        b: &mut [f64],
    ) -> Self {
        let operator = ElementOperator::new(halo, mesh, elements, &fixed.fixed);
        operator.eliminate(&fixed.values, b);
        Self::Elements(operator)
    }

    /// As compressed rows, with the fixed nodes taken to the right side `b`.
    pub fn assembled(
        halo: &Rc<Halo>,
        mesh: &LocalMesh,
        elements: &ElementMatrices,
        fixed: &Fixed,
        b: &mut [f64],
    ) -> Self {
        let mut matrix = sum_elements(halo, &mesh.elements, |e, a| elements.row(e, a));
        matrix.eliminate(&fixed.fixed, &fixed.values, b);
        Self::Assembled(matrix)
    }

    /// The operator.
    pub fn operator(&self) -> &dyn LinearOperator {
        match self {
            Self::Elements(operator) => operator,
            Self::Assembled(matrix) => matrix,
        }
    }

    /// Multigrid for this operator: the `coarser` meshes that the mesh was
    /// refined from (finest first), then the corners of the last, then
    /// aggregates. Element matrices are freed as soon as they are of no more
    /// use. **Collective.**
    ///
    /// # Errors
    /// [`Error::Inconsistent`](crate::Error::Inconsistent) if ranks disagree about owners.
    pub fn multigrid(
        &self,
        mesh: &LocalMesh,
        elements: ElementMatrices,
        fixed: &Fixed,
        coarser: Vec<CoarseMesh>,
    ) -> Result<Multigrid> {
        let elements = coarser.is_empty().then_some(elements);
        let mut operator: Box<dyn LinearOperator<f32>> = match self {
            Self::Elements(operator) => Box::new(operator.to()),
            Self::Assembled(matrix) => Box::new(matrix.to()),
        };
        let mut nested = Vec::new();
        let mut fine = mesh;
        for CoarseMesh { halo, mesh, elements, fixed } in &coarser {
            let transfer = Box::new(Nested::new(halo, mesh, &fixed.fixed, fine));
            let next = Box::new(ElementOperator::new(halo, mesh, elements, &fixed.fixed).to());
            nested.push(Coarsening { operator: std::mem::replace(&mut operator, next), transfer });
            fine = mesh;
        }
        let last = coarser.last().map(|level| (&level.mesh, &level.elements, &level.fixed));
        let Some((mesh, elements, fixed)) = last.or(elements.as_ref().map(|elements| (mesh, elements, fixed))) else {
            unreachable!("the element matrices are kept where no coarser mesh has any");
        };
        let Corners { prolongation, matrix } = Corners::new(operator.halo(), mesh, elements, &fixed.fixed)?;
        drop(coarser);
        nested.push(Coarsening { operator, transfer: Box::new(MatrixTransfer::new(prolongation).to()) });
        Multigrid::new(nested, matrix)
    }
}
