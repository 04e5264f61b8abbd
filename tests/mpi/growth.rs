//! Growth of what a rank sends and holds with the number of ranks: at most like its logarithm.

use std::rc::Rc;

use quad8_mpi::fem::{OperatorKind, PreconditionerKind, System};
use quad8_mpi::mesh::partition::{PartitionOptions, Partitioner, partition};
use quad8_mpi::parallel::virtual_ranks::on_virtual_ranks;
use quad8_mpi::parallel::{Comm, CommStats, SpanKind, measure};
use quad8_mpi::problem::Field;

use super::meshes::Grid;
use super::pipeline::{Model, dirichlet};
use super::tier::ALL;
use crate::Check;

pub const CHECKS: &[Check] = checks![a_rank_in_the_middle_sends_and_holds_little_more_on_many_ranks];

/// Elements of a rank across and along the strip.
const ACROSS: usize = 4;
/// Largest number of reductions in the setup of the preconditioner where one rank has all
/// aggregates.
const SETUP_REDUCTIONS: u64 = 40;
/// Largest number of ranks with so few elements that one rank has all aggregates.
const SMALL: usize = 512;

/// Communication of one rank from the mesh to the preconditioner, in the setup alone, and in a
/// partition on two levels.
struct Cost {
    all: CommStats,
    setup: CommStats,
    partition: CommStats,
    /// Largest size of all its allocations together (bytes).
    held: u64,
}

/// Returns the condition of an edge: one end of the strip is held, far from the rank in the middle.
fn at_the_end(points: &[[f64; 2]; 3]) -> Option<u16> {
    points.iter().all(|point| point[0] == 0.0).then_some(0)
}

/// Returns the cost of a rank in the middle of `ranks` where each has as many elements. It is not
/// one of those that own the coarse levels. It bisects eight parts and fewer but no more, on any
/// number of ranks: the first eight ranks of 16, 32, ... bisect those.
fn cost_in_the_middle(comm: &Rc<Comm>, ranks: usize) -> Cost {
    let mut mesh = Grid { map: |s, t| [s, t], ..Grid::new(ACROSS * ranks, ACROSS) }.mesh();
    mesh.points.iter_mut().for_each(|point| point[0] *= ranks as f64);
    let problem = dirichlet(Field::Constant(1.0));
    let work = |comm: &Rc<Comm>| {
        let run = || {
            let model = Model::new(comm, &mesh, &at_the_end, &problem, 1).expect("a good mesh");
            let system = System::assemble(&model, &problem, OperatorKind::Elements).expect("good values");
            let build = || drop(system.preconditioner(PreconditionerKind::Multigrid).expect("good levels"));
            measure(comm, SpanKind::Stage("setup"), build).1
        };
        // A mesh of so few elements is partitioned on one level.
        let split = || {
            let slab = mesh.slab(comm).expect("a good mesh");
            drop(partition(comm, &slab, &PartitionOptions::ranks(comm, Partitioner::TwoLevel)).expect("a partition"));
        };
        let mut profiles = None;
        let held = allocation_counter::measure(|| {
            let partition = measure(comm, SpanKind::Stage("partition"), split).1;
            profiles = Some((partition, measure(comm, SpanKind::Stage("all"), run)));
        });
        let (partition, (setup, all)) = profiles.expect("measured");
        let [all, setup, partition] = [all, setup, partition].map(|profile| profile.traffic);
        Cost { all, setup, partition, held: held.bytes_max }
    };
    on_virtual_ranks(comm, ranks, 1, work, work).expect("enough virtual ranks").swap_remove(ranks / 2 / 16 * 16 + 13)
}

/// Numbers of messages and of bytes below which the place of a rank in the mesh matters more than
/// the number of ranks.
const FEW: [u64; 2] = [12, 1024];

/// Returns the messages or operations and the bytes of each kind of communication, at least
/// [`FEW`].
fn counts(traffic: &CommStats) -> impl Iterator<Item = u64> {
    traffic.kinds().into_iter().flat_map(|kind| [kind.count.max(FEW[0]), kind.bytes.max(FEW[1])])
}

fn a_rank_in_the_middle_sends_and_holds_little_more_on_many_ranks(comm: &Rc<Comm>) {
    let few = 16;
    let of_few = cost_in_the_middle(comm, few);
    for many in [64, 256, SMALL, 1024].into_iter().filter(|&ranks| ranks <= 256 || *ALL) {
        let of_many = cost_in_the_middle(comm, many);
        let most = |count: u64| count as f64 * (many as f64).log2() / (few as f64).log2();
        let all = |cost: &Cost| counts(&cost.all).chain(counts(&cost.partition)).chain([cost.held]).collect::<Vec<_>>();
        let [found, expected] = [&of_many, &of_few].map(all);
        let is_little = found.iter().zip(&expected).all(|(&found, &few)| found as f64 <= most(few));
        assert!(is_little, "{found:?} on {many} ranks, {expected:?} on {few}");
        let is_little = many > SMALL || of_many.setup.reductions.count <= SETUP_REDUCTIONS;
        assert!(is_little, "{:?} on {many} ranks", of_many.setup);
    }
}
