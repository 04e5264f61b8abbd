//! The collective operations.

use std::rc::Rc;

use quad8_mpi::parallel::{BlockDistribution, Comm, Message, Outgoing};
use quad8_mpi::{Error, ExitCode, Result};

use crate::Check;

pub const CHECKS: &[Check] = checks![all_ranks_of_these_tests_are_on_one_host];

/// Checks that pass on virtual ranks, too.
pub const OPERATIONS: &[Check] = checks![
    reductions_see_every_rank,
    messages_of_any_length_come_in_rank_order,
    expected_messages_come_in_the_given_order,
    a_message_has_room_for_all_its_values,
    gather_and_scatter_are_inverse,
    strings_of_any_length_are_gathered,
    the_strings_of_rank_0_reach_every_rank,
    blocks_cover_everything_once,
    the_error_of_any_one_rank_is_that_of_all,
    the_error_with_the_lowest_element_wins,
    without_errors_every_rank_keeps_its_own_result,
];

fn reductions_see_every_rank(comm: &Rc<Comm>) {
    let (rank, size) = (comm.rank() as u64, comm.size() as u64);
    assert_eq!(comm.sum(rank + 1), size * (size + 1) / 2);
    assert_eq!(comm.sum_all(&[rank, 1]), [size * (size - 1) / 2, size]);
    assert_eq!((comm.min(-(rank as f64)), comm.max(rank)), (1.0 - size as f64, size - 1));
    // The highest bit is no sign.
    assert_eq!((comm.min(u64::MAX - rank), comm.max(u64::MAX - rank)), (u64::MAX - (size - 1), u64::MAX));
    assert_eq!(comm.min_all(&[(1 << 63) + rank, rank]), [1 << 63, 0]);
    assert_eq!(comm.max_all(&[127 + rank as u8, u8::MAX - rank as u8]), [126 + size as u8, u8::MAX]);
    assert_eq!(
        (comm.min(u32::MAX - rank as u32), comm.max(rank as u16 + (1 << 15))),
        (u32::MAX - (size as u32 - 1), (1 << 15) + size as u16 - 1)
    );
    assert_eq!(comm.exclusive_sum(rank + 1), rank * (rank + 1) / 2);
    for from in 0..comm.size() {
        assert_eq!(comm.broadcast(from, comm.rank()), from);
    }
}

fn all_ranks_of_these_tests_are_on_one_host(comm: &Rc<Comm>) {
    assert_eq!(comm.host().expect("ranks that are processes").size(), comm.size());
}

/// Returns the message from rank `from` to rank `to`.
fn message(from: usize, to: usize) -> Vec<u64> {
    (0..(3 * from + 5 * to) % 7).map(|i| (1_000_000 * from + 1000 * to + i) as u64).collect()
}

/// Repeats the exchange, so that a rank may begin the next one while others are still in the last.
fn messages_of_any_length_come_in_rank_order(comm: &Rc<Comm>) {
    let sent: Vec<Message<u64>> = (0..comm.size()).map(|to| (to, message(comm.rank(), to))).collect();
    let mut expected: Vec<Message<u64>> = (0..comm.size()).map(|from| (from, message(from, comm.rank()))).collect();
    expected.retain(|(_, values)| !values.is_empty());
    for _ in 0..20 {
        assert_eq!(comm.sparse_exchange(Outgoing::from(sent.clone())), expected);
    }
    assert_eq!(comm.sparse_exchange(Outgoing::<f64>::new()), []);
}

fn expected_messages_come_in_the_given_order(comm: &Rc<Comm>) {
    let (rank, size) = (comm.rank(), comm.size());
    let sent = (0..size).map(|to| (to, message(rank, to))).collect();
    let expected: Vec<(usize, usize)> = (0..size).rev().map(|from| (from, message(from, rank).len())).collect();
    let received: Vec<Message<u64>> = (0..size).rev().map(|from| (from, message(from, rank))).collect();
    assert_eq!(comm.neighbor_exchange(sent, &expected), received);
}

fn a_message_has_room_for_all_its_values(_: &Rc<Comm>) {
    let ranks = [3, 1, 3, 3];
    let mut outgoing = Outgoing::with_capacity(ranks.into_iter(), 2);
    let capacities = [1, 3].map(|rank| outgoing.to(rank).capacity());
    ranks.iter().zip(0..).for_each(|(&rank, i)| outgoing.to(rank).extend([i, -i]));
    assert_eq!([1, 3].map(|rank| outgoing.to(rank).capacity()), capacities);
    assert_eq!(outgoing.lengths(), [(3, 6), (1, 2)]);
    assert_eq!(outgoing.into_messages(), [(3, vec![0, 0, 2, -2, 3, -3]), (1, vec![1, -1])]);
}

fn gather_and_scatter_are_inverse(comm: &Rc<Comm>) {
    let own = message(comm.rank(), 3);
    let gathered = comm.gather_at_root(own.clone());
    let expected = if comm.is_root() { (0..comm.size()).map(|r| message(r, 3)).collect() } else { Vec::new() };
    assert_eq!(gathered, expected);
    assert_eq!(comm.scatter_from_root(gathered), own);
}

fn strings_of_any_length_are_gathered(comm: &Rc<Comm>) {
    let text = |rank: usize| "é".repeat(rank % 3);
    assert_eq!(comm.all_gather_strings(&text(comm.rank())), (0..comm.size()).map(text).collect::<Vec<_>>());
}

fn the_strings_of_rank_0_reach_every_rank(comm: &Rc<Comm>) {
    for strings in [vec![], vec!["", "Höhe über Grund", "x"], vec![""]] {
        let strings: Vec<String> = strings.into_iter().map(str::to_owned).collect();
        let mine = if comm.is_root() { strings.clone() } else { Vec::new() };
        assert_eq!(comm.broadcast_strings(mine), strings);
    }
}

fn blocks_cover_everything_once(comm: &Rc<Comm>) {
    for total in [1, 5, 16, 1000] {
        let range = BlockDistribution::new(total, comm.size()).range(comm.rank());
        assert_eq!(comm.exclusive_sum(range.end - range.start), range.start);
        assert_eq!(comm.sum(range.end - range.start), total);
    }
}

/// Returns exit code and message of a failure.
fn failure<T>(result: Result<T>) -> (ExitCode, String) {
    let error = result.err().expect("an error on every rank");
    (error.exit_code(), error.to_string())
}

fn the_error_of_any_one_rank_is_that_of_all(comm: &Rc<Comm>) {
    for failing in 0..comm.size() {
        let error = || Error::internal(format!("rank {failing} fails"));
        let own = if comm.rank() == failing { Err(error()) } else { Ok(()) };
        assert_eq!(failure(comm.agree(own)), (ExitCode::Internal, error().to_string()));
    }
}

fn the_error_with_the_lowest_element_wins(comm: &Rc<Comm>) {
    let (rank, size) = (comm.rank() as u64, comm.size() as u64);
    // All ranks fail, the last one with the lowest element.
    let with_element = |rank: u64| Error::input(format!("the element of rank {rank}")).at(100 + size - rank, 0);
    let expected = with_element(size - 1).to_string();
    let own = Err::<(), _>(with_element(rank));
    assert_eq!(failure(comm.agree(own)), (ExitCode::Input, expected.clone()));
    // An element comes before an error that names none.
    let own = Err::<(), _>(if rank + 1 < size { Error::internal("no element") } else { with_element(rank) });
    assert_eq!(failure(comm.agree(own)), (ExitCode::Input, expected));
    // Of equal errors that of the lowest rank is returned.
    let own = Err::<(), _>(Error::internal(format!("rank {rank} fails")));
    assert_eq!(failure(comm.agree(own)), (ExitCode::Internal, "rank 0 fails".to_owned()));
}

fn without_errors_every_rank_keeps_its_own_result(comm: &Rc<Comm>) {
    assert_eq!(comm.agree(Ok(comm.rank())).expect("no rank failed"), comm.rank());
}
