//! Index map and halo: the ownership of the unknowns, and the exchange of ghost values.
//!
//! Every unknown has one owner. A rank stores its owned unknowns first, in a contiguous range of
//! the global numbering, and behind them its ghosts: the unknowns of other ranks that its rows
//! touch, grouped by owner, so that messages are received in place.
//!
//! ```text
//! global numbering   | 0 1 2 3 | 4 5 6 | 7 8 9 |     three ranks
//! rank 1 stores        4 5 6 | 2 3 | 9                owned | ghosts of 0 | of 2
//! rank 1 sends         [4] to rank 0, [6] to rank 2   (their ghosts)
//! ```

use std::iter::repeat_n;
use std::ops::Range;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, Result};
use crate::parallel::{Comm, GlobalIndex, LocalIndex, MpiType, Outgoing};

/// Distribution of unknowns over the ranks: the owned ones and the ghosts of one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexMap {
    range: Range<GlobalIndex>,
    total: GlobalIndex,
    ghosts: usize,
}

impl IndexMap {
    /// Numbers the `owned` unknowns of each rank behind those of the lower ranks. `ghosts` is the
    /// number of unknowns of other ranks on this one. **Collective.**
    pub fn new(comm: &Comm, owned: usize, ghosts: usize) -> Self {
        Self::with_failures(comm, owned, ghosts, 0).0
    }

    /// Does the same as [`new`](Self::new), and returns the sum of the `failures` of all ranks.
    /// **Collective.**
    fn with_failures(comm: &Comm, owned: usize, ghosts: usize, failures: u64) -> (Self, u64) {
        let start = comm.exclusive_sum(owned as GlobalIndex);
        let sums = comm.sum_all(&[owned as GlobalIndex, failures]);
        (Self { range: start..start + owned as GlobalIndex, total: sums[0], ghosts }, sums[1])
    }

    /// Returns the number of unknowns that this rank owns.
    pub fn owned(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// Returns the number of ghosts on this rank.
    pub fn ghosts(&self) -> usize {
        self.ghosts
    }

    /// Returns the length of a local vector: owned unknowns and ghosts.
    pub fn local(&self) -> usize {
        self.owned() + self.ghosts
    }

    /// Returns the number of unknowns over all ranks.
    pub fn total(&self) -> GlobalIndex {
        self.total
    }

    /// Returns the owned range of the global numbering.
    pub fn range(&self) -> Range<GlobalIndex> {
        self.range.clone()
    }
}

#[derive(Debug)]
struct Send {
    rank: usize,
    indices: Vec<LocalIndex>,
}

#[derive(Debug)]
struct Receive {
    rank: usize,
    range: Range<usize>,
}

/// Halo of distributed unknowns: the exchange of ghost values between neighbours.
pub struct Halo {
    comm: Rc<Comm>,
    map: IndexMap,
    /// Global number of each ghost.
    ghost_numbers: Vec<GlobalIndex>,
    sends: Vec<Send>,
    receives: Vec<Receive>,
}

impl Halo {
    /// Builds the exchange from labels that identify an unknown on all ranks. `owned` has the
    /// labels of this rank in local order, `ghosts` those of other ranks with their owners, grouped
    /// by owner in ascending order. **Collective.**
    ///
    /// # Errors
    /// An internal error on every rank if an owner has no unknown of a label, or `ghosts` are not
    /// grouped.
    pub fn new(comm: &Rc<Comm>, owned: &[GlobalIndex], ghosts: &[(GlobalIndex, usize)]) -> Result<Self> {
        let (requests, receives) = request(owned.len(), ghosts);
        let grouped = receives.windows(2).all(|pair| pair[0].rank < pair[1].rank);
        let requests = comm.sparse_exchange(requests);

        let mut sends = Vec::new();
        let mut result = if grouped { Ok(()) } else { inconsistent("ghosts are not grouped by owner".into()) };
        if !requests.is_empty() {
            // Other ranks request few of the owned unknowns.
            let requested: FxHashSet<GlobalIndex> = requests.iter().flat_map(|message| &message.1).copied().collect();
            let sent = owned.iter().zip(0..).filter(|(label, _)| requested.contains(label));
            let local: FxHashMap<GlobalIndex, LocalIndex> = sent.map(|(&label, i)| (label, i)).collect();
            for (rank, labels) in requests {
                let indices: Vec<LocalIndex> = labels.iter().filter_map(|label| local.get(label).copied()).collect();
                if indices.len() < labels.len() {
                    result = inconsistent(format!("rank {rank} asked rank {} for what it does not own", comm.rank()));
                }
                sends.push(Send { rank, indices });
            }
        }
        let (map, failures) = IndexMap::with_failures(comm, owned.len(), ghosts.len(), u64::from(result.is_err()));
        if failures > 0 {
            comm.agree(result)?;
        }
        let first = map.range.start;
        let mut halo = Self { comm: Rc::clone(comm), map, ghost_numbers: Vec::new(), sends, receives };
        halo.ghost_numbers = halo.ghost_values(|i| first + i as GlobalIndex);
        Ok(halo)
    }

    /// Builds the exchange of unknowns whose ranges of global numbers are known: this rank owns
    /// `range` of `total` unknowns. `ghosts` has the global numbers of the others with their
    /// owners, ascending. **Collective.**
    pub(crate) fn of_range(
        comm: &Rc<Comm>,
        range: Range<GlobalIndex>,
        total: GlobalIndex,
        ghosts: &[(GlobalIndex, usize)],
    ) -> Self {
        let first = range.start;
        let map = IndexMap { range, total, ghosts: ghosts.len() };
        let (requests, receives) = request(map.owned(), ghosts);
        let send = |(rank, numbers): (usize, Vec<GlobalIndex>)| Send {
            rank,
            indices: numbers.into_iter().map(|number| (number - first) as LocalIndex).collect(),
        };
        let sends = comm.sparse_exchange(requests).into_iter().map(send).collect();
        let ghost_numbers = ghosts.iter().map(|ghost| ghost.0).collect();
        Self { comm: Rc::clone(comm), map, ghost_numbers, sends, receives }
    }

    /// Returns the global number of local unknown `i`.
    pub(crate) fn global(&self, i: usize) -> GlobalIndex {
        let owned = self.map.owned();
        if i < owned { self.map.range.start + i as GlobalIndex } else { self.ghost_numbers[i - owned] }
    }

    /// Iterates over the owners of the local unknowns.
    pub(crate) fn owners(&self) -> impl Iterator<Item = usize> + '_ {
        let ghosts = self.receives.iter().flat_map(|receive| repeat_n(receive.rank, receive.range.len()));
        repeat_n(self.comm.rank(), self.map.owned()).chain(ghosts)
    }

    /// Returns the index map of the unknowns.
    pub fn map(&self) -> &IndexMap {
        &self.map
    }

    /// Returns the communicator.
    pub(crate) fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    /// Returns the number of ranks that send to this one.
    pub fn neighbours(&self) -> usize {
        self.receives.len()
    }

    /// Returns the number of values that this rank sends in one exchange.
    pub fn sent(&self) -> usize {
        self.sends.iter().map(|s| s.indices.len()).sum()
    }

    /// Sends the owned `values` (length [`IndexMap::local`]) to the ghosts of the neighbours.
    /// **Collective** among neighbours.
    pub fn scatter_fwd<T: MpiType>(&self, values: &mut [T]) {
        let (owned, ghosts) = values.split_at_mut(self.map.owned());
        self.exchange(|i| owned[i], ghosts, || ());
    }

    /// Adds the ghosts of `values` to the entries of their owners, in the order of the ranks. The
    /// ghosts stay unchanged. **Collective** among neighbours.
    pub fn scatter_rev_add<T: MpiType + std::ops::AddAssign>(&self, values: &mut [T]) {
        let (owned, ghosts) = values.split_at_mut(self.map.owned());
        let first = self.map.owned();
        let outgoing: Vec<(usize, &[T])> =
            self.receives.iter().map(|r| (r.rank, &ghosts[r.range.start - first..r.range.end - first])).collect();
        let mut incoming: Vec<Vec<T>> = self.sends.iter().map(|s| vec![T::default(); s.indices.len()]).collect();
        let receive = self.sends.iter().zip(&mut incoming).map(|(s, buffer)| (s.rank, &mut buffer[..])).collect();
        self.comm.neighbor_exchange_overlap(&outgoing, receive, || ());
        for (send, buffer) in self.sends.iter().zip(incoming) {
            for (&i, value) in send.indices.iter().zip(buffer) {
                owned[i as usize] += value;
            }
        }
    }

    /// Returns the values of the ghosts, where `value(i)` is that of owned unknown `i` on its rank.
    /// **Collective** among neighbours.
    pub fn ghost_values<T: MpiType>(&self, value: impl FnMut(usize) -> T) -> Vec<T> {
        let mut ghosts = vec![T::default(); self.map.ghosts()];
        self.exchange(value, &mut ghosts, || ());
        ghosts
    }

    /// Sends the lists of owned unknowns, which `list` returns, and returns those of the ghosts.
    /// **Collective** among neighbours.
    pub fn scatter_fwd_lists<T: MpiType>(&self, list: impl Fn(usize) -> Vec<T>) -> Vec<Vec<T>> {
        let mut sent = Vec::with_capacity(self.sent());
        let mut message = |send: &Send| {
            let lists: Vec<Vec<T>> = send.indices.iter().map(|&i| list(i as usize)).collect();
            sent.extend(lists.iter().map(|list| list.len() as u64));
            (send.rank, lists.concat())
        };
        let outgoing = self.sends.iter().map(&mut message).collect();
        let mut sent = sent.into_iter();
        let lengths = self.ghost_values(|_| sent.next().unwrap_or(0));
        let first = self.map.owned();
        let of = |receive: &Receive| &lengths[receive.range.start - first..receive.range.end - first];
        let length = |receive: &Receive| of(receive).iter().sum::<u64>() as usize;
        let expected: Vec<_> = self.receives.iter().map(|receive| (receive.rank, length(receive))).collect();
        let incoming = self.comm.neighbor_exchange(outgoing, &expected);
        let mut ghosts = Vec::with_capacity(self.map.ghosts());
        for (receive, (_, message)) in self.receives.iter().zip(&incoming) {
            let mut rest = &message[..];
            for &length in of(receive) {
                let (list, tail) = rest.split_at(length as usize);
                ghosts.push(list.to_vec());
                rest = tail;
            }
        }
        ghosts
    }

    /// Does what [`scatter_fwd`](Self::scatter_fwd) does, and runs `interior` on the owned values
    /// while the messages travel. The ghosts are borrowed meanwhile. **Collective** among
    /// neighbours.
    pub fn scatter_fwd_overlap<T: MpiType, R>(&self, values: &mut [T], interior: impl FnOnce(&[T]) -> R) -> R {
        let (owned, ghosts) = values.split_at_mut(self.map.owned());
        self.exchange(|i| owned[i], ghosts, || interior(owned))
    }

    /// Sends `value(i)` of the owned entries that are ghosts of other ranks, in the order of the
    /// messages, and runs `interior` while they travel.
    fn exchange<T: MpiType, R>(
        &self,
        mut value: impl FnMut(usize) -> T,
        ghosts: &mut [T],
        interior: impl FnOnce() -> R,
    ) -> R {
        let mut outbox = Vec::with_capacity(self.sent());
        for send in &self.sends {
            outbox.extend(send.indices.iter().map(|&i| value(i as usize)));
        }
        let mut rest = &outbox[..];
        let mut outgoing = Vec::with_capacity(self.sends.len());
        for send in &self.sends {
            let (message, tail) = rest.split_at(send.indices.len());
            outgoing.push((send.rank, message));
            rest = tail;
        }
        let mut rest = ghosts;
        let mut incoming = Vec::with_capacity(self.receives.len());
        for receive in &self.receives {
            let (message, tail) = rest.split_at_mut(receive.range.len());
            incoming.push((receive.rank, message));
            rest = tail;
        }
        self.comm.neighbor_exchange_overlap(&outgoing, incoming, interior)
    }
}

/// Returns the requests for ghosts, given with their owners, at these owners, and the messages in
/// which their values will come, behind `owned` unknowns.
fn request(owned: usize, ghosts: &[(GlobalIndex, usize)]) -> (Outgoing<GlobalIndex>, Vec<Receive>) {
    let mut requests = Outgoing::new();
    let mut receives: Vec<Receive> = Vec::new();
    for (&(number, owner), at) in ghosts.iter().zip(owned..) {
        requests.to(owner).push(number);
        match receives.last_mut() {
            Some(last) if last.rank == owner => last.range.end = at + 1,
            _ => receives.push(Receive { rank: owner, range: at..at + 1 }),
        }
    }
    (requests, receives)
}

fn inconsistent(what: String) -> Result<()> {
    Err(Error::internal(format!("an internal check failed: {what} (please report this)")))
}
