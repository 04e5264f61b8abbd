//! The way from a mesh to a solution, as the program goes it, on all ranks or
//! on this one alone.

use std::ops::Deref;
use std::rc::Rc;

use mpi::topology::SimpleCommunicator;
use quad8_mpi::Result;
use quad8_mpi::fem::{DirichletBc, ElementMatrices, assemble_csr, check_well_posed, dirichlet_nodes, load_vector};
use quad8_mpi::la::cg::{CgOptions, CgReport, conjugate_gradient};
use quad8_mpi::la::matrix::DistributedCsr;
use quad8_mpi::la::{Jacobi, LinearOperator, Vector};
use quad8_mpi::mesh::partition::{Partition, PartitionOptions, Partitioner, partition};
use quad8_mpi::mesh::{BoundaryRule, DistributedMesh, MeshHierarchy};
use quad8_mpi::parallel::{Comm, GlobalIndex};
use quad8_mpi::problem::{Condition, Field, Problem};

use super::meshes::Mesh;

/// Returns a communicator of this rank alone, for the result of one rank.
pub fn alone() -> Rc<Comm> {
    Rc::new(Comm::new(SimpleCommunicator::self_comm()))
}

/// Returns the rule that condition 0 holds on the whole boundary.
pub fn everywhere(_: &[[f64; 2]; 3]) -> Option<u16> {
    Some(0)
}

/// Returns the problem -div(grad u) = 0 with u = g as condition 0.
pub fn dirichlet(g: Field) -> Problem {
    Problem { conditions: vec![Condition::Dirichlet(g)], ..Problem::channel(0.0) }
}

/// A mesh that is ready for assembly.
pub struct Model {
    pub hierarchy: MeshHierarchy,
    pub partition: Partition,
    pub reoriented: u64,
}

impl Deref for Model {
    type Target = MeshHierarchy;

    fn deref(&self) -> &MeshHierarchy {
        &self.hierarchy
    }
}

/// An assembled problem with its Dirichlet conditions built in.
pub struct System {
    pub matrix: DistributedCsr,
    pub b: Vec<f64>,
    pub fixed: DirichletBc,
}

impl Model {
    /// Partitions, distributes and refines a mesh that fits the problem. **Collective.**
    pub fn new(comm: &Rc<Comm>, mesh: &Mesh, rule: &dyn BoundaryRule, problem: &Problem, levels: u32) -> Result<Self> {
        let slab = mesh.slab(comm)?;
        let partition = partition(comm, &slab, &PartitionOptions::ranks(comm, Partitioner::Auto))?;
        let names = (0..problem.conditions.len()).map(|i| format!("side {i}")).collect();
        let distributed = DistributedMesh::with_rule(comm, slab, &partition.parts, names, rule)?;
        check_well_posed(&distributed, problem)?;
        let DistributedMesh { mesh, halo, reoriented, .. } = distributed;
        let hierarchy = MeshHierarchy::new(mesh, halo, levels)?;
        Ok(Self { hierarchy, partition, reoriented })
    }

    /// Assembles the matrix and the right-hand side before elimination. **Collective.**
    pub fn assemble(&self, problem: &Problem) -> (DistributedCsr, Vec<f64>) {
        let elements = ElementMatrices::new(&self.mesh, problem).expect("proper elements");
        let matrix = assemble_csr(&self.halo, &self.mesh.elements, |e, a| elements.row(e, a));
        (matrix, load_vector(&self.mesh, problem).expect("good values"))
    }

    /// Assembles the system and eliminates its Dirichlet nodes. **Collective.**
    pub fn system(&self, problem: &Problem) -> System {
        let (mut matrix, mut b) = self.assemble(problem);
        let fixed = dirichlet_nodes(&self.halo, &self.mesh, problem).expect("good values");
        matrix.eliminate(&fixed.fixed(), &fixed.values(), &mut b);
        System { matrix, b, fixed }
    }

    /// Solves the system: returns u with its ghosts and the report of the iteration.
    /// **Collective.**
    pub fn solve(&self, problem: &Problem, rtol: f64) -> (Vector, CgReport) {
        let System { matrix, b, fixed } = self.system(problem);
        let mut u = Vector::zeros(self.halo.map());
        let options = CgOptions { rtol, max_iterations: 10_000, patience: None };
        let report = conjugate_gradient(&matrix, &Jacobi::new(&matrix.diagonal()), &b, &mut u, options);
        fixed.impose(&self.halo, &mut u);
        (u, report)
    }

    /// Returns the numbers of the owned nodes.
    pub fn owned_ids(&self) -> &[GlobalIndex] {
        &self.mesh.node_ids[..self.mesh.owned_nodes]
    }

    /// Evaluates a function of the position at owned and ghost nodes. **Collective.**
    pub fn interpolate(&self, f: impl Fn([f64; 2]) -> f64) -> Vector {
        let mut values = Vector::zeros(self.halo.map());
        for (value, &point) in values.local_mut().iter_mut().zip(&self.mesh.coordinates) {
            *value = f(point);
        }
        values
    }

    /// Returns the values of the owned nodes by global number, NaN at others.
    pub fn by_number(&self, owned: &[f64]) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.mesh.total_nodes as usize];
        for (&id, &value) in self.owned_ids().iter().zip(owned) {
            values[id as usize] = value;
        }
        values
    }
}

/// Returns A x. **Collective.**
pub fn times(matrix: &dyn LinearOperator, x: &Vector) -> Vector {
    let mut y = Vector::zeros(matrix.halo().map());
    matrix.apply(&mut x.clone(), &mut y);
    y
}

/// Returns x.y over all ranks. **Collective.**
pub fn dot(comm: &Comm, x: &[f64], y: &[f64]) -> f64 {
    comm.sum(x.iter().zip(y).map(|(x, y)| x * y).sum())
}

/// Returns the largest |x - y| over all ranks. **Collective.**
pub fn distance(comm: &Comm, x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    // Unlike f64::max, this keeps a NaN.
    let far = |far: f64, (x, y): (&f64, &f64)| if (x - y).abs() <= far { far } else { (x - y).abs() };
    comm.max(x.iter().zip(y).fold(0.0, far))
}
