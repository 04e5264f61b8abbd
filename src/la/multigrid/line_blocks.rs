//! Diagonal blocks of strongly connected unknowns for smoothing.
//!
//! Point smoothers fail where unknowns are strongly connected in one direction or one spot: on
//! slender and on almost folded elements. Strongly connected unknowns are relaxed together. On
//! slender elements the blocks are the lines of line relaxation (U. Trottenberg, C. Oosterlee, A.
//! Schueller, *Multigrid*, section 5.1).

use std::mem::replace;
use std::ops::Range;

use rayon::prelude::*;

use crate::la::direct::{BandedCholesky, BandedMatrix, MATRICES};
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

/// Factorised blocks of more than one unknown.
///
/// Solutions are computed by groups of blocks. Then all threads add them to vectors, in the order
/// of the unknowns.
pub struct LineBlocks<T> {
    groups: Vec<Group<T>>,
    /// Unknowns in blocks, ascending, with their place in the solution of all groups.
    members: Vec<(LocalIndex, u32)>,
}

/// Blocks that are solved side by side.
struct Group<T> {
    /// Unknowns of the blocks by row; 0 where a block has fewer rows.
    unknowns: Vec<[LocalIndex; MATRICES]>,
    factor: BandedCholesky<T>,
}

/// Unknowns of a block, and its matrix.
struct Block<'a> {
    unknowns: &'a [LocalIndex],
    matrix: BandedMatrix<'a>,
}

impl<T: Scalar> LineBlocks<T> {
    /// Finds and factorises the blocks of an operator with this positive `diagonal` (of the owned
    /// unknowns).
    pub fn new(operator: &dyn MatrixEntries<impl Scalar>, diagonal: &[f64]) -> Self {
        let lists = connected_components(&strong_pairs(operator, diagonal), diagonal.len());
        if lists.is_empty() {
            return Self { groups: Vec::new(), members: Vec::new() };
        }
        let entries = BlockEntries::new(operator, &lists, diagonal.len());
        let (starts, below) = group_by_key(&entries, lists.len(), loops::worthwhile_threads(entries.triplets.len()));
        let listed = lists.par_iter().enumerate();
        let mut blocks: Vec<Block> = listed
            .map(|(b, unknowns)| {
                let diagonal = unknowns.iter().map(|&unknown| diagonal[unknown as usize]).collect();
                let below = &below[starts[b] as usize..starts[b + 1] as usize];
                Block { unknowns, matrix: BandedMatrix::new(diagonal, below) }
            })
            .collect();
        // Similar blocks, next to each other, need little padding.
        blocks.par_sort_unstable_by_key(|block| (block.matrix.bandwidth(), block.unknowns.len(), block.unknowns[0]));
        let groups: Vec<Group<T>> = blocks.par_chunks(MATRICES).map(Group::new).collect();
        let mut places = vec![UNGROUPED; diagonal.len()];
        let mut start = 0;
        for (blocks, group) in blocks.chunks(MATRICES).zip(&groups) {
            for (block, m) in blocks.iter().zip(start..) {
                let rows = block.unknowns.iter().zip(0..);
                rows.for_each(|(&unknown, row)| places[unknown as usize] = m + MATRICES as u32 * row);
            }
            start += (MATRICES * group.unknowns.len()) as u32;
        }
        let members = (0..).zip(&places).filter(|(_, place)| **place != UNGROUPED);
        Self { groups, members: members.map(|(unknown, &place)| (unknown, place)).collect() }
    }

    /// Iterates over all unknowns in blocks.
    pub fn unknowns(&self) -> impl Iterator<Item = LocalIndex> + '_ {
        self.members.iter().map(|&(unknown, _)| unknown)
    }

    /// Returns the size of the blocks on this rank.
    pub fn size(&self) -> BlockSize {
        let entries: usize = self.groups.iter().map(|group| group.factor.entries()).sum();
        BlockSize { unknowns: self.members.len() as u64, entries: entries as u64 }
    }

    /// Passes the entries of `lists` at each unknown of a block, and its part of B^-1 r, to `put`.
    pub fn apply<const M: usize>(&self, r: &[T], lists: [&mut [T]; M], put: impl Fn([&mut T; M], T) + Sync) {
        if self.members.is_empty() {
            return;
        }
        let z = self.solve(r);
        loops::update_all(lists, |range, mut lists| {
            let at = |i: usize| self.members.partition_point(|&(unknown, _)| (unknown as usize) < i);
            for &(unknown, place) in &self.members[at(range.start)..at(range.end)] {
                put(lists.each_mut().map(|list| &mut list[unknown as usize - range.start]), z[place as usize]);
            }
        });
    }

    /// Returns the sum of the products of two vectors over the unknowns in blocks.
    pub fn dot(&self, a: &[T], b: &[T]) -> f64 {
        let product = |&(i, _): &(LocalIndex, u32)| a[i as usize].double() * b[i as usize].double();
        let [sum] = loops::sum(self.members.len(), |range| [self.members[range].iter().map(product).sum()]);
        sum
    }

    /// Returns B^-1 r by place.
    fn solve(&self, r: &[T]) -> Vec<T> {
        let rows = self.groups.iter().map(|group| group.unknowns.len()).sum();
        let mut z = vec![[T::default(); MATRICES]; rows];
        let mut rest = &mut z[..];
        let part = |group: &Group<T>| rest.split_off_mut(..group.unknowns.len()).unwrap_or_default();
        let parts: Vec<&mut [[T; MATRICES]]> = self.groups.iter().map(part).collect();
        let run = |(group, z): (&Group<T>, &mut [[T; MATRICES]])| group.factor.solve(&group.unknowns, r, z);
        if loops::worthwhile(self.members.len()) {
            self.groups.par_iter().zip(parts).for_each(run);
        } else {
            self.groups.iter().zip(parts).for_each(run);
        }
        z.into_flattened()
    }
}

impl<T: Scalar> Group<T> {
    fn new(blocks: &[Block]) -> Self {
        let rows = blocks.iter().map(|block| block.unknowns.len()).max().unwrap_or(0);
        let mut unknowns = vec![[0; MATRICES]; rows];
        for (m, block) in blocks.iter().enumerate() {
            unknowns.iter_mut().zip(block.unknowns).for_each(|(row, &unknown)| row[m] = unknown);
        }
        Self { unknowns, factor: BandedCholesky::new(blocks.iter().map(|block| &block.matrix)) }
    }
}

/// Returns the pairs of strongly connected unknowns.
fn strong_pairs(operator: &dyn MatrixEntries<impl Scalar>, diagonal: &[f64]) -> Vec<[LocalIndex; 2]> {
    let is_strong = |&(i, j, strength): &Triplet| {
        let [a, b] = [i, j].map(|unknown| diagonal[unknown as usize]);
        strength.abs() * (a.min(b) / a.max(b)).sqrt().max(UNLIKE) > STRONG
    };
    let strong = operator.strength_of_connection(diagonal, STRONG).into_iter().filter(is_strong);
    strong.map(|(i, j, _)| [i, j]).collect()
}

/// Entries below the diagonals of blocks, with the block as the key.
struct BlockEntries {
    triplets: Vec<Triplet>,
    /// Block of each unknown, and its position there.
    number: Vec<LocalIndex>,
    position: Vec<u32>,
}

impl BlockEntries {
    fn new(operator: &dyn MatrixEntries<impl Scalar>, blocks: &[Vec<LocalIndex>], unknowns: usize) -> Self {
        let (mut number, mut position) = (vec![UNGROUPED; unknowns], vec![0; unknowns]);
        for (block, b) in blocks.iter().zip(0..) {
            for (&unknown, at) in block.iter().zip(0..) {
                (number[unknown as usize], position[unknown as usize]) = (b, at);
            }
        }
        Self { triplets: operator.triplets(&number), number, position }
    }
}

impl Keyed for BlockEntries {
    type Item = (u32, u32, f64);

    fn visit(&self, blocks: Range<usize>, mut put: impl FnMut(usize, Self::Item)) {
        for &(i, j, value) in &self.triplets {
            let block = self.number[i as usize] as usize;
            if blocks.contains(&block) {
                let [a, b] = [i, j].map(|unknown| self.position[unknown as usize]);
                put(block, (a.max(b), a.min(b), value));
            }
        }
    }
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

/// Returns the connected components of a graph, cut into blocks of at most [`LARGEST`] unknowns.
/// The breadth-first search starts at unknowns of lowest degree and so follows lines from end to
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
        let (mut found, mut next) = (vec![start], 0);
        while let Some(&unknown) = found.get(next) {
            let others = around(unknown as usize).iter();
            found.extend(others.filter(|other| !replace(&mut is_found[**other as usize], true)));
            next += 1;
        }
        groups.extend(found.chunks(LARGEST).map(<[LocalIndex]>::to_vec));
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
    fn long_lines_are_cut() {
        let line: Vec<[LocalIndex; 2]> = (0..10_000).map(|i| [i, i + 1]).collect();
        let sizes: Vec<usize> = connected_components(&line, 10_001).iter().map(Vec::len).collect();
        assert_eq!(sizes, [4096, 4096, 1809]);
    }
}
