//! Redistribution between the numbering of the solver and that of the input: values travel between
//! the rank that owns an item and the rank whose block of the file contains it.

use rayon::prelude::*;

use crate::parallel::loops::CHUNK;
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, LocalIndex, Message, MpiType, Outgoing};

/// Communication plan from the items of this rank to the blocks of a file and back.
pub struct ToSlabs {
    /// Own item at each position of this rank's block; [`NONE`] for an item of another rank.
    own: Vec<LocalIndex>,
    /// Own items in the block of each other rank.
    outgoing: Vec<Message<LocalIndex>>,
    /// Position in this rank's block of the items of each other rank.
    incoming: Vec<Message<LocalIndex>>,
    /// Number of own items.
    items: usize,
}

const NONE: LocalIndex = LocalIndex::MAX;

impl ToSlabs {
    /// Prepares the redistribution of items with global numbers `ids` to the blocks that contain
    /// them. **Collective.**
    pub fn new(comm: &Comm, blocks: BlockDistribution, ids: impl Iterator<Item = GlobalIndex> + Clone) -> Self {
        let block = blocks.range(comm.rank());
        let others = || ids.clone().zip(0..).filter(|(id, _)| !block.contains(id));
        let owners: Vec<usize> = others().map(|(id, _)| blocks.owner(id)).collect();
        let [mut outgoing, mut positions] = [(); 2].map(|()| Outgoing::with_capacity(owners.iter().copied(), 1));
        for ((id, item), rank) in others().zip(owners) {
            outgoing.to(rank).push(item);
            positions.to(rank).push((id - blocks.range(rank).start) as LocalIndex);
        }
        let mut own = vec![NONE; (block.end - block.start) as usize];
        for (id, item) in ids.clone().zip(0..).filter(|(id, _)| block.contains(id)) {
            own[(id - block.start) as usize] = item;
        }
        let incoming = comm.sparse_exchange(positions);
        Self { own, outgoing: outgoing.into_messages(), incoming, items: ids.count() }
    }

    /// Sends `value(i)` of each item `i` of this rank, in the order of its `ids`, and returns the
    /// block of this rank, `N` values an item; items that no rank sends are `fill`. **Collective.**
    pub fn send<T: MpiType, const N: usize>(
        &self,
        comm: &Comm,
        value: impl Fn(usize) -> [T; N] + Sync,
        fill: [T; N],
    ) -> Vec<[T; N]> {
        let values = |items: &[LocalIndex]| -> Vec<[T; N]> {
            let value = |&item: &LocalIndex| if item == NONE { fill } else { value(item as usize) };
            items.par_iter().with_min_len(CHUNK).map(value).collect()
        };
        let of_items = |(rank, items): &Message<LocalIndex>| (*rank, values(items).into_flattened());
        let outgoing = self.outgoing.iter().map(of_items).collect();
        let expected: Vec<_> = self.incoming.iter().map(|(rank, positions)| (*rank, N * positions.len())).collect();
        let (received, mut block) = comm.neighbor_exchange_during(outgoing, &expected, || values(&self.own));
        for ((_, positions), (_, message)) in self.incoming.iter().zip(received) {
            for (&position, &value) in positions.iter().zip(message.as_chunks().0) {
                block[position as usize] = value;
            }
        }
        block
    }

    /// Fetches the values of this rank's items, in the order of its `ids`, from the `block` of each
    /// rank: the inverse of [`send`](Self::send). **Collective.**
    pub fn fetch<T: MpiType>(&self, comm: &Comm, block: &[T]) -> Vec<T> {
        let of_block = |(rank, positions): &Message<LocalIndex>| {
            (*rank, positions.iter().map(|&position| block[position as usize]).collect())
        };
        let expected: Vec<_> = self.outgoing.iter().map(|(rank, items)| (*rank, items.len())).collect();
        let received = comm.neighbor_exchange(self.incoming.iter().map(of_block).collect(), &expected);
        let mut values = vec![T::default(); self.items];
        let own = self.own.iter().zip(block).filter(|(item, _)| **item != NONE);
        own.for_each(|(&item, &value)| values[item as usize] = value);
        for ((_, items), (_, message)) in self.outgoing.iter().zip(received) {
            items.iter().zip(message).for_each(|(&item, value)| values[item as usize] = value);
        }
        values
    }
}
