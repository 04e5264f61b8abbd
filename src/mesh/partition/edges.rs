//! Matching of elements or blocks that share an edge, by the middle node of the edge.

use crate::mesh::LocalNumbers;
use crate::parallel::{Comm, GlobalIndex, Outgoing, concat};

/// Edge of one element or block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side<T> {
    /// Middle node of the edge.
    pub middle: GlobalIndex,
    /// Element or block.
    pub of: T,
}

/// Pairs with a common edge, and the sides without a partner. Of more than two elements at an edge,
/// an error that is found later, each is paired with the next.
#[derive(Debug, PartialEq)]
pub struct Matched<T> {
    /// Elements or blocks.
    pub pairs: Vec<[T; 2]>,
    /// Sides without a partner.
    pub open: Vec<Side<T>>,
}

/// Returns the four sides of every element, numbered by position in the list, by the middle nodes.
pub fn sides(middles: &[[GlobalIndex; 4]]) -> impl ExactSizeIterator<Item = Side<u32>> + '_ {
    middles.as_flattened().iter().enumerate().map(|(i, &middle)| Side { middle, of: (i / 4) as u32 })
}

/// Pairs each side with the one before it at the same edge.
pub fn match_sides<T: Copy>(sides: impl ExactSizeIterator<Item = Side<T>>) -> Matched<T> {
    let edges = sides.len() / 2;
    let mut numbers = LocalNumbers::with_capacity(edges);
    // Whose last side is at each edge, and whether it is the only one.
    let mut last: Vec<(T, bool)> = Vec::with_capacity(edges);
    let mut pairs = Vec::with_capacity(edges);
    for Side { middle, of } in sides {
        match last.get_mut(numbers.add(middle) as usize) {
            Some(before) => {
                pairs.push([before.0, of]);
                *before = (of, false);
            }
            None => last.push((of, true)),
        }
    }
    let sides = numbers.ids().iter().zip(last);
    let open = sides.filter(|(_, (_, is_open))| *is_open).map(|(&middle, (of, _))| Side { middle, of }).collect();
    Matched { pairs, open }
}

/// Pairs sides of different ranks. Returns the pairs whose first side is of this rank; each pair is
/// found on one rank. **Collective.**
pub fn match_across_ranks(comm: &Comm, open: Vec<Side<u64>>) -> Vec<[u64; 2]> {
    let mut outgoing = Outgoing::new();
    for Side { middle, of } in open {
        outgoing.to(hash(middle, comm.size())).extend([middle, of]);
    }
    let incoming = comm.sparse_exchange(outgoing);
    let sides = incoming.iter().flat_map(|(rank, message)| {
        message.as_chunks::<2>().0.iter().map(|&[middle, of]| Side { middle, of: (*rank, of) })
    });
    let sides: Vec<_> = sides.collect();
    let mut answers = Outgoing::new();
    for [(rank, of), (_, other)] in match_sides(sides.into_iter()).pairs {
        answers.to(rank).extend([of, other]);
    }
    concat(comm.sparse_exchange(answers)).as_chunks().0.to_vec()
}

/// Spreads numbers over `0..n` by Fibonacci hashing: D. E. Knuth, *The Art of Computer
/// Programming*, vol. 3, section 6.4.
pub fn hash(number: u64, n: usize) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    (number.wrapping_mul(GOLDEN) >> 32) as usize % n
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
