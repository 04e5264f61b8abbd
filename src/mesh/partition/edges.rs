//! Matching of elements or blocks that share an edge, by the middle node of the edge.

use crate::mesh::node_numbers::NodeNumbers;
use crate::parallel::{Comm, GlobalIndex, Outgoing, concat};

/// Edge of one element or block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Middle node of the edge.
    middle: GlobalIndex,
    /// Number of the element or block.
    pub of: u32,
}

/// Pairs with a common edge, and the sides without a partner. Of more than two elements at an edge,
/// an error that is found later, each is paired with the next.
#[derive(Debug, PartialEq)]
pub struct Matched {
    /// Numbers of both.
    pub pairs: Vec<[u32; 2]>,
    /// Sides without a partner.
    pub open: Vec<Side>,
}

/// Returns the four sides of every element, numbered by position in the list, by the middle nodes.
pub fn sides(middles: &[[GlobalIndex; 4]]) -> impl ExactSizeIterator<Item = Side> + '_ {
    middles.as_flattened().iter().enumerate().map(|(i, &middle)| Side { middle, of: (i / 4) as u32 })
}

/// Pairs each side with the one before it at the same edge.
pub fn match_sides(sides: impl ExactSizeIterator<Item = Side>) -> Matched {
    let edges = sides.len() / 2;
    let mut numbers = NodeNumbers::with_capacity(edges);
    // The last side at each edge, and whether it is the only one.
    let mut last: Vec<(Side, bool)> = Vec::with_capacity(edges);
    let mut pairs = Vec::with_capacity(edges);
    for side in sides {
        match last.get_mut(numbers.add(side.middle) as usize) {
            Some(before) => {
                pairs.push([before.0.of, side.of]);
                *before = (side, false);
            }
            None => last.push((side, true)),
        }
    }
    let open = last.into_iter().filter(|(_, is_open)| *is_open).map(|(side, _)| side).collect();
    Matched { pairs, open }
}

/// Pairs sides of different ranks. Numbers are global; one rank finds each pair. **Collective.**
pub fn match_across_ranks(comm: &Comm, open: Vec<Side>) -> Vec<[u32; 2]> {
    let mut outgoing = Outgoing::new();
    for Side { middle, of } in open {
        outgoing.to(hash_rank(middle, comm.size())).extend([middle, GlobalIndex::from(of)]);
    }
    let incoming = concat(comm.sparse_exchange(outgoing));
    match_sides(incoming.as_chunks::<2>().0.iter().map(|&[middle, of]| Side { middle, of: of as u32 })).pairs
}

/// Returns the rank that pairs the sides of an edge: Fibonacci hashing (D. E. Knuth, *The Art of
/// Computer Programming*, vol. 3, section 6.4).
fn hash_rank(middle: GlobalIndex, ranks: usize) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    (middle.wrapping_mul(GOLDEN) >> 32) as usize % ranks
}

/// Two numbers, and the number or weight of the edges that they share.
pub type Link = ([u32; 2], u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_matched_and_the_outline_is_left() {
        let matched = match_sides(sides(&[[8, 9, 10, 11], [12, 13, 14, 9]]));
        assert_eq!((matched.pairs, matched.open.len()), (vec![[0, 1]], 6));
    }

    #[test]
    fn middles_that_differ_beyond_32_bits_are_told_apart() {
        let far = |n: u64| n << 32;
        let matched = match_sides(sides(&[[0, 1, 2, 3].map(far), [4, 5, 6, 1].map(far)]));
        assert_eq!((matched.pairs, matched.open.len()), (vec![[0, 1]], 6));
    }

    #[test]
    fn three_at_an_edge_are_in_one_row() {
        let matched = match_sides(sides(&[[0, 1, 2, 3], [0, 4, 5, 6], [0, 7, 8, 9]]));
        assert_eq!(matched.pairs, [[0, 1], [1, 2]]);
    }
}
