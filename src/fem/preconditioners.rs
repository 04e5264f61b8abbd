//! The preconditioners of a system, from the fastest to the most robust.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fem::multigrid::OperatorHierarchy;
use crate::fem::{ElementMatrices, System};
use crate::la::cg::{PreconditionerName, Preconditioners};
use crate::la::{Jacobi, PreconditionerStatistics, Scalar};
use crate::parallel::work;

/// Kinds of preconditioners.
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
const MULTIGRID: &[PreconditionerName] = &[MULTIGRID_SINGLE, MULTIGRID_DOUBLE, JACOBI];
const JACOBI_ALONE: &[PreconditionerName] = &[JACOBI];

/// Preconditioners of a system, from the fastest to the most robust.
pub struct SystemPreconditioners<'a> {
    system: &'a System<'a>,
    names: &'static [PreconditionerName],
}

impl<'a> SystemPreconditioners<'a> {
    /// Lists the preconditioners of a kind, none of them built.
    pub(super) fn new(system: &'a System<'a>, kind: PreconditionerKind) -> Self {
        let names = match kind {
            PreconditionerKind::Multigrid => MULTIGRID,
            PreconditionerKind::Jacobi => JACOBI_ALONE,
        };
        Self { system, names }
    }

    fn multigrid<T: Scalar>(&self, elements: Option<ElementMatrices>) -> Result<Box<dyn PreconditionerStatistics>> {
        let System { hierarchy, problem, dirichlet, stiffness, .. } = self.system;
        let mesh = &hierarchy.mesh;
        let elements = match elements {
            Some(elements) => elements,
            None => hierarchy.comm().agree(ElementMatrices::new(mesh, problem))?,
        };
        let levels = OperatorHierarchy::<T>::new(hierarchy, problem, elements)?;
        Ok(Box::new(stiffness.multigrid(mesh, dirichlet, levels)?))
    }
}

impl Preconditioners for SystemPreconditioners<'_> {
    fn names(&self) -> &[PreconditionerName] {
        self.names
    }

    fn build(&mut self, at: usize) -> Result<Box<dyn PreconditionerStatistics>> {
        let elements = self.system.elements.take();
        let operator = self.system.operator();
        let map = operator.halo().map();
        // Transfers, level operators and smoothers.
        work::expect(3 * map.owned() as u64, map.total(), "unknowns");
        match self.names[at] {
            MULTIGRID_SINGLE => self.multigrid::<f32>(elements),
            MULTIGRID_DOUBLE => self.multigrid::<f64>(elements),
            _ => Ok(Box::new(Jacobi::new(&operator.diagonal()))),
        }
    }
}
