//! Redistribution between the numbering of the solver and that of the input: values travel between
//! the rank that owns an item and the rank whose block of the file contains it.

use rayon::prelude::*;

use crate::parallel::loops::CHUNK;
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, LocalIndex, MpiType};

/// Communication plan from the items of this rank to the blocks of a file and back.
pub struct ToSlabs {
    /// Own item at each position of this rank's block; [`NONE`] for an item of another rank.
    own: Vec<LocalIndex>,
    /// Own items in the block of each other rank.
    outgoing: Vec<Vec<LocalIndex>>,
    /// Position in this rank's block of the items of each other rank.
    incoming: Vec<Vec<LocalIndex>>,
    /// Number of own items.
    items: usize,
}

const NONE: LocalIndex = LocalIndex::MAX;

impl ToSlabs {
    /// Prepares the redistribution of items with global numbers `ids` to the blocks that contain
    /// them. **Collective.**
    pub fn new(comm: &Comm, blocks: BlockDistribution, ids: impl Iterator<Item = GlobalIndex> + Clone) -> Self {
        let block = blocks.range(comm.rank());
        let starts: Vec<GlobalIndex> = (0..comm.size()).map(|rank| blocks.range(rank).start).collect();
        let others = || ids.clone().zip(0..).filter(|(id, _)| !block.contains(id));
        let owner = |id: GlobalIndex| starts.partition_point(|&start| start <= id) - 1;
        // Messages that grow take up to twice the memory.
        let mut counts = vec![0; comm.size()];
        others().for_each(|(id, _)| counts[owner(id)] += 1);
        let mut outgoing: Vec<Vec<LocalIndex>> = counts.iter().map(|&count| Vec::with_capacity(count)).collect();
        let mut positions = outgoing.clone();
        for (id, item) in others() {
            let rank = owner(id);
            outgoing[rank].push(item);
            positions[rank].push((id - starts[rank]) as LocalIndex);
        }
        let mut own = vec![NONE; (block.end - block.start) as usize];
        for (id, item) in ids.clone().zip(0..).filter(|(id, _)| block.contains(id)) {
            own[(id - block.start) as usize] = item;
        }
        Self { own, outgoing, incoming: comm.all_to_all_v(positions), items: ids.count() }
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
        let messages = self.outgoing.iter().map(|items| values(items).into_flattened()).collect();
        let received = comm.all_to_all_v(messages);
        let mut block = values(&self.own);
        for (positions, message) in self.incoming.iter().zip(received) {
            for (&position, &value) in positions.iter().zip(message.as_chunks().0) {
                block[position as usize] = value;
            }
        }
        block
    }

    /// Fetches the values of this rank's items, in the order of its `ids`, from the `block` of each
    /// rank: the inverse of [`send`](Self::send). **Collective.**
    pub fn fetch<T: MpiType>(&self, comm: &Comm, block: &[T]) -> Vec<T> {
        let of_block = |positions: &Vec<LocalIndex>| positions.iter().map(|&p| block[p as usize]).collect();
        let received = comm.all_to_all_v(self.incoming.iter().map(of_block).collect());
        let mut values = vec![T::default(); self.items];
        let own = self.own.iter().zip(block).filter(|(item, _)| **item != NONE);
        own.for_each(|(&item, &value)| values[item as usize] = value);
        for (items, message) in self.outgoing.iter().zip(received) {
            items.iter().zip(message).for_each(|(&item, value)| values[item as usize] = value);
        }
        values
    }
}
