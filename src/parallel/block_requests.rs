//! Requests for items of a block distribution, and the answers of the ranks that hold them.

use std::ops::Range;

use crate::parallel::{BlockDistribution, Comm, GlobalIndex, Message, MpiType, Outgoing};

/// Requests of all ranks for items, each at the rank whose block contains the item.
pub(crate) struct BlockRequests {
    block: Range<GlobalIndex>,
    /// Position in `asked` of the rank whose block contains each requested item.
    holders: Vec<u32>,
    /// Ranks of which this rank requests items, and the numbers of items.
    asked: Vec<(usize, usize)>,
    /// Items of this rank's block that other ranks request.
    incoming: Vec<Message<GlobalIndex>>,
}

impl BlockRequests {
    /// Requests each of `items`. **Collective.**
    pub fn new(comm: &Comm, blocks: BlockDistribution, items: impl Iterator<Item = GlobalIndex> + Clone) -> Self {
        let mut holders: Vec<u32> = items.clone().map(|item| blocks.owner(item) as u32).collect();
        let mut outgoing = Outgoing::with_capacity(holders.iter().map(|&rank| rank as usize), 1);
        for (item, holder) in items.zip(&mut holders) {
            let rank = *holder as usize;
            *holder = outgoing.position(rank) as u32;
            outgoing.to(rank).push(item);
        }
        let asked = outgoing.lengths();
        Self { block: blocks.range(comm.rank()), holders, asked, incoming: comm.sparse_exchange(outgoing) }
    }

    /// Returns the number of items in this rank's block.
    pub fn block_len(&self) -> usize {
        (self.block.end - self.block.start) as usize
    }

    /// Returns the ranks that request items and their requests as positions in this rank's block,
    /// in the order of the ranks.
    pub fn incoming(&self) -> impl Iterator<Item = (usize, impl ExactSizeIterator<Item = usize> + '_)> + '_ {
        let first = self.block.start;
        self.incoming.iter().map(move |(rank, items)| (*rank, items.iter().map(move |item| (item - first) as usize)))
    }

    /// Answers the requests by a value for each position in this rank's block. Returns the answers
    /// for the items that this rank requested, in their order. **Collective** among the ranks that
    /// request items of each other.
    pub fn answer<T: MpiType>(&self, comm: &Comm, value: impl Fn(usize) -> T) -> Vec<T> {
        self.answer_rows(comm, |position| [value(position)]).into_flattened()
    }

    /// Does the same as [`answer`](Self::answer), but with N values for each item.
    pub fn answer_rows<T: MpiType, const N: usize>(
        &self,
        comm: &Comm,
        values: impl Fn(usize) -> [T; N],
    ) -> Vec<[T; N]> {
        let outgoing = self.incoming().map(|(rank, positions)| (rank, positions.flat_map(&values).collect())).collect();
        let asked: Vec<_> = self.asked.iter().map(|&(rank, items)| (rank, N * items)).collect();
        let answers = comm.neighbor_exchange(outgoing, &asked);
        let mut answers: Vec<_> = answers.iter().map(|(_, values)| values.as_chunks::<N>().0.iter()).collect();
        let next = |&at: &u32| answers[at as usize].next().copied().unwrap_or([T::default(); N]);
        self.holders.iter().map(next).collect()
    }
}
