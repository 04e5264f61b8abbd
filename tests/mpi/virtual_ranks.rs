//! Virtual ranks: the operations of the communicator, on threads of fewer processes.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use quad8_mpi::ExitCode;
use quad8_mpi::parallel::virtual_ranks::on_virtual_ranks;
use quad8_mpi::parallel::{BlockDistribution, Comm, Outgoing, SpanKind, measure};

use super::{comm, halo};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    every_operation_has_the_results_that_it_has_on_processes,
    sums_are_added_in_the_order_of_the_ranks,
    each_process_has_its_part_of_the_virtual_ranks,
    messages_between_processes_take_seconds,
    no_more_threads_work_than_allowed,
    fewer_virtual_ranks_than_processes_are_refused,
    virtual_ranks_have_no_mpi_communicator,
];

/// Returns numbers of virtual ranks and of threads at a time: as many ranks as processes, and more.
fn sizes(comm: &Comm) -> [(usize, usize); 3] {
    [(comm.size(), 1), (comm.size() + 3, 2), (2 * comm.size() + 1, 3)]
}

fn every_operation_has_the_results_that_it_has_on_processes(comm: &Rc<Comm>) {
    for (ranks, threads) in sizes(comm) {
        for (_, check) in comm::OPERATIONS.iter().chain(halo::CHECKS) {
            on_virtual_ranks(comm, ranks, threads, check, check).expect("enough virtual ranks");
        }
    }
}

fn sums_are_added_in_the_order_of_the_ranks(comm: &Rc<Comm>) {
    let value = |rank: usize| [1e16, 1.0, -1e16, 0.7][rank % 4] + rank as f64;
    for (ranks, threads) in sizes(comm) {
        let expected = (1..ranks).fold(value(0), |sum, rank| sum + value(rank));
        let sums = |comm: &Rc<Comm>| comm.sum_all(&[value(comm.rank()), 1.0]);
        for sums in on_virtual_ranks(comm, ranks, threads, sums, sums).expect("enough virtual ranks") {
            assert_eq!(sums[0].to_bits(), expected.to_bits());
            assert_eq!(sums[1], ranks as f64);
        }
    }
}

fn each_process_has_its_part_of_the_virtual_ranks(comm: &Rc<Comm>) {
    for (ranks, threads) in sizes(comm) {
        let number = |comm: &Rc<Comm>| (comm.rank() as u64, comm.size());
        let found = on_virtual_ranks(comm, ranks, threads, number, number).expect("enough virtual ranks");
        let expected: Vec<_> =
            BlockDistribution::new(ranks as u64, comm.size()).range(comm.rank()).map(|r| (r, ranks)).collect();
        assert_eq!(found, expected);
    }
}

fn messages_between_processes_take_seconds(comm: &Rc<Comm>) {
    let ranks = comm.size() + 1;
    let seconds = |comm: &Rc<Comm>| {
        let to_next = || comm.sparse_exchange(Outgoing::from(vec![((comm.rank() + 1) % ranks, vec![1_u64])]));
        measure(comm, SpanKind::Operator, to_next).1.traffic.others.seconds
    };
    let found = on_virtual_ranks(comm, ranks, 1, seconds, seconds).expect("enough virtual ranks");
    assert!(comm.size() == 1 || found.iter().all(|seconds| *seconds > 0.0), "{found:?}");
}

fn no_more_threads_work_than_allowed(comm: &Rc<Comm>) {
    for threads in [1, 2] {
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |comm: &Rc<Comm>| {
            for _ in 0..5 {
                most.fetch_max(working.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                // The first thread waits here until the others are at work, too.
                while most.load(Ordering::Relaxed) < threads {
                    sleep(Duration::from_micros(200));
                }
                sleep(Duration::from_micros(200));
                working.fetch_sub(1, Ordering::Relaxed);
                comm.barrier();
            }
        };
        on_virtual_ranks(comm, 4 * comm.size(), threads, work, work).expect("enough virtual ranks");
        assert_eq!(most.into_inner(), threads);
    }
}

fn fewer_virtual_ranks_than_processes_are_refused(comm: &Rc<Comm>) {
    let (fewer, size) = (comm.size() - 1, comm.size());
    let error = on_virtual_ranks(comm, fewer, 1, |_| (), |_| ()).expect_err("an error on every rank");
    assert_eq!(error.exit_code(), ExitCode::Input);
    let expected = format!("--reproducible={fewer} makes {fewer} parts, too few for {size} ranks");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

fn virtual_ranks_have_no_mpi_communicator(comm: &Rc<Comm>) {
    assert!(comm.raw().is_ok());
    let has_none = |comm: &Rc<Comm>| comm.raw().is_err() && comm.host().is_err();
    let nested = |comm: &Rc<Comm>| on_virtual_ranks(comm, comm.size(), 1, |_| (), |_| ()).is_err() && has_none(comm);
    let found = on_virtual_ranks(comm, comm.size() + 1, 1, nested, nested).expect("enough virtual ranks");
    assert!(found.iter().all(|is_right| *is_right), "{found:?}");
}
