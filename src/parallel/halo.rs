//! Who owns which unknown, and how owners send values to those that need them.
//!
//! Every unknown has one owner. A rank stores its owned unknowns first, in a
//! contiguous range of the global numbering, and behind them its ghosts: the
//! unknowns of other ranks that its rows touch, grouped by owner, so that each
//! neighbour's message lands in place.
//!
//! ```text
//! global numbering   | 0 1 2 3 | 4 5 6 | 7 8 9 |     three ranks
//! rank 1 stores        4 5 6 | 2 3 | 9                owned | ghosts of 0 | of 2
//! rank 1 sends         [4] to rank 0, [6] to rank 2   (their ghosts)
//! ```

use std::ops::Range;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, Result};
use crate::parallel::{Comm, GlobalIndex, LocalIndex, MpiType};

/// The distribution of unknowns over ranks, as one rank sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexMap {
    range: Range<GlobalIndex>,
    total: GlobalIndex,
    ghosts: usize,
}

impl IndexMap {
    /// For `owned` unknowns of this rank, which follow those of the lower
    /// ranks, and `ghosts` of other ranks. **Collective.**
    pub fn new(comm: &Comm, owned: usize, ghosts: usize) -> Self {
        let start = comm.exclusive_sum(owned as GlobalIndex);
        Self { range: start..start + owned as GlobalIndex, total: comm.sum(owned as GlobalIndex), ghosts }
    }

    /// Number of unknowns that this rank owns.
    pub fn owned(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// Number of ghosts on this rank.
    pub fn ghosts(&self) -> usize {
        self.ghosts
    }

    /// Owned and ghosts together: the length of a local vector.
    pub fn local(&self) -> usize {
        self.owned() + self.ghosts
    }

    /// Number of unknowns over all ranks.
    pub fn total(&self) -> GlobalIndex {
        self.total
    }

    /// The owned range in the global numbering.
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

/// The exchange of ghost values between neighbours.
pub struct Halo {
    comm: Rc<Comm>,
    map: IndexMap,
    /// Global number of each ghost.
    ghost_numbers: Vec<GlobalIndex>,
    sends: Vec<Send>,
    receives: Vec<Receive>,
}

impl Halo {
    /// Builds the exchange from any labels that name an unknown on all ranks
    /// alike: `owned` are those of this rank in local order, `ghosts` the ones
    /// it needs with their owners, grouped by owner in ascending order.
    /// **Collective.**
    ///
    /// # Errors
    /// [`Error::Inconsistent`] on every rank if an owner does not know a label
    /// or `ghosts` are not grouped.
    pub fn new(comm: &Rc<Comm>, owned: &[GlobalIndex], ghosts: &[(GlobalIndex, usize)]) -> Result<Self> {
        let mut requests = vec![Vec::new(); comm.size()];
        let mut receives: Vec<Receive> = Vec::new();
        for (i, &(label, owner)) in ghosts.iter().enumerate() {
            requests[owner].push(label);
            let at = owned.len() + i;
            match receives.last_mut() {
                Some(last) if last.rank == owner => last.range.end = at + 1,
                _ => receives.push(Receive { rank: owner, range: at..at + 1 }),
            }
        }
        let grouped = receives.windows(2).all(|pair| pair[0].rank < pair[1].rank);
        let wanted = comm.all_to_all_v(requests);

        let mut sends = Vec::new();
        let mut result = if grouped { Ok(()) } else { inconsistent("ghosts are not grouped by owner".into()) };
        if wanted.iter().any(|labels| !labels.is_empty()) {
            // Few of the owned unknowns are wanted.
            let asked: FxHashSet<GlobalIndex> = wanted.iter().flatten().copied().collect();
            let known = owned.iter().zip(0..).filter(|(label, _)| asked.contains(label));
            let local: FxHashMap<GlobalIndex, LocalIndex> = known.map(|(&label, i)| (label, i)).collect();
            for (rank, labels) in wanted.into_iter().enumerate().filter(|(_, labels)| !labels.is_empty()) {
                let indices: Vec<LocalIndex> = labels.iter().filter_map(|label| local.get(label).copied()).collect();
                if indices.len() < labels.len() {
                    result = inconsistent(format!("rank {rank} asked rank {} for what it does not own", comm.rank()));
                }
                sends.push(Send { rank, indices });
            }
        }
        comm.agree(result)?;
        let map = IndexMap::new(comm, owned.len(), ghosts.len());
        let mut halo = Self { comm: Rc::clone(comm), map, ghost_numbers: Vec::new(), sends, receives };
        let mut numbers: Vec<GlobalIndex> = halo.map.range().chain(ghosts.iter().map(|_| 0)).collect();
        halo.scatter_fwd(&mut numbers);
        halo.ghost_numbers = numbers.split_off(owned.len());
        Ok(halo)
    }

    /// Global number of local unknown `i`.
    pub fn global(&self, i: usize) -> GlobalIndex {
        let owned = self.map.owned();
        if i < owned { self.map.range.start + i as GlobalIndex } else { self.ghost_numbers[i - owned] }
    }

    /// The distribution that this exchange serves.
    pub fn map(&self) -> &IndexMap {
        &self.map
    }

    /// The ranks that take part.
    pub fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    /// Number of ranks that this one receives from.
    pub fn neighbours(&self) -> usize {
        self.receives.len()
    }

    /// Number of values that this rank sends in one exchange.
    pub fn sent(&self) -> usize {
        self.sends.iter().map(|s| s.indices.len()).sum()
    }

    /// Fills the ghosts of `values` (length [`IndexMap::local`]) from their
    /// owners. **Collective** among neighbours.
    pub fn scatter_fwd<T: MpiType>(&self, values: &mut [T]) {
        let (owned, ghosts) = values.split_at_mut(self.map.owned());
        self.all_to_all_v(owned, ghosts, |_| ());
    }

    /// Adds the ghosts of `values` to the owners' entries, in the order of the
    /// ranks; the ghosts themselves stay. **Collective** among neighbours.
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

    /// The lists of the ghosts, where `list` gives those of the owned unknowns
    /// that other ranks need. **Collective.**
    pub fn scatter_fwd_lists<T: MpiType>(&self, list: impl Fn(usize) -> Vec<T>) -> Vec<Vec<T>> {
        let mut lengths = vec![0_u64; self.map.local()];
        let mut outgoing = vec![Vec::new(); self.comm.size()];
        for send in &self.sends {
            for i in send.indices.iter().map(|&i| i as usize) {
                let values = list(i);
                lengths[i] = values.len() as u64;
                outgoing[send.rank].extend(values);
            }
        }
        self.scatter_fwd(&mut lengths);
        let incoming = self.comm.all_to_all_v(outgoing);
        let mut ghosts = Vec::with_capacity(self.map.ghosts());
        for receive in &self.receives {
            let mut rest = &incoming[receive.rank][..];
            for &length in &lengths[receive.range.clone()] {
                let (list, tail) = rest.split_at(length as usize);
                ghosts.push(list.to_vec());
                rest = tail;
            }
        }
        ghosts
    }

    /// As [`scatter_fwd`](Self::forward), and runs `interior` on the owned values
    /// while the messages travel: nobody can touch ghosts in flight.
    pub fn scatter_fwd_overlap<T: MpiType, R>(&self, values: &mut [T], interior: impl FnOnce(&[T]) -> R) -> R {
        let (owned, ghosts) = values.split_at_mut(self.map.owned());
        self.all_to_all_v(owned, ghosts, interior)
    }

    fn all_to_all_v<T: MpiType, R>(&self, owned: &[T], ghosts: &mut [T], interior: impl FnOnce(&[T]) -> R) -> R {
        let mut outbox = Vec::with_capacity(self.sent());
        for send in &self.sends {
            outbox.extend(send.indices.iter().map(|&i| owned[i as usize]));
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
        self.comm.neighbor_exchange_overlap(&outgoing, incoming, || interior(owned))
    }
}

fn inconsistent(what: String) -> Result<()> {
    Err(Error::Inconsistent { what })
}
