//! The exchange of ghost values.

use std::rc::Rc;

use quad8_mpi::ExitCode;
use quad8_mpi::parallel::{Comm, GlobalIndex, Halo, IndexMap};

use crate::Check;

pub const CHECKS: &[Check] = checks![
    owned_ranges_follow_each_other,
    fills_ghosts_from_their_owners,
    overlapped_scatter_is_scatter_and_runs_the_work_once,
    every_ghost_is_sent_once,
    a_halo_without_ghosts_moves_nothing,
    ranges_go_beyond_32_bits,
    labels_that_differ_beyond_32_bits_are_told_apart,
    a_wrong_owner_is_an_error_on_every_rank,
    ungrouped_ghosts_are_an_error_on_every_rank,
];

/// Labels 5, 12, 19, ... in no order, distributed so that some ranks own nothing.
struct Distributed {
    owned: Vec<GlobalIndex>,
    ghosts: Vec<(GlobalIndex, usize)>,
}

fn distribute(comm: &Comm) -> Distributed {
    let labels = || (0..97_u64).map(|k| k * 29 % 97).map(|k| 7 * k + 5);
    let owner = |label: GlobalIndex| (label * label % comm.size() as u64) as usize;
    let owned = labels().filter(|&l| owner(l) == comm.rank()).collect();
    let is_needed = |l: &GlobalIndex| owner(*l) != comm.rank() && (l + comm.rank() as u64).is_multiple_of(3);
    let mut ghosts: Vec<_> = labels().filter(is_needed).map(|l| (l, owner(l))).collect();
    // Stable: within an owner they stay in no order.
    ghosts.sort_by_key(|&(_, owner)| owner);
    Distributed { owned, ghosts }
}

impl Distributed {
    fn halo(&self, comm: &Rc<Comm>) -> Halo {
        Halo::new(comm, &self.owned, &self.ghosts).expect("a consistent halo")
    }

    /// Returns the labels of all local unknowns.
    fn labels(&self) -> impl Iterator<Item = GlobalIndex> + '_ {
        self.owned.iter().copied().chain(self.ghosts.iter().map(|g| g.0))
    }

    /// Returns `f` of the owned labels, then `unknown` for each ghost.
    fn owned_only<T: Clone>(&self, f: impl Fn(GlobalIndex) -> T, unknown: T) -> Vec<T> {
        self.owned.iter().map(|&l| f(l)).chain(self.ghosts.iter().map(|_| unknown.clone())).collect()
    }
}

fn owned_ranges_follow_each_other(comm: &Rc<Comm>) {
    let unknowns = distribute(comm);
    let halo = unknowns.halo(comm);
    let map = halo.map();
    assert_eq!((map.owned(), map.ghosts(), map.total()), (unknowns.owned.len(), unknowns.ghosts.len(), 97));
    assert_eq!(map.local(), map.owned() + map.ghosts());
    assert_eq!(map.range().start, comm.exclusive_sum(map.owned() as u64));
    assert_eq!(map.range().end - map.range().start, map.owned() as u64);
}

fn fills_ghosts_from_their_owners(comm: &Rc<Comm>) {
    let unknowns = distribute(comm);
    let halo = unknowns.halo(comm);

    let mut numbers = unknowns.owned_only(|l| l << 40, 0);
    halo.scatter_fwd(&mut numbers);
    assert_eq!(numbers, unknowns.labels().map(|l| l << 40).collect::<Vec<_>>());

    let mut reals = unknowns.owned_only(|l| 1.0 / l as f64, f64::NAN);
    halo.scatter_fwd(&mut reals);
    assert_eq!(reals, unknowns.labels().map(|l| 1.0 / l as f64).collect::<Vec<_>>());

    let mut flags = unknowns.owned_only(|l| u8::from(l % 2 == 0), 9);
    halo.scatter_fwd(&mut flags);
    assert_eq!(flags, unknowns.labels().map(|l| u8::from(l % 2 == 0)).collect::<Vec<_>>());
}

fn overlapped_scatter_is_scatter_and_runs_the_work_once(comm: &Rc<Comm>) {
    let unknowns = distribute(comm);
    let halo = unknowns.halo(comm);
    for step in 0..3 {
        let value = |l: GlobalIndex| (l * l + step) as f64;
        let owned: Vec<f64> = unknowns.owned.iter().map(|&l| value(l)).collect();
        let mut values = unknowns.owned_only(value, f64::NAN);
        let mut runs = 0;
        let seen = halo.scatter_fwd_overlap(&mut values, |owned| {
            runs += 1;
            owned.to_vec()
        });
        assert_eq!((runs, seen), (1, owned));
        assert_eq!(values, unknowns.labels().map(value).collect::<Vec<_>>());
    }
}

fn every_ghost_is_sent_once(comm: &Rc<Comm>) {
    let unknowns = distribute(comm);
    let halo = unknowns.halo(comm);
    assert_eq!(comm.sum(halo.sent() as u64), comm.sum(unknowns.ghosts.len() as u64));
    let mut owners: Vec<usize> = unknowns.ghosts.iter().map(|g| g.1).collect();
    owners.dedup();
    assert_eq!(halo.neighbours(), owners.len());
}

fn a_halo_without_ghosts_moves_nothing(comm: &Rc<Comm>) {
    let owned: Vec<GlobalIndex> = if comm.is_root() { vec![3, 1, 2] } else { Vec::new() };
    let halo = Halo::new(comm, &owned, &[]).expect("a consistent halo");
    let mut values = owned.clone();
    halo.scatter_fwd(&mut values);
    assert_eq!(values, owned);
    assert_eq!((halo.map().total(), halo.neighbours(), halo.sent()), (3, 0, 0));
}

fn ranges_go_beyond_32_bits(comm: &Rc<Comm>) {
    let (rank, size) = (comm.rank() as GlobalIndex, comm.size() as GlobalIndex);
    // Rank r owns 5 * 2^32 + r unknowns.
    let before = |rank: GlobalIndex| (5 << 32) * rank + rank * rank.saturating_sub(1) / 2;
    let map = IndexMap::new(comm, (5 << 32) + comm.rank(), 3);
    assert_eq!(map.range(), before(rank)..before(rank + 1));
    assert_eq!((map.total(), map.local() as GlobalIndex), (before(size), (5 << 32) + rank + 3));
}

fn labels_that_differ_beyond_32_bits_are_told_apart(comm: &Rc<Comm>) {
    // All labels are 7 in the lower 32 bits.
    let (rank, size) = (comm.rank() as GlobalIndex, comm.size() as GlobalIndex);
    let label = |rank: GlobalIndex, k: GlobalIndex| ((size * k + rank + 1) << 32) + 7;
    let owned: Vec<GlobalIndex> = (0..4).map(|k| label(rank, k)).collect();
    let others = (0..size).filter(|&other| other != rank);
    let ghosts: Vec<_> = others.flat_map(|other| [3, 1].map(|k| (label(other, k), other as usize))).collect();
    let halo = Halo::new(comm, &owned, &ghosts).expect("a consistent halo");
    let expected: Vec<GlobalIndex> = owned.iter().copied().chain(ghosts.iter().map(|g| g.0)).collect();
    let mut values: Vec<GlobalIndex> = owned.iter().copied().chain(ghosts.iter().map(|_| 0)).collect();
    halo.scatter_fwd(&mut values);
    assert_eq!(values, expected);
    let lists = halo.scatter_fwd_lists(|i| vec![owned[i]; i]);
    let wanted: Vec<Vec<GlobalIndex>> =
        ghosts.iter().enumerate().map(|(g, &(label, _))| vec![label; [3, 1][g % 2]]).collect();
    assert_eq!(lists, wanted);
}

fn a_wrong_owner_is_an_error_on_every_rank(comm: &Rc<Comm>) {
    let last = comm.size() - 1;
    let mut unknowns = distribute(comm);
    if comm.rank() == last {
        unknowns.ghosts = vec![(1_000_000, 0)];
    }
    let error = Halo::new(comm, &unknowns.owned, &unknowns.ghosts).err().expect("an error on every rank");
    assert_eq!(error.exit_code(), ExitCode::Internal);
    let expected = format!("rank {last} asked rank 0 for what it does not own");
    assert!(error.to_string().contains(&expected), "{error}");
}

fn ungrouped_ghosts_are_an_error_on_every_rank(comm: &Rc<Comm>) {
    if comm.size() == 1 {
        return;
    }
    let owned = [comm.rank() as GlobalIndex];
    let ghosts = if comm.is_root() { vec![(1, 1), (0, 0)] } else { Vec::new() };
    let error = Halo::new(comm, &owned, &ghosts).err().expect("an error on every rank");
    assert!(error.to_string().contains("not grouped by owner"), "{error}");
}
