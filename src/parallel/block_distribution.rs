//! Block distribution: contiguous blocks of about equal size, for items of unknown cost.

use std::ops::Range;

use crate::parallel::GlobalIndex;

/// Block distribution: rank `r` of `ranks` holds items `n r / ranks` to `n (r + 1) / ranks` of `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockDistribution {
    n: GlobalIndex,
    ranks: usize,
}

impl BlockDistribution {
    /// Distributes `n` items over `ranks` ranks.
    pub fn new(n: GlobalIndex, ranks: usize) -> Self {
        Self { n, ranks }
    }

    /// Returns the number of items over all ranks.
    pub fn total(&self) -> GlobalIndex {
        self.n
    }

    /// Returns the items of one rank.
    pub fn range(&self, rank: usize) -> Range<GlobalIndex> {
        self.start(rank)..self.start(rank + 1)
    }

    /// Returns the rank that holds item `i < n`.
    pub(crate) fn owner(&self, i: GlobalIndex) -> usize {
        debug_assert!(i < self.n);
        // The last rank whose block starts at or before i. 64 bits are enough for most, and faster.
        match (i + 1).checked_mul(self.ranks as u64) {
            Some(product) => product.div_ceil(self.n) as usize - 1,
            None => ((u128::from(i) + 1) * self.ranks as u128).div_ceil(u128::from(self.n)) as usize - 1,
        }
    }

    fn start(&self, rank: usize) -> GlobalIndex {
        match self.n.checked_mul(rank as u64) {
            Some(product) => product / self.ranks as u64,
            None => (u128::from(self.n) * rank as u128 / self.ranks as u128) as GlobalIndex,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_the_block_of_its_owner() {
        for n in [1, 2, 7, 16, 100, 101] {
            for ranks in [1, 2, 3, 7, 16, 33] {
                let blocks = BlockDistribution::new(n, ranks);
                assert_eq!((blocks.range(0).start, blocks.range(ranks - 1).end), (0, n));
                for i in 0..n {
                    assert!(blocks.range(blocks.owner(i)).contains(&i), "{i} of {n} on {ranks}");
                }
            }
        }
    }

    #[test]
    fn numbers_beyond_32_bits_are_distributed_without_overflow() {
        let blocks = BlockDistribution::new(u64::MAX / 2, 4096);
        let i = u64::MAX / 3;
        assert!(blocks.range(blocks.owner(i)).contains(&i));
    }
}
