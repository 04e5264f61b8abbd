//! Results at several numbers of threads. The program that starts these checks runs them at each
//! and compares what they print.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use quad8_mpi::la::cg::ConvergedReason;
use quad8_mpi::parallel::{Comm, loops};
use quad8_mpi::post::{Fluid, InterfaceNodes, element_fields, estimate_error, gauss_velocities, recover};
use quad8_mpi::problem::Field;

use super::hard_problems::rectangle;
use super::manufactured;
use super::meshes::Grid;
use super::multigrid;
use super::pipeline::Model;
use crate::Check;

pub const CHECKS: &[Check] = checks![the_bits_of_the_results_do_not_depend_on_the_threads];

fn the_bits_of_the_results_do_not_depend_on_the_threads(comm: &Rc<Comm>) {
    let threads: usize = std::env::var("RAYON_NUM_THREADS").expect("a thread count").parse().expect("a number");
    assert_eq!(rayon::current_num_threads(), threads);
    let problem = manufactured::problem();
    let mesh = Grid::untidy(80, 78).mesh();
    let model = Model::new(comm, &mesh, &manufactured::side, &problem, 0).expect("a good mesh");
    // Shorter loops would stay on one thread.
    assert!(model.mesh.owned_nodes > 2 * loops::CHUNK);

    let (u, report) = model.solve(&problem, 1e-8);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    let system = multigrid::System::new(&model, &problem);
    let (fast, fast_report) = system.solve(1e-8);
    // Lines of slender elements, also across ranks.
    let (slender, flow) = rectangle(comm, 80, |s, t| [s, 30.0 * t], Field::Constant(1.0), 0);
    let (lines, lines_report) = multigrid::System::new(&slender, &flow).solve(1e-8);
    let gauss = gauss_velocities(&model.mesh, u.local());
    let fields = element_fields(&model.mesh, &gauss, Fluid { p0: 1e5, density: 1.2 });
    let sides = InterfaceNodes::new(comm, &model.mesh, &problem);
    let recovered = recover(&model.halo, &sides, &gauss);
    let errors = estimate_error(comm, &model.mesh, u.local(), &recovered, &problem).elements;
    let values = u.local().iter().chain(fast.local()).chain(lines.local()).copied();
    let values = values.chain(fields.iter().flat_map(|f| [f.velocity[0], f.velocity[1], f.speed, f.pressure]));
    let values = values.chain(recovered.values().iter().flatten().copied()).chain(errors);
    let mut hasher = DefaultHasher::new();
    let histories = [report.history, fast_report.history, lines_report.history];
    values.chain(histories.concat()).for_each(|value| value.to_bits().hash(&mut hasher));
    for hash in comm.gather_at_root(vec![hasher.finish()]).concat() {
        println!("{} iterations, bits {hash:x}", report.iterations);
    }
}
