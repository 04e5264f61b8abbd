//! Groups of consecutive parts, each of which METIS divides on ranks of its own.

use std::ops::Range;

use crate::mesh::partition::blocks;
use crate::parallel::BlockDistribution;

/// Fewest parts of a group where there are several groups, but for rounding.
const FEWEST: u64 = 64;
/// Most parts of a group. The borders between groups follow the curve and are longer than those of
/// METIS, so that fewer groups have a shorter cut.
const MOST: u64 = 256;

/// Part of a part by which the weight of a group may differ from its share.
const PRECISION: u64 = 64;

/// Groups of consecutive parts, and the ranks that build their blocks.
#[derive(Debug, Clone, Copy)]
pub struct Groups {
    parts: BlockDistribution,
    ranks: BlockDistribution,
    count: usize,
}

impl Groups {
    /// Divides `parts` into groups of about equal size on `ranks` ranks. A group has as many parts
    /// as one graph has in blocks of the usual size, within limits.
    pub fn new(elements: u64, parts: usize, ranks: usize) -> Self {
        let fitting = blocks::elements_of_a_graph() / (elements / parts as u64).max(1);
        let count = parts.div_ceil(fitting.clamp(FEWEST, MOST) as usize);
        let among = |n: usize| BlockDistribution::new(n as u64, count);
        Self { parts: among(parts), ranks: among(ranks), count }
    }

    /// Returns the number of groups.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the parts of a group.
    pub fn parts(&self, group: usize) -> Range<usize> {
        let range = self.parts.range(group);
        range.start as usize..range.end as usize
    }

    /// Returns the ranks of a group: one rank has several groups where there are fewer ranks.
    pub fn ranks(&self, group: usize) -> Range<usize> {
        let range = self.ranks.range(group);
        range.start as usize..range.end.max(range.start + 1) as usize
    }

    /// Returns a group of a rank: the only one where there are not fewer ranks than groups.
    pub fn of_rank(&self, rank: usize) -> usize {
        self.ranks.owner(rank as u64)
    }

    /// Returns the first rank of a group, which receives its blocks.
    pub fn leader(&self, group: usize) -> usize {
        self.ranks(group).start
    }

    /// Returns the rank of its group that divides the parts from this one on.
    pub fn rank_of(&self, part: u32) -> usize {
        let group = self.parts.owner(u64::from(part));
        let (parts, ranks) = (self.parts(group), self.ranks(group));
        ranks.start + (part as usize - parts.start) * ranks.len() / parts.len()
    }

    /// Returns the weight of all groups below each group but the first, of `total`, by their parts,
    /// and the difference that does not matter.
    pub fn weights_below(&self, total: u64) -> (Vec<u64>, u64) {
        let parts = self.parts.total();
        let of_parts = BlockDistribution::new(total, parts as usize);
        let below = |group| of_parts.range(self.parts.range(group).start as usize).start;
        ((1..self.count).map(below).collect(), total / (PRECISION * parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_a_group_and_every_group_a_leader() {
        let cases = [(2, 2), (64, 64), (65, 65), (1000, 1000), (4096, 2), (4096, 7), (16, 600)];
        for ((parts, ranks), elements) in cases.into_iter().flat_map(|case| [(case, 100_000), (case, 100_000_000)]) {
            let groups = Groups::new(elements, parts, ranks);
            let all = || 0..groups.count();
            assert_eq!(all().flat_map(|group| groups.parts(group)).collect::<Vec<_>>(), (0..parts).collect::<Vec<_>>());
            assert!(all().all(|group| groups.parts(group).len() <= MOST as usize && groups.ranks(group).end <= ranks));
            let mut of: Vec<usize> = all().flat_map(|group| groups.ranks(group)).collect();
            assert!(of.is_sorted() && (0..ranks).all(|rank| groups.ranks(groups.of_rank(rank)).contains(&rank)));
            of.dedup();
            assert_eq!(of, (0..ranks).collect::<Vec<_>>());
            for group in 0..groups.count() {
                let of_parts: Vec<usize> = groups.parts(group).map(|part| groups.rank_of(part as u32)).collect();
                assert_eq!(of_parts[0], groups.leader(group));
                assert!(of_parts.is_sorted() && of_parts.iter().all(|rank| groups.ranks(group).contains(rank)));
                assert!(parts != ranks || of_parts == groups.parts(group).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn parts_with_fewer_elements_are_in_fewer_groups() {
        let count = |elements| Groups::new(elements, 1024, 1024).count();
        assert_eq!([100_000, 2_000_000, 4_000_000, 1 << 40].map(count), [4, 4, 8, 16]);
    }

    #[test]
    fn groups_weigh_as_much_as_they_have_parts() {
        let below = Groups::new(3_000_000_000, 192, 192).weights_below(3_000_000_000);
        assert_eq!(below, (vec![1_000_000_000, 2_000_000_000], 3_000_000_000 / (192 * PRECISION)));
        assert_eq!(Groups::new(7, 64, 2).weights_below(7), (Vec::new(), 0));
    }
}
