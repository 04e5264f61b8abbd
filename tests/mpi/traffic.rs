//! Communication statistics: what ranks send is counted exactly.

use std::cell::Cell;
use std::rc::Rc;

use quad8_mpi::la::cg::{CgOptions, conjugate_gradient};
use quad8_mpi::la::{Jacobi, LinearOperator, Vector};
use quad8_mpi::parallel::virtual_ranks::on_virtual_ranks;
use quad8_mpi::parallel::{
    Comm, CommCounter, CommStats, Halo, IterationTimer, Outgoing, RankTimes, SpanKind, Stopwatch, TimeSplit, measure,
};

use super::manufactured;
use super::meshes::Grid;
use super::multigrid::System;
use super::pipeline::Model;
use crate::Check;

pub const CHECKS: &[Check] = checks![
    every_message_of_a_halo_is_counted,
    every_reduction_is_counted,
    other_collectives_count_what_leaves_the_rank,
    work_under_messages_is_no_waiting,
    a_solve_sends_one_halo_a_product,
    the_levels_of_multigrid_add_up_to_all_of_it,
    a_split_holds_the_ranks_apart,
    laps_are_means_without_the_start,
    times_of_single_ranks_are_bounded,
];

/// Returns the number of operations or messages and the bytes of each kind.
fn counts(stats: CommStats) -> [[u64; 2]; 3] {
    stats.kinds().map(|counter| [counter.count, counter.bytes])
}

/// Returns the counts of `work`.
fn counted(comm: &Comm, work: impl FnOnce()) -> [[u64; 2]; 3] {
    counts(measure(comm, SpanKind::Operator, work).1.traffic)
}

const NONE: [u64; 2] = [0, 0];

/// Builds a halo in which rank r owns label r and has ghosts of ranks r + 1 and r + 2 (modulo the
/// number of ranks).
fn ring(comm: &Rc<Comm>) -> Halo {
    let (rank, size) = (comm.rank(), comm.size());
    let mut others: Vec<usize> = [1, 2].map(|step| (rank + step) % size).into_iter().filter(|o| *o != rank).collect();
    others.sort_unstable();
    others.dedup();
    let ghosts: Vec<(u64, usize)> = others.into_iter().map(|other| (other as u64, other)).collect();
    Halo::new(comm, &[rank as u64], &ghosts).expect("a consistent halo")
}

fn every_message_of_a_halo_is_counted(comm: &Rc<Comm>) {
    let halo = ring(comm);
    // One value goes to each of the one or two ranks before this one.
    let sent = (comm.size() as u64 - 1).min(2);
    let (mut reals, mut flags) = (vec![0.0_f64; halo.map().local()], vec![0_u8; halo.map().local()]);
    assert_eq!(counted(comm, || halo.scatter_fwd(&mut reals)), [[sent, 8 * sent], NONE, NONE]);
    assert_eq!(counted(comm, || halo.scatter_fwd(&mut flags)), [[sent, sent], NONE, NONE]);
    // As many ghosts return.
    assert_eq!(counted(comm, || halo.scatter_rev_add(&mut reals)), [[sent, 8 * sent], NONE, NONE]);
}

fn every_reduction_is_counted(comm: &Rc<Comm>) {
    let work = || {
        comm.sum(1.0);
        comm.max(1_u8);
        comm.min_all(&[1.0_f32; 5]);
        comm.sum_all(&[0.0; 3]);
    };
    assert_eq!(counted(comm, work), [NONE, [4, 8 + 1 + 20 + 24], NONE]);
    assert_eq!(counted(comm, || comm.agree(Ok(())).expect("no error")), [NONE, [1, 8], NONE]);
}

fn other_collectives_count_what_leaves_the_rank(comm: &Rc<Comm>) {
    let size = comm.size() as u64;
    assert_eq!(counted(comm, || comm.barrier()), [NONE, NONE, [1, 0]]);
    let given = if comm.is_root() { 8 } else { 0 };
    assert_eq!(counted(comm, || _ = comm.broadcast(0, 3_u64)), [NONE, NONE, [1, given]]);
    // Three numbers and their count for each other rank; nothing for itself.
    let everywhere: Vec<_> = (0..comm.size()).map(|rank| (rank, vec![0_u32; 3])).collect();
    let sent = counted(comm, || drop(comm.sparse_exchange(everywhere.into())));
    assert_eq!(sent, [NONE, NONE, [1, (8 + 12) * (size - 1)]]);
    assert_eq!(counted(comm, || drop(comm.sparse_exchange(Outgoing::<f64>::new()))), [NONE, NONE, [1, 0]]);
}

fn work_under_messages_is_no_waiting(comm: &Rc<Comm>) {
    let halo = ring(comm);
    let mut values = vec![0.0; halo.map().local()];
    let pause = std::time::Duration::from_millis(30);
    comm.barrier();
    let ((), spent) =
        measure(comm, SpanKind::Operator, || halo.scatter_fwd_overlap(&mut values, |_| std::thread::sleep(pause)));
    assert!(spent.compute() >= pause.as_secs_f64(), "{spent:?}");
    assert!(spent.traffic.halo.seconds <= spent.seconds - pause.as_secs_f64(), "{spent:?}");
}

/// Operator that counts its products.
struct Counted<'a> {
    operator: &'a dyn LinearOperator,
    products: Cell<u64>,
}

impl LinearOperator for Counted<'_> {
    fn halo(&self) -> &Halo {
        self.operator.halo()
    }

    fn apply(&self, x: &mut Vector, y: &mut Vector) {
        self.products.set(self.products.get() + 1);
        self.operator.apply(x, y);
    }

    fn diagonal(&self) -> Vec<f64> {
        self.operator.diagonal()
    }

    fn precise_residual(&self, _b: &[f64], _x: &mut Vector, _low: &mut Vector, _r: &mut Vector) -> bool {
        false
    }
}

fn model(comm: &Rc<Comm>) -> Model {
    Model::new(comm, &Grid::untidy(12, 11).mesh(), &manufactured::side, &manufactured::problem(), 1)
        .expect("a good mesh")
}

fn a_solve_sends_one_halo_a_product(comm: &Rc<Comm>) {
    let model = model(comm);
    let problem = manufactured::problem();
    let system = System::new(&model, &problem);
    let operator = Counted { operator: system.operator(), products: Cell::new(0) };
    let preconditioner = Jacobi::new(&operator.diagonal());
    let mut values = vec![0.0; model.halo.map().local()];
    let [[messages, bytes], ..] = counted(comm, || model.halo.scatter_fwd(&mut values));
    assert_eq!(bytes, 8 * model.halo.sent() as u64);
    let solve = || {
        operator.products.set(0);
        let mut u = Vector::zeros(model.halo.map());
        let options = CgOptions { rtol: 1e-6, max_iterations: 1000, patience: None };
        let b = system.right_side();
        let found = counted(comm, || drop(conjugate_gradient(&operator, &preconditioner, &b, &mut u, options)));
        let products = operator.products.get();
        assert!(products > 10, "{products}");
        assert_eq!(found[0], [products * messages, products * bytes]);
        assert_eq!(found[2], NONE);
        found
    };
    let first = solve();
    assert_eq!(first, solve(), "counts differ from run to run");
}

fn the_levels_of_multigrid_add_up_to_all_of_it(comm: &Rc<Comm>) {
    let model = model(comm);
    let problem = manufactured::problem();
    let system = System::new(&model, &problem);
    let multigrid = system.multigrid();
    let r = model.interpolate(|[x, y]| (3.0 * x + y).sin());
    let mut z = Vector::zeros(model.halo.map());
    let mut apply = || counted(comm, || multigrid.apply(&r, &mut z));
    let levels = || -> Vec<[[u64; 2]; 3]> { multigrid.spent().iter().map(|level| counts(level.traffic)).collect() };
    assert!(levels().iter().flatten().flatten().all(|count| *count == 0), "{:?}", levels());
    let once = apply();
    let after_one = levels();
    assert_eq!(once, apply(), "counts differ from cycle to cycle");
    let sum = |kind: usize, what: usize| after_one.iter().map(|level| level[kind][what]).sum::<u64>();
    assert_eq!(once, [0, 1, 2].map(|kind| [0, 1].map(|what| sum(kind, what))));
    let twice: Vec<_> = after_one.iter().map(|level| level.map(|kind| kind.map(|count| 2 * count))).collect();
    assert_eq!(twice, levels());
    assert_eq!(after_one.len(), multigrid.levels().len());
    // Only the direct solve reduces.
    let coarsest = after_one[after_one.len() - 1];
    assert_eq!(sum(1, 0), coarsest[1][0]);
    assert_eq!(coarsest[1][1], coarsest[1][0] * 8 * multigrid.levels()[after_one.len() - 1].unknowns);
    let spent = multigrid.spent();
    assert!(spent.iter().all(|level| level.seconds > 0.0 && level.compute() >= 0.0), "{spent:?}");
}

fn a_split_holds_the_ranks_apart(comm: &Rc<Comm>) {
    let (rank, size) = (comm.rank() as u64, comm.size() as f64);
    let mut spent = measure(comm, SpanKind::Operator, || ()).1;
    spent.seconds = 10.0 + rank as f64;
    spent.traffic.halo = CommCounter { count: rank, bytes: 100 * rank, seconds: 2.0 };
    spent.traffic.reductions = CommCounter { count: 3, bytes: 24, seconds: 1.0 };
    let split = TimeSplit::over_ranks(comm, &[spent, spent])[1];
    assert_eq!((split.compute.min, split.compute.max), (7.0, 6.0 + size));
    assert_eq!(
        [split.halo.bytes.min, split.halo.bytes.mean, split.halo.bytes.max],
        [0.0, 0.5, 1.0].map(|p| p * 100.0 * (size - 1.0))
    );
    assert_eq!((split.reductions.count.min, split.reductions.count.max), (3.0, 3.0));
    assert_eq!(split.others.seconds.max, 0.0);
    assert_eq!(split.over(2.0).halo.seconds.mean, 1.0);
}

fn laps_are_means_without_the_start(comm: &Rc<Comm>) {
    let laps = IterationTimer::start(comm);
    for (iteration, sums) in [7, 2, 4].into_iter().enumerate() {
        (0..sums).for_each(|_| _ = comm.sum(1.0));
        laps.lap(iteration);
    }
    let iterations = laps.collect(comm);
    assert_eq!((iterations.mean.reductions.count.min, iterations.mean.reductions.bytes.max), (3.0, 24.0));
    assert_eq!([&iterations.compute, &iterations.halo, &iterations.reductions].map(Vec::len), [3; 3]);
    assert_eq!(iterations.halo, [0.0; 3]);
    assert!(iterations.reductions.iter().all(|seconds| *seconds > 0.0));
}

fn times_of_single_ranks_are_bounded(comm: &Rc<Comm>) {
    for (ranks, kept) in [(comm.size() + 2, comm.size() + 2), (100, 64)] {
        let work = |comm: &Rc<Comm>| {
            let mut watch = Stopwatch::start(comm);
            watch.time("work", || comm.barrier());
            watch.collect(comm)
        };
        let found = on_virtual_ranks(comm, ranks, 2, work, work).expect("enough virtual ranks");
        let (own, others) = found.split_at(usize::from(comm.is_root()));
        assert!(others.iter().all(|(_, by_rank)| *by_rank == RankTimes::default()));
        for (stages, by_rank) in own {
            let numbers = &by_rank.ranks;
            assert_eq!((numbers.len(), numbers[0], numbers[kept - 1]), (kept, 0, ranks - 1));
            assert!(by_rank.stages.keys().eq(stages.keys()) && stages.len() == 2, "{by_rank:?}");
            for (name, times) in &by_rank.stages {
                assert_eq!([times.seconds.len(), times.communication.len()], [kept; 2]);
                let (longest, of_all) = (times.seconds.iter().copied().fold(0.0, f32::max), stages[name].seconds.max);
                assert!(if kept == ranks { longest == of_all as f32 } else { longest <= of_all as f32 }, "{name}");
            }
        }
    }
}
