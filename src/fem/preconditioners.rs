//! The preconditioners of a system, from the fastest to the most robust.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fem::System;
use crate::fem::multigrid::OperatorHierarchy;
use crate::fem::smoother_precision::SmootherPrecision;
use crate::fem::system::{StiffnessOperator, assemble_eliminated};
use crate::la::cg::{LONG, Patience, PreconditionerName, Preconditioners};
use crate::la::direct::Substructuring;
use crate::la::{Jacobi, PreconditionerStatistics};
use crate::mesh::MeshHierarchy;
use crate::parallel::work;

/// Kinds of preconditioners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreconditionerKind {
    /// Multigrid in single precision, with a direct solver where it is slow
    Multigrid,
    /// Division by the diagonal
    Jacobi,
}

const MULTIGRID_SINGLE: PreconditionerName = PreconditionerName { name: "multigrid", precision: "single" };
const MULTIGRID_DOUBLE: PreconditionerName = PreconditionerName { name: "multigrid", precision: "double" };
const DIRECT: PreconditionerName = PreconditionerName { name: "direct", precision: "double" };
const JACOBI: PreconditionerName = PreconditionerName { name: "jacobi", precision: "double" };

/// Multigrid in single precision; a direct solver, for problems too hard for that; and where its
/// factors would be too large, multigrid in double precision and Jacobi.
const MULTIGRID: &[PreconditionerName] = &[MULTIGRID_SINGLE, DIRECT, MULTIGRID_DOUBLE, JACOBI];
const JACOBI_ALONE: &[PreconditionerName] = &[JACOBI];

/// Preconditioners of a system, from the fastest to the most robust.
pub struct SystemPreconditioners<'a> {
    system: &'a System<'a>,
    names: &'static [PreconditionerName],
}

impl System<'_> {
    /// Builds the fastest preconditioner of a kind: single-precision multigrid, or Jacobi.
    /// **Collective.**
    ///
    /// # Errors
    /// A level that cannot be built; the same on every rank.
    pub fn preconditioner(&self, kind: PreconditionerKind) -> Result<Box<dyn PreconditionerStatistics>> {
        self.preconditioners(kind).build(0)
    }

    /// Returns the preconditioners of a kind, from the fastest to the most robust, none of them
    /// built.
    pub fn preconditioners(&self, kind: PreconditionerKind) -> SystemPreconditioners<'_> {
        SystemPreconditioners::new(self, kind)
    }
}

impl<'a> SystemPreconditioners<'a> {
    /// Lists the preconditioners of a kind, none of them built.
    fn new(system: &'a System<'a>, kind: PreconditionerKind) -> Self {
        let names = match kind {
            PreconditionerKind::Multigrid => MULTIGRID,
            PreconditionerKind::Jacobi => JACOBI_ALONE,
        };
        Self { system, names }
    }

    fn multigrid<T: SmootherPrecision>(&self) -> Result<Box<dyn PreconditionerStatistics>> {
        let System { hierarchy, problem, dirichlet, stiffness, .. } = self.system;
        let levels = OperatorHierarchy::<T>::new(hierarchy, problem, self.system.take_elements()?)?;
        Ok(Box::new(stiffness.multigrid(&hierarchy.mesh, dirichlet, levels)?))
    }

    fn direct(&self) -> Result<Box<dyn PreconditionerStatistics>> {
        let System { hierarchy, dirichlet, stiffness, .. } = self.system;
        let solver = match stiffness {
            StiffnessOperator::Assembled(matrix) => Substructuring::new(matrix)?,
            StiffnessOperator::Elements(_) => {
                Substructuring::check_unknowns(&hierarchy.halo)?;
                // The columns moved to the right-hand side with the operator.
                let mut b = vec![0.0; hierarchy.halo.map().owned()];
                let MeshHierarchy { halo, mesh, .. } = hierarchy;
                let matrix = assemble_eliminated(halo, mesh, &self.system.take_elements()?, dirichlet, &mut b);
                Substructuring::new(&matrix)?
            }
        };
        Ok(Box::new(solver))
    }
}

impl Preconditioners for SystemPreconditioners<'_> {
    fn names(&self) -> &[PreconditionerName] {
        self.names
    }

    fn patience(&self, at: usize) -> Patience {
        if self.names[at] == MULTIGRID_SINGLE { Patience::Short } else { LONG }
    }

    fn build(&mut self, at: usize) -> Result<Box<dyn PreconditionerStatistics>> {
        let operator = self.system.operator();
        let map = operator.halo().map();
        // Transfers, level operators and smoothers.
        work::expect(3 * map.owned() as u64, map.total(), "unknowns");
        match self.names[at] {
            MULTIGRID_SINGLE => self.multigrid::<f32>(),
            DIRECT => self.direct(),
            MULTIGRID_DOUBLE => self.multigrid::<f64>(),
            _ => Ok(Box::new(Jacobi::new(&operator.diagonal()))),
        }
    }
}
