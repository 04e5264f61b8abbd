//! Connected components of the graph of strong connections: lines, and spots.

use std::mem::replace;
use std::ops::Range;

use rayon::prelude::*;

use crate::parallel::{Keyed, LocalIndex, group_by_key, loops};

/// Largest number of unknowns in a block, which is solved sequentially.
const LARGEST: usize = 4096;
/// Largest width of a block, in unknowns; of wider spots each block has at most so many unknowns.
const WIDEST: usize = 64;

/// Neighbours in a graph, with the unknown as the key.
struct Neighbours<'a>(&'a [[LocalIndex; 2]]);

impl Keyed for Neighbours<'_> {
    type Item = LocalIndex;

    fn visit(&self, unknowns: Range<usize>, mut put: impl FnMut(usize, LocalIndex)) {
        let both = self.0.iter().flat_map(|&[i, j]| [(i as usize, j), (j as usize, i)]);
        both.filter(|(unknown, _)| unknowns.contains(unknown)).for_each(|(unknown, other)| put(unknown, other));
    }
}

/// Returns the connected components of a graph, cut into blocks of at most [`LARGEST`] unknowns, or
/// of [`WIDEST`] where the breadth-first search has found more than these at a time. The search starts at unknowns of lowest degree and so follows lines from end to
/// end.
pub fn connected_components(pairs: &[[LocalIndex; 2]], unknowns: usize) -> Vec<Vec<LocalIndex>> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let (starts, neighbours) = group_by_key(&Neighbours(pairs), unknowns, loops::worthwhile_threads(pairs.len()));
    let around = |unknown: usize| &neighbours[starts[unknown] as usize..starts[unknown + 1] as usize];
    // Pairs may be listed twice.
    let degree = |list: &[LocalIndex]| (0..list.len()).filter(|&i| !list[..i].contains(&list[i])).count();
    let by_degree = (0..unknowns).into_par_iter().with_min_len(loops::CHUNK).filter(|&i| !around(i).is_empty());
    let mut by_degree: Vec<(usize, LocalIndex)> = by_degree.map(|i| (degree(around(i)), i as LocalIndex)).collect();
    by_degree.par_sort_unstable();
    let mut is_found = vec![false; unknowns];
    let mut groups = Vec::new();
    for (_, start) in by_degree {
        if replace(&mut is_found[start as usize], true) {
            continue;
        }
        let (mut found, mut next, mut width) = (vec![start], 0, 0);
        while let Some(&unknown) = found.get(next) {
            let others = around(unknown as usize).iter();
            found.extend(others.filter(|other| !replace(&mut is_found[**other as usize], true)));
            next += 1;
            width = width.max(found.len() - next);
        }
        let size = if width > WIDEST { WIDEST } else { LARGEST };
        groups.extend(found.chunks(size).map(<[LocalIndex]>::to_vec));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_block_from_end_to_end() {
        let groups = connected_components(&[[3, 7], [1, 3], [7, 2], [10, 11], [3, 7]], 12);
        assert_eq!(groups, [vec![1, 3, 7, 2], vec![10, 11]]);
    }

    #[test]
    fn wide_spots_are_cut_into_small_blocks() {
        let spokes: Vec<[LocalIndex; 2]> = (1..200).flat_map(|i| [[0, i], [i, 200 + i]]).collect();
        assert!(connected_components(&spokes, 400).iter().all(|block| block.len() <= WIDEST));
    }

    #[test]
    fn long_lines_are_cut() {
        let line: Vec<[LocalIndex; 2]> = (0..10_000).map(|i| [i, i + 1]).collect();
        let sizes: Vec<usize> = connected_components(&line, 10_001).iter().map(Vec::len).collect();
        assert_eq!(sizes, [4096, 4096, 1809]);
    }
}
