//! The linear system K u = b of a problem on a mesh.

use std::cell::Cell;
use std::rc::Rc;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fem::multigrid::{HTransfer, MeshLevel, OperatorHierarchy, PCoarsening};
use crate::fem::smoother_precision::SmootherPrecision;
use crate::fem::{
    DirichletBc, ElementMatrices, ElementOperator, assemble_csr, dirichlet_nodes, load_vector, well_loads,
};
use crate::la::cg::Rhs;
use crate::la::matrix::DistributedCsr;
use crate::la::multigrid::{LevelOperator, Multigrid, Transfer};
use crate::la::{MatrixEntries, Scalar, Vector};
use crate::mesh::{LocalMesh, MeshHierarchy};
use crate::parallel::{Halo, work};
use crate::problem::Problem;

/// Forms of the stiffness operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorKind {
    /// Element by element: fastest, least memory
    Elements,
    /// As a distributed matrix of compressed rows
    Assembled,
}

/// Stiffness operator K with its Dirichlet rows and columns eliminated.
pub enum StiffnessOperator {
    /// Applied element by element: fastest, and least memory.
    Elements(ElementOperator<f64>),
    /// Stored as compressed rows.
    Assembled(DistributedCsr),
}

impl StiffnessOperator {
    /// Builds the operator from the element matrices, and moves the Dirichlet columns to the
    /// right-hand side `b` (one value an owned node).
    pub fn new(
        kind: OperatorKind,
        halo: &Rc<Halo>,
        mesh: &LocalMesh,
        elements: &ElementMatrices,
        dirichlet: &DirichletBc,
        b: &mut [f64],
    ) -> Self {
        match kind {
            OperatorKind::Elements => {
                let operator = ElementOperator::new(halo, mesh, elements, dirichlet.nodes());
                operator.eliminate(&dirichlet.values(), b);
                Self::Elements(operator)
            }
            OperatorKind::Assembled => Self::Assembled(assemble_eliminated(halo, mesh, elements, dirichlet, b)),
        }
    }

    /// Returns the operator.
    pub fn operator(&self) -> &dyn MatrixEntries {
        match self {
            Self::Elements(operator) => operator,
            Self::Assembled(matrix) => matrix,
        }
    }

    /// Builds multigrid for this operator on `mesh`: the meshes of the hierarchy, then the corners
    /// of the coarsest one, then aggregates. **Collective.**
    ///
    /// # Errors
    /// Ranks that disagree about owners.
    pub fn multigrid<T: SmootherPrecision>(
        &self,
        mesh: &LocalMesh,
        dirichlet: &DirichletBc,
        hierarchy: OperatorHierarchy<T>,
    ) -> Result<Multigrid<T>> {
        let OperatorHierarchy { coarser, elements } = hierarchy;
        let mut transfers: Vec<Box<dyn Transfer<T>>> = Vec::new();
        let (mut halo, mut mesh, mut dirichlet) = (self.operator().halo(), mesh, dirichlet);
        for level in &coarser {
            transfers.push(Box::new(transfer_from(level, mesh)));
            work::done((mesh.owned_nodes - level.mesh.owned_nodes) as u64);
            (halo, mesh, dirichlet) = (&level.halo, &level.mesh, &level.dirichlet);
        }
        let PCoarsening { transfer, matrix, is_slender } = PCoarsening::new(halo, mesh, &elements, &dirichlet.fixed())?;
        drop(elements);
        work::done(mesh.owned_nodes as u64);
        transfers.push(Box::new(transfer));
        let coarser: Vec<ElementOperator<T>> = coarser.into_iter().map(|level| level.operator).collect();
        let operators = || {
            let finest = match self {
                Self::Elements(operator) => LevelOperator::new(operator, T::smoother_operator),
                Self::Assembled(matrix) => LevelOperator::of_matrix::<T>(matrix),
            };
            work::done(self.operator().halo().map().owned() as u64);
            let coarser = coarser.into_iter().map(|operator| LevelOperator::new(&operator, T::smoother_operator));
            std::iter::once(finest).chain(coarser).collect()
        };
        Ok(Multigrid::new(transfers, matrix, !is_slender, operators))
    }
}

/// Assembles the matrix without its Dirichlet rows and columns, and moves these columns to the
/// right-hand side `b` (one value an owned node).
pub(super) fn assemble_eliminated(
    halo: &Rc<Halo>,
    mesh: &LocalMesh,
    elements: &ElementMatrices,
    dirichlet: &DirichletBc,
    b: &mut [f64],
) -> DistributedCsr {
    let mut matrix = assemble_csr(halo, &mesh.elements, |e, a| elements.row(e, a));
    matrix.eliminate(&dirichlet.fixed(), &dirichlet.values(), b);
    matrix
}

/// Returns the transfer between a coarser mesh and the next finer one.
fn transfer_from<T: Scalar>(level: &MeshLevel<T>, finer: &LocalMesh) -> HTransfer<T> {
    HTransfer::new(&level.halo, &level.mesh, level.dirichlet.nodes(), finer, &level.children)
}

/// Element matrices and load vector of a problem: its system before Dirichlet values are imposed.
pub struct ElementSystem<'a> {
    hierarchy: &'a MeshHierarchy,
    problem: &'a Problem,
    elements: ElementMatrices,
    load: Vec<f64>,
}

impl<'a> ElementSystem<'a> {
    /// Integrates the stiffness and the load of every element. **Collective.**
    ///
    /// # Errors
    /// A folded element, or a coefficient without a usable value; the same on every rank.
    pub fn integrate(hierarchy: &'a MeshHierarchy, problem: &'a Problem) -> Result<Self> {
        let (comm, mesh) = (hierarchy.comm(), &hierarchy.mesh);
        let elements = ElementMatrices::new(mesh, problem);
        let elements = comm.agree(elements)?;
        let mut load = comm.agree(load_vector(mesh, problem))?;
        for (element, values) in well_loads(comm, mesh, problem)? {
            for (&node, value) in mesh.elements[element].iter().zip(values) {
                load.get_mut(node as usize).into_iter().for_each(|load| *load += value);
            }
        }
        Ok(Self { hierarchy, problem, elements, load })
    }

    /// Imposes the Dirichlet values and builds the operator. **Collective.**
    ///
    /// # Errors
    /// A Dirichlet value that is not finite; the same on every rank.
    pub fn apply_bc(self, kind: OperatorKind) -> Result<System<'a>> {
        let Self { hierarchy, problem, elements, load: mut b } = self;
        let (halo, mesh) = (&hierarchy.halo, &hierarchy.mesh);
        let dirichlet = dirichlet_nodes(halo, mesh, problem)?;
        let stiffness = StiffnessOperator::new(kind, halo, mesh, &elements, &dirichlet, &mut b);
        let elements = Cell::new(Some(elements));
        Ok(System { hierarchy, problem, dirichlet, stiffness, rhs: Rhs::new(b), elements })
    }
}

/// Linear system of a problem on a mesh, with its boundary conditions.
pub struct System<'a> {
    pub(super) hierarchy: &'a MeshHierarchy,
    pub(super) problem: &'a Problem,
    pub(super) dirichlet: DirichletBc,
    pub(super) stiffness: StiffnessOperator,
    /// Taken by the first preconditioner.
    elements: Cell<Option<ElementMatrices>>,
    rhs: Rhs,
}

impl<'a> System<'a> {
    /// Assembles the system of a problem. **Collective.**
    ///
    /// # Errors
    /// A folded element, or data of the problem without a usable value; the same on every rank.
    pub fn assemble(hierarchy: &'a MeshHierarchy, problem: &'a Problem, kind: OperatorKind) -> Result<Self> {
        ElementSystem::integrate(hierarchy, problem)?.apply_bc(kind)
    }

    /// Returns the operator K.
    pub fn operator(&self) -> &dyn MatrixEntries {
        self.stiffness.operator()
    }

    /// Returns the right-hand side b.
    pub fn rhs(&self) -> &Rhs {
        &self.rhs
    }

    /// Returns the mesh with its halo.
    pub fn hierarchy(&self) -> &'a MeshHierarchy {
        self.hierarchy
    }

    /// Returns the problem.
    pub fn problem(&self) -> &'a Problem {
        self.problem
    }

    /// Returns the mesh.
    pub fn mesh(&self) -> &'a LocalMesh {
        &self.hierarchy.mesh
    }

    /// Returns the Dirichlet values.
    pub fn dirichlet(&self) -> &DirichletBc {
        &self.dirichlet
    }

    /// Returns the right-hand side that Dirichlet values alone give, without sources and Robin
    /// conditions. `values` holds those of the local nodes, 0 at free nodes. **Collective.**
    ///
    /// # Errors
    /// Those of the assembly.
    pub fn dirichlet_rhs(&self, values: &[f64]) -> Result<Rhs> {
        let MeshHierarchy { halo, mesh, .. } = self.hierarchy;
        let mut b = vec![0.0; mesh.owned_nodes];
        match &self.stiffness {
            StiffnessOperator::Elements(operator) => operator.eliminate(values, &mut b),
            StiffnessOperator::Assembled(_) => {
                let elements = self.take_elements()?;
                ElementOperator::new(halo, mesh, &elements, self.dirichlet.nodes()).eliminate(values, &mut b);
                self.elements.set(Some(elements));
            }
        }
        Ok(Rhs::new(b))
    }

    /// Returns the element matrices: those of the operator the first time, integrated again later.
    /// **Collective.**
    ///
    /// # Errors
    /// Those of the integration.
    pub(super) fn take_elements(&self) -> Result<ElementMatrices> {
        let Self { hierarchy, problem, elements, .. } = self;
        match elements.take() {
            Some(elements) => Ok(elements),
            None => hierarchy.comm().agree(ElementMatrices::new(&hierarchy.mesh, problem)),
        }
    }

    /// Replaces the problem by one that differs in its Dirichlet values. The right-hand side stays.
    /// **Collective.**
    ///
    /// # Errors
    /// A Dirichlet value that is not finite; the same on every rank.
    pub fn with_values_of(self, problem: &'a Problem) -> Result<Self> {
        let dirichlet = dirichlet_nodes(&self.hierarchy.halo, self.mesh(), problem)?;
        Ok(Self { problem, dirichlet, ..self })
    }

    /// Returns the null vector of the system, with ghosts.
    pub fn zeros(&self) -> Vector {
        Vector::zeros(self.hierarchy.halo.map())
    }

    /// Returns the iterate of the solver for values of u at the nodes.
    pub fn iterate_of(&self, mut u: Vector) -> Vector {
        self.dirichlet.clear(&mut u);
        u
    }

    /// Returns the solution of the problem from the iterate `x` of the solver, and frees operator
    /// and right-hand side. **Collective.**
    pub fn recover_solution(self, x: Vector) -> DiscreteSolution<'a> {
        let Self { hierarchy, problem, dirichlet, .. } = self;
        let mut u = x;
        dirichlet.impose(&hierarchy.halo, &mut u);
        DiscreteSolution { hierarchy, problem, dirichlet, u }
    }
}

/// Solution of a problem on a mesh: the potential at the nodes.
pub struct DiscreteSolution<'a> {
    /// Mesh with its halo.
    pub hierarchy: &'a MeshHierarchy,
    /// Problem that is solved.
    pub problem: &'a Problem,
    /// Prescribed values.
    pub dirichlet: DirichletBc,
    /// Potential u, with ghosts.
    pub u: Vector,
}
