//! Potential flow through a built-in mesh, on any number of ranks: prints the largest speed.

use std::path::Path;
use std::rc::Rc;

use quad8_mpi::fem::{OperatorKind, PreconditionerKind, System, check_well_posed};
use quad8_mpi::io::mesh::MeshSource;
use quad8_mpi::la::cg::{CgOptions, conjugate_gradient};
use quad8_mpi::mesh::partition::{PartitionOptions, Partitioner, partition};
use quad8_mpi::mesh::{DistributedMesh, MeshHierarchy};
use quad8_mpi::parallel::Comm;
use quad8_mpi::post::{Fluid, derive, range};
use quad8_mpi::problem::{Problem, usual_condition};

/// Solves the problem and returns the largest speed (m/s). Collective.
pub fn largest_speed(comm: &Rc<Comm>) -> quad8_mpi::Result<f64> {
    // 1. Read the mesh; let 2.5 m/s flow in through its inlets and hold u = 0 at its outlets.
    let slab = MeshSource::find(comm, Some(Path::new("venturi"))).read(comm)?;
    let conditions = slab.boundary_names().iter().map(|name| usual_condition(name, 2.5)).collect();
    let problem = Problem { conditions, ..Problem::default() };
    // 2. Partition, distribute and refine the mesh.
    let parts = partition(comm, &slab, &PartitionOptions::ranks(comm, Partitioner::Auto))?.parts;
    let coarse = DistributedMesh::new(comm, slab, &parts)?;
    check_well_posed(&coarse, &problem)?;
    let hierarchy = MeshHierarchy::new(coarse.mesh, coarse.halo, 1)?;
    // 3. Assemble the system.
    let system = System::assemble(&hierarchy, &problem, OperatorKind::Elements)?;
    // 4. Solve it.
    let preconditioner = system.preconditioner(PreconditionerKind::Multigrid)?;
    let mut x = system.zeros();
    let options = CgOptions { rtol: 1e-8, max_iterations: 1000, patience: None };
    conjugate_gradient(system.operator(), &*preconditioner, &system.rhs().to_vec(), &mut x, options);
    // 5. Recover the solution and derive velocities from it.
    let solution = system.recover_solution(x);
    let fields = derive(&solution, Fluid { p0: 101_325.0, density: 1.2 }, false)?;
    Ok(range(comm, fields.elements.len(), |e| fields.elements[e].speed)[1])
}

fn main() -> quad8_mpi::Result<()> {
    let Some((universe, _)) = mpi::initialize_with_threading(mpi::Threading::Funneled) else { return Ok(()) };
    let comm = Rc::new(Comm::new(universe.world()));
    let speed = largest_speed(&comm)?;
    if comm.is_root() {
        println!("largest speed: {speed:.2} m/s");
    }
    Ok(())
}
