//! The eliminated system K u = b.

use std::rc::Rc;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fem::multigrid::{HTransfer, MeshHierarchy, PCoarsening};
use crate::fem::{DirichletBc, ElementMatrices, ElementOperator, assemble_csr};
use crate::la::matrix::DistributedCsr;
use crate::la::multigrid::{Coarsening, MatrixTransfer, Multigrid, Transfer};
use crate::la::{LinearOperator, Scalar};
use crate::mesh::LocalMesh;
use crate::parallel::{Halo, work};

/// The ways to keep the stiffness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorKind {
    /// Element by element: fastest, least memory
    Elements,
    /// As a distributed matrix of compressed rows
    Assembled,
}

/// How K is kept.
pub enum StiffnessOperator {
    /// Element by element: fastest, and least memory.
    Elements(ElementOperator<f64>),
    /// As compressed rows.
    Assembled(DistributedCsr),
}

impl StiffnessOperator {
    /// Element by element, with the fixed nodes taken to the right side `b`.
    /// **Collective.**
    pub fn elements(
        halo: &Rc<Halo>,
        mesh: &LocalMesh,
        elements: &ElementMatrices,
        fixed: &DirichletBc,
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
        fixed: &DirichletBc,
        b: &mut [f64],
    ) -> Self {
        let mut matrix = assemble_csr(halo, &mesh.elements, |e, a| elements.row(e, a));
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

    /// Multigrid for this operator: the meshes of the `family` (finest first),
    /// then the corners of the last, then aggregates. **Collective.**
    ///
    /// # Errors
    /// [`Error::Inconsistent`](crate::error::Error::Inconsistent) if ranks disagree about owners.
    pub fn multigrid<T: Scalar>(
        &self,
        mesh: &LocalMesh,
        fixed: &DirichletBc,
        family: MeshHierarchy<T>,
    ) -> Result<Multigrid<T>> {
        let MeshHierarchy { coarser, elements } = family;
        let mut transfers: Vec<Box<dyn Transfer<T>>> = Vec::new();
        let (mut halo, mut mesh, mut fixed) = (self.operator().halo(), mesh, fixed);
        for level in &coarser {
            transfers.push(Box::new(HTransfer::new(
                &level.halo,
                &level.mesh,
                &level.fixed.fixed,
                mesh,
                &level.children,
            )));
            work::done((mesh.owned_nodes - level.mesh.owned_nodes) as u64);
            (halo, mesh, fixed) = (&level.halo, &level.mesh, &level.fixed);
        }
        let PCoarsening { prolongation, matrix } = PCoarsening::new(halo, mesh, &elements, &fixed.fixed)?;
        drop(elements);
        work::done(mesh.owned_nodes as u64);
        transfers.push(Box::new(MatrixTransfer::new(prolongation).to()));
        let mut operators: Vec<Box<dyn LinearOperator<T>>> = vec![match self {
            Self::Elements(operator) => Box::new(operator.to()),
            Self::Assembled(matrix) => Box::new(matrix.to()),
        }];
        work::done(self.operator().halo().map().owned() as u64);
        operators.extend(coarser.into_iter().map(|level| Box::new(level.operator) as Box<dyn LinearOperator<T>>));
        let levels = operators.into_iter().zip(transfers);
        Multigrid::new(levels.map(|(operator, transfer)| Coarsening { operator, transfer }).collect(), matrix)
    }
}
