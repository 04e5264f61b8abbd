//! Diagonal blocks of strongly connected unknowns for smoothing.
//!
//! Point smoothers fail where unknowns are strongly connected in one direction or one spot: on
//! slender and on almost folded elements. Strongly connected unknowns are relaxed together. On
//! slender elements the blocks are the lines of line relaxation (U. Trottenberg, C. Oosterlee, A.
//! Schueller, *Multigrid*, section 5.1).

mod blocks;
mod numbering;
mod separators;
mod shared_lines;

use std::mem::replace;
use std::ops::Range;

use rayon::prelude::*;

use crate::la::multigrid::lines::blocks::Blocks;
use crate::la::multigrid::lines::separators::Separators;
use crate::la::multigrid::lines::shared_lines::SharedLines;
use crate::la::{BlockSize, MatrixEntries, Scalar, Triplet, UNGROUPED};
use crate::parallel::{Keyed, LocalIndex, group_by_key, loops};

/// Smallest strength of a strong connection. Elements of aspect ratio 2 are smoothed in lines on
/// the finest mesh, those of aspect ratio 4 on the level of the corners.
const STRONG: f64 = 0.45;
/// Smallest factor on the strength between unknowns of different diagonals. Across slender
/// elements, corners and the midside nodes between them have strengths up to 0.62 (0.5 at aspect
/// ratio 1.75), midside nodes up to 0.5.
const UNLIKE: f64 = 0.9;
/// Largest number of unknowns in a block, which is solved sequentially.
const LARGEST: usize = 4096;
/// Largest width of a block, in unknowns; of wider spots each block has at most so many unknowns.
const WIDEST: usize = 64;

/// Blocks of strongly connected unknowns, factorised.
///
/// Solutions are computed by groups of blocks. Then all threads add them to vectors, in the order
/// of the unknowns.
pub struct LineBlocks<T: Scalar> {
    blocks: Blocks<T>,
    /// Unknowns between the blocks of different ranks; none where no line has several ranks.
    separators: Option<Separators<T>>,
    /// Owned unknowns of lines, ascending, with their place in a solution.
    members: Vec<(LocalIndex, u32)>,
}

impl<T: Scalar> LineBlocks<T> {
    /// Finds and factorises the blocks of an operator with this positive `diagonal` (of all local
    /// unknowns). **Collective.**
    pub fn new(operator: &dyn MatrixEntries<impl Scalar>, diagonal: &[f64]) -> Self {
        let strong = strong_pairs(operator, diagonal);
        let (shared, pairs) = match SharedLines::new(operator, &strong) {
            Some((lines, pairs)) => (Some(lines), pairs),
            None => (None, strong),
        };
        let lists = connected_components(&pairs, operator.halo().map().owned());
        drop(pairs);
        let blocks = Blocks::new(operator, diagonal, &lists);
        let separators = shared.map(|lines| Separators::new(operator, diagonal, &lines, (&lists, &blocks)));
        let members = (0..).zip(blocks.places()).filter(|(_, place)| **place != UNGROUPED);
        let mut members: Vec<(LocalIndex, u32)> = members.map(|(unknown, &place)| (unknown, place)).collect();
        if let Some(separators) = &separators {
            members.extend(separators.places(blocks.places_in_all()));
            members.sort_unstable();
        }
        Self { blocks, separators, members }
    }

    /// Iterates over all unknowns in blocks.
    pub fn unknowns(&self) -> impl Iterator<Item = LocalIndex> + '_ {
        self.members.iter().map(|&(unknown, _)| unknown)
    }

    /// Returns the size of the blocks on this rank.
    pub fn size(&self) -> BlockSize {
        let of_separators = self.separators.as_ref().map_or(0, Separators::entries);
        BlockSize { unknowns: self.members.len() as u64, entries: (self.blocks.entries() + of_separators) as u64 }
    }

    /// Passes the entries of `lists` at each unknown of a block, and its part of B^-1 r, to `put`.
    /// **Collective** among ranks that share lines.
    pub fn apply<const M: usize>(&self, r: &[T], lists: [&mut [T]; M], put: impl Fn([&mut T; M], T) + Sync) {
        if self.members.is_empty() && self.separators.is_none() {
            return;
        }
        let mut z = self.blocks.solve(r);
        if let Some(separators) = &self.separators {
            separators.solve(r, &mut z);
        }
        let members = &self.members;
        loops::update_all(lists, |range, mut lists| {
            let at = |i: usize| members.partition_point(|&(unknown, _)| (unknown as usize) < i);
            for &(unknown, place) in &members[at(range.start)..at(range.end)] {
                put(lists.each_mut().map(|list| &mut list[unknown as usize - range.start]), z[place as usize]);
            }
        });
    }

    /// Returns the sum of the products of two vectors over the unknowns in blocks.
    pub fn dot(&self, a: &[T], b: &[T]) -> f64 {
        let (members, product) = (&self.members, |i: usize| a[i].double() * b[i].double());
        let [sum] = loops::sum(members.len(), |range| [members[range].iter().map(|&(i, _)| product(i as usize)).sum()]);
        sum
    }
}

/// Returns the pairs of strongly connected unknowns, the first of which is owned and lower.
fn strong_pairs(operator: &dyn MatrixEntries<impl Scalar>, diagonal: &[f64]) -> Vec<[LocalIndex; 2]> {
    let owned = operator.halo().map().owned();
    let is_strong = |&(i, j, strength): &Triplet| {
        let [a, b] = [i, j].map(|unknown| diagonal[unknown as usize]);
        strength.abs() * (a.min(b) / a.max(b)).sqrt().max(UNLIKE) > STRONG && (i as usize) < owned
    };
    let strong = operator.strength_of_connection(diagonal, STRONG).into_iter().filter(is_strong);
    strong.map(|(i, j, _)| [i, j]).collect()
}

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
fn connected_components(pairs: &[[LocalIndex; 2]], unknowns: usize) -> Vec<Vec<LocalIndex>> {
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
