//! Process agglomeration: distribution of a coarse level over fewer ranks.
//!
//! Where messages take longer than the work on the few unknowns of a rank, a level moves to fewer
//! ranks. The other ranks own none of its unknowns and take no part in its exchanges. The coarsest
//! level then needs only the messages to and from it, and coarser aggregates may cross the
//! boundaries between the former parts.
//!
//! W. D. Gropp, *Parallel computing and domain decomposition* (1992); M. Adams et al.,
//! *Ultrascalable implicit finite element analyses in solid mechanics with over a half a billion
//! degrees of freedom*, SC 2004.

use std::ops::Range;

use crate::parallel::{Comm, GlobalIndex};

/// Smallest mean number of unknowns per rank: a product with such an operator takes about as long
/// as a message.
pub(crate) const SMALLEST: GlobalIndex = 1000;

/// Agglomeration of a level: the unknowns of groups of consecutive ranks go to the first rank of
/// each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agglomeration {
    /// Number of ranks in a group.
    group: usize,
    ranks: usize,
}

impl Agglomeration {
    /// Chooses the groups for a level with `total` unknowns on `ranks` ranks.
    pub fn new(total: GlobalIndex, ranks: usize) -> Self {
        let active = (total / SMALLEST).clamp(1, ranks as GlobalIndex) as usize;
        // With powers of two, the groups of a level are unions of those of the finer level.
        Self { group: ranks.div_ceil(active).next_power_of_two(), ranks }
    }

    /// Returns the rank to which the unknowns of a rank go.
    pub fn owner(self, rank: usize) -> usize {
        rank - rank % self.group
    }

    /// Tests whether one rank owns all unknowns.
    pub fn is_on_one_rank(self) -> bool {
        self.group >= self.ranks
    }

    /// Returns the range of unknowns that this rank owns, whose own ones begin at `start`, of
    /// `total`. **Collective.**
    pub fn range(self, comm: &Comm, start: GlobalIndex, total: GlobalIndex) -> Range<GlobalIndex> {
        let rank = comm.rank();
        let is_first = self.owner(rank) == rank;
        let before = rank.checked_sub(self.group).filter(|_| is_first).map(|before| (before, vec![start]));
        let next = Some((rank + self.group, 1)).filter(|(next, _)| is_first && *next < self.ranks);
        let starts = comm.neighbor_exchange(before.into_iter().collect(), next.as_slice());
        let end = if is_first { total } else { start };
        start..starts.first().map_or(end, |(_, start)| start[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_levels_stay_where_they_are() {
        let agglomeration = Agglomeration::new(35_000, 5);
        assert_eq!([0, 1, 2, 3, 4].map(|rank| agglomeration.owner(rank)), [0, 1, 2, 3, 4]);
        assert!(!agglomeration.is_on_one_rank());
    }

    #[test]
    fn small_levels_move_to_every_second_rank_and_tiny_ones_to_the_first() {
        let owners = |total| [0, 1, 2, 3, 4].map(|rank| Agglomeration::new(total, 5).owner(rank));
        assert_eq!((owners(3500), owners(350)), ([0, 0, 2, 2, 4], [0; 5]));
        assert!(Agglomeration::new(350, 5).is_on_one_rank() && !Agglomeration::new(3500, 5).is_on_one_rank());
    }
}
