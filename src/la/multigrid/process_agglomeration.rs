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

use crate::parallel::GlobalIndex;

/// Smallest mean number of unknowns per rank: a product with such an operator takes about as long
/// as a message.
pub(crate) const SMALLEST: GlobalIndex = 1000;

/// Distribution of the coarse unknowns after the agglomeration.
#[derive(Debug, PartialEq, Eq)]
pub struct Agglomerates {
    /// Unknowns that this rank owns.
    pub range: Range<GlobalIndex>,
    /// Start of the range of each rank; an empty range starts where the next one does.
    pub starts: Vec<GlobalIndex>,
}

/// Assigns the unknowns of groups of consecutive ranks to the first rank of each group. `starts`
/// holds the first aggregate of each rank, of `total` over all ranks.
pub fn agglomerate(starts: &[GlobalIndex], total: GlobalIndex, rank: usize) -> Agglomerates {
    let ranks = starts.len();
    let active = (total / SMALLEST).clamp(1, ranks as GlobalIndex) as usize;
    // With powers of two, the groups of a level are unions of those of the finer level.
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
