//! Matching of elements or blocks that share an edge, by the two corners of the edge.

use crate::parallel::{Comm, GlobalIndex};

/// Edge of one element or block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The two corners, ascending.
    corners: [GlobalIndex; 2],
    /// Number of the element or block.
    pub of: u32,
}

/// Pairs with a common edge, and the sides without a partner. Of more than two elements at an edge,
/// an error that is found later, each is paired with the next.
#[derive(Debug, Default, PartialEq)]
pub struct Matched {
    /// Numbers of both, the lower one first.
    pub pairs: Vec<[u32; 2]>,
    /// Sides without a partner.
    pub open: Vec<Side>,
}

/// Returns the four sides of every element, numbered by position in the list.
pub fn sides(corners: &[[GlobalIndex; 4]]) -> Vec<Side> {
    let of_element = |(c, of): (&[GlobalIndex; 4], u32)| {
        let c = *c;
        (0..4).map(move |i| (c[i], c[(i + 1) % 4])).map(move |(a, b)| Side { corners: [a.min(b), a.max(b)], of })
    };
    corners.iter().zip(0..).flat_map(of_element).collect()
}

/// Pairs the sides of a list.
pub fn match_sides(mut sides: Vec<Side>) -> Matched {
    sides.sort_unstable();
    let mut matched = Matched::default();
    for edge in sides.chunk_by(|a, b| a.corners == b.corners) {
        match edge {
            [alone] => matched.open.push(*alone),
            several => matched.pairs.extend(several.windows(2).map(|pair| [pair[0].of, pair[1].of])),
        }
    }
    matched
}

/// Pairs sides of different ranks. Numbers are global; one rank finds each pair. **Collective.**
pub fn match_across_ranks(comm: &Comm, open: Vec<Side>) -> Vec<[u32; 2]> {
    let mut outgoing = vec![Vec::new(); comm.size()];
    for side in open {
        let [a, b] = side.corners;
        outgoing[hash_rank(a, b, comm.size())].extend([a, b, GlobalIndex::from(side.of)]);
    }
    let incoming = comm.all_to_all_v(outgoing);
    let sides = incoming.iter().flat_map(|message| message.chunks_exact(3));
    match_sides(sides.map(|s| Side { corners: [s[0], s[1]], of: s[2] as u32 }).collect()).pairs
}

/// Returns the rank that pairs the sides of an edge: Fibonacci hashing (D. E. Knuth, *The Art of
/// Computer Programming*, vol. 3, section 6.4).
fn hash_rank(a: GlobalIndex, b: GlobalIndex, ranks: usize) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let hash = (a.wrapping_mul(GOLDEN) ^ b).wrapping_mul(GOLDEN);
    (hash >> 32) as usize % ranks
}

/// Two numbers, and the number or weight of the edges that they share.
pub type Link = ([u32; 2], u32);

/// Merges links of the same pair, and returns each pair once, ascending, with the sum of its
/// weights.
pub fn merge(mut links: Vec<Link>) -> Vec<Link> {
    links.retain(|(pair, _)| pair[0] != pair[1]);
    links.iter_mut().for_each(|(pair, _)| pair.sort_unstable());
    links.sort_unstable();
    links.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        kept.1 += if is_same { next.1 } else { 0 };
        is_same
    });
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_matched_and_the_outline_is_left() {
        // 3 4 5
        // 0 1 2
        let matched = match_sides(sides(&[[0, 1, 4, 3], [1, 2, 5, 4]]));
        assert_eq!((matched.pairs, matched.open.len()), (vec![[0, 1]], 6));
    }

    #[test]
    fn corners_that_differ_beyond_32_bits_are_told_apart() {
        let far = |n: u64| n << 32;
        let matched = match_sides(sides(&[[0, 1, 4, 3].map(far), [1, 2, 5, 4].map(far)]));
        assert_eq!((matched.pairs, matched.open.len()), (vec![[0, 1]], 6));
    }

    #[test]
    fn three_at_an_edge_are_in_one_row() {
        let matched = match_sides(sides(&[[0, 1, 2, 3], [1, 0, 4, 5], [0, 1, 6, 7]]));
        assert_eq!(matched.pairs, [[0, 1], [1, 2]]);
    }

    #[test]
    fn links_are_added_up_whichever_way_round() {
        let links = vec![([2, 1], 1), ([1, 2], 4), ([3, 3], 1), ([0, 1], 1)];
        assert_eq!(merge(links), [([0, 1], 1), ([1, 2], 5)]);
    }
}
