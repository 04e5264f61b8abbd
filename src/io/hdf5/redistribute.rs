//! Redistribution between the numbering of the solver and that of the input: values travel between
//! the rank that owns an item and the rank whose block of the file contains it.

use crate::parallel::{BlockDistribution, Comm, GlobalIndex, MpiType};

/// Communication plan from the items of this rank to the blocks of a file and back.
pub struct ToSlabs {
    blocks: BlockDistribution,
    ids: Vec<GlobalIndex>,
    /// Position in this rank's block of each item that it receives, by sender.
    counts: Vec<usize>,
    /// Position in this rank's block of the items it receives, by sender.
    incoming: Vec<Vec<GlobalIndex>>,
}

impl ToSlabs {
    /// Prepares the redistribution of items with global numbers `ids` to the blocks that contain
    /// them. **Collective.**
    pub fn new(comm: &Comm, blocks: BlockDistribution, ids: Vec<GlobalIndex>) -> Self {
        let mut counts = vec![0; comm.size()];
        ids.iter().for_each(|&id| counts[blocks.owner(id)] += 1);
        let mut outgoing = with_capacities(&counts, 1);
        for &id in &ids {
            outgoing[blocks.owner(id)].push(id);
        }
        Self { blocks, ids, counts, incoming: comm.all_to_all_v(outgoing) }
    }

    /// Sends `values`, the items of this rank in the order of its `ids`, and returns the block of
    /// this rank, `N` values an item; items that no rank sends are `fill`. **Collective.**
    pub fn send<T: MpiType, const N: usize>(
        &self,
        comm: &Comm,
        values: impl IntoIterator<Item = [T; N]>,
        fill: T,
    ) -> Vec<[T; N]> {
        let mut outgoing = with_capacities(&self.counts, N);
        for (&id, value) in self.ids.iter().zip(values) {
            outgoing[self.blocks.owner(id)].extend_from_slice(&value);
        }
        let range = self.blocks.range(comm.rank());
        let mut block = vec![[fill; N]; (range.end - range.start) as usize];
        for (ids, message) in self.incoming.iter().zip(comm.all_to_all_v(outgoing)) {
            for (id, value) in ids.iter().zip(message.chunks_exact(N)) {
                block[(id - range.start) as usize].copy_from_slice(value);
            }
        }
        block
    }

    /// Fetches the values of this rank's items, in the order of its `ids`, from the `block` of each
    /// rank: the inverse of [`send`](Self::send). **Collective.**
    pub fn fetch<T: MpiType>(&self, comm: &Comm, block: &[T]) -> Vec<T> {
        let first = self.blocks.range(comm.rank()).start;
        let of_block = |ids: &Vec<GlobalIndex>| ids.iter().map(|id| block[(id - first) as usize]).collect();
        let mut incoming: Vec<_> =
            comm.all_to_all_v(self.incoming.iter().map(of_block).collect()).into_iter().map(Vec::into_iter).collect();
        let next = |&id: &GlobalIndex| incoming[self.blocks.owner(id)].next().unwrap_or_default();
        self.ids.iter().map(next).collect()
    }
}

/// Returns an empty message for each rank, with room for its items of `width` values: messages that grow take up to
/// twice the memory.
fn with_capacities<T>(counts: &[usize], width: usize) -> Vec<Vec<T>> {
    counts.iter().map(|count| Vec::with_capacity(width * count)).collect()
}
