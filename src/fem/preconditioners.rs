//! The preconditioners of a system, from the fastest to the most robust.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

use crate::error::Result;
use crate::fem::multigrid::MeshHierarchy;
use crate::fem::{DirichletBc, ElementMatrices, StiffnessOperator};
use crate::la::cg::{PreconditionerName, Preconditioners};
use crate::la::{Jacobi, Preconditioner, Scalar};
use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::parallel::{Comm, work};
use crate::problem::Problem;

/// The preconditioners to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreconditionerKind {
    /// Corners of the elements, then smoothed aggregation
    Multigrid,
    /// Division by the diagonal
    Jacobi,
}

const MULTIGRID_SINGLE: PreconditionerName = PreconditionerName { name: "multigrid", precision: "single" };
const MULTIGRID_DOUBLE: PreconditionerName = PreconditionerName { name: "multigrid", precision: "double" };
const JACOBI: PreconditionerName = PreconditionerName { name: "jacobi", precision: "double" };

/// Multigrid in single precision; in double precision, for problems too stiff for that; and Jacobi.
pub const MULTIGRID: &[PreconditionerName] = &[MULTIGRID_SINGLE, MULTIGRID_DOUBLE, JACOBI];
/// Jacobi alone.
pub const JACOBI_ALONE: &[PreconditionerName] = &[JACOBI];

/// All that a preconditioner of a system is built from.
pub struct SystemPreconditioners<'a> {
    /// The ranks that solve.
    pub comm: &'a Rc<Comm>,
    /// The problem.
    pub problem: &'a Problem,
    /// The mesh that is solved and its named boundary edges.
    pub mesh: (&'a LocalMesh, &'a [BoundaryEdge]),
    /// The same before refinement.
    pub base: (&'a LocalMesh, &'a [BoundaryEdge]),
    /// Levels of refinement.
    pub levels: u32,
    /// The Dirichlet nodes.
    pub fixed: &'a DirichletBc,
    /// The operator.
    pub stiffness: &'a StiffnessOperator,
    /// The element matrices, for the first preconditioner: a later one integrates them again.
    pub elements: Option<ElementMatrices>,
    /// [`MULTIGRID`] or [`JACOBI_ALONE`].
    pub names: &'static [PreconditionerName],
}

impl SystemPreconditioners<'_> {
    fn multigrid<T: Scalar>(&self, elements: Option<ElementMatrices>) -> Result<Box<dyn Preconditioner>> {
        let Self { comm, problem, mesh: (mesh, boundary), base, levels, fixed, stiffness, .. } = *self;
        let elements = match elements {
            Some(elements) => elements,
            None => comm.agree(ElementMatrices::new(mesh, boundary, problem))?,
        };
        let family = MeshHierarchy::<T>::new(comm, mesh, base, problem, levels, elements)?;
        Ok(Box::new(stiffness.multigrid(mesh, fixed, family)?))
    }
}

impl Preconditioners for SystemPreconditioners<'_> {
    fn names(&self) -> &[PreconditionerName] {
        self.names
    }

    fn build(&mut self, at: usize) -> Result<Box<dyn Preconditioner>> {
        let elements = self.elements.take();
        let halo = self.stiffness.operator().halo();
        // For the transfers between the levels, their operators, and their smoothers.
        work::expect(3 * halo.map().owned() as u64, halo.map().total(), "unknowns");
        match self.names[at] {
            MULTIGRID_SINGLE => self.multigrid::<f32>(elements),
            MULTIGRID_DOUBLE => self.multigrid::<f64>(elements),
            _ => Ok(Box::new(Jacobi::new(&self.stiffness.operator().diagonal()))),
        }
    }
}
