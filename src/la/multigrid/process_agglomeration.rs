//! Which rank owns which unknown of a coarse level.
//!
//! Where a rank has so few unknowns that messages take longer than the work, a
//! level moves to fewer ranks, so that the coarsest one needs no message but
//! those to and from it, and aggregates below can cross the borders of the former parts.
//! The other ranks keep none of its unknowns and take no part in its exchanges.
//! W. D. Gropp, *Parallel computing and domain decomposition* (1992) shows why;
//! for the practice see M. Adams et al., *Ultrascalable implicit finite element
//! analyses in solid mechanics with over a half a billion degrees of freedom*,
//! SC 2004.

use std::ops::Range;

use crate::parallel::GlobalIndex;

/// Fewest unknowns a rank, in the mean: an operator of so many takes about as
/// long as a message.
pub(crate) const SMALLEST: GlobalIndex = 1000;

/// The coarse unknowns after the move.
#[derive(Debug, PartialEq, Eq)]
pub struct Agglomerates {
    /// Those that this rank owns.
    pub range: Range<GlobalIndex>,
    /// Where the range of each rank starts; empty ranges start where the next one does.
    pub starts: Vec<GlobalIndex>,
}

/// Gives the unknowns of consecutive ranks to the first of them. `starts` tells
/// where the aggregates of each rank start, of `total` on all of them.
pub fn agglomerate(starts: &[GlobalIndex], total: GlobalIndex, rank: usize) -> Agglomerates {
    let ranks = starts.len();
    let active = (total / SMALLEST).clamp(1, ranks as GlobalIndex) as usize;
    // With powers of two the groups of one level are made of those of the finer one.
    let group = ranks.div_ceil(active).next_power_of_two();
    let start = |rank: usize| starts.get(rank.next_multiple_of(group)).copied().unwrap_or(total);
    Agglomerates { range: start(rank)..start(rank + 1), starts: (0..ranks).map(start).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: [GlobalIndex; 5] = [0, 700, 1400, 2100, 2800];

    #[test]
    fn large_levels_stay_where_they_are() {
        let starts = STARTS.map(|start| 10 * start);
        for rank in 0..4 {
            let found = agglomerate(&starts, 35_000, rank);
            assert_eq!(found, Agglomerates { range: starts[rank]..starts[rank + 1], starts: starts.to_vec() });
        }
    }

    #[test]
    fn small_levels_move_to_every_second_rank_and_tiny_ones_to_the_first() {
        let ranges = |starts: &[GlobalIndex], total| -> Vec<Range<GlobalIndex>> {
            (0..5).map(|rank| agglomerate(starts, total, rank).range).collect()
        };
        assert_eq!(ranges(&STARTS, 3500), [0..1400, 1400..1400, 1400..2800, 2800..2800, 2800..3500]);
        let tiny = STARTS.map(|start| start / 10);
        assert_eq!(ranges(&tiny, 350), [0..350, 350..350, 350..350, 350..350, 350..350]);
        assert_eq!(agglomerate(&tiny, 350, 3).starts, [0, 350, 350, 350, 350]);
    }
}
