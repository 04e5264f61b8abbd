//! Requests for items of a block distribution, and the answers of the ranks that hold them.

use std::ops::Range;

use crate::parallel::{BlockDistribution, Comm, GlobalIndex, MpiType};

/// Requests of all ranks for items, each at the rank whose block contains the item.
pub(crate) struct BlockRequests {
    block: Range<GlobalIndex>,
    /// Rank whose block contains each requested item.
    holders: Vec<u32>,
    /// Items of this rank's block that each rank requests.
    incoming: Vec<Vec<GlobalIndex>>,
}

impl BlockRequests {
    /// Requests each of `items`. **Collective.**
    pub fn new(comm: &Comm, blocks: BlockDistribution, items: impl Iterator<Item = GlobalIndex> + Clone) -> Self {
        let holders: Vec<u32> = items.clone().map(|item| blocks.owner(item) as u32).collect();
        let mut counts = vec![0; comm.size()];
        holders.iter().for_each(|&rank| counts[rank as usize] += 1);
        let mut outgoing: Vec<Vec<GlobalIndex>> = counts.into_iter().map(Vec::with_capacity).collect();
        for (item, &rank) in items.zip(&holders) {
            outgoing[rank as usize].push(item);
        }
        Self { block: blocks.range(comm.rank()), holders, incoming: comm.all_to_all_v(outgoing) }
    }

    /// Returns the number of items in this rank's block.
    pub fn block_len(&self) -> usize {
        (self.block.end - self.block.start) as usize
    }

    /// Returns the requests of each rank as positions in this rank's block, in the order of the
    /// ranks.
    pub fn incoming(&self) -> impl Iterator<Item = impl ExactSizeIterator<Item = usize> + '_> + '_ {
        self.incoming.iter().map(|items| items.iter().map(|item| (item - self.block.start) as usize))
    }

    /// Answers the requests by a value for each position in this rank's block. Returns the answers
    /// for the items that this rank requested, in their order. **Collective.**
    pub fn answer<T: MpiType>(&self, comm: &Comm, value: impl Fn(usize) -> T) -> Vec<T> {
        let outgoing = self.incoming().map(|positions| positions.map(&value).collect()).collect();
        let mut answers: Vec<_> = comm.all_to_all_v(outgoing).into_iter().map(Vec::into_iter).collect();
        self.holders.iter().map(|&rank| answers[rank as usize].next().unwrap_or_default()).collect()
    }
}
