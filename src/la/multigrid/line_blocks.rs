//! Diagonal blocks of strongly connected unknowns for smoothing.
//!
//! Point smoothers fail where unknowns are strongly connected in one direction or one spot: on
//! slender and on almost folded elements. Strongly connected unknowns are relaxed together. On
//! slender elements the blocks are the lines of line relaxation (U. Trottenberg, C. Oosterlee, A.
//! Schueller, *Multigrid*, section 5.1).

use std::mem::replace;
use std::ops::Range;

use rayon::prelude::*;

use crate::la::direct::SkylineCholesky;
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
pub struct LineBlocks<T> {
    blocks: Vec<Block<T>>,
    unknowns: usize,
}

struct Block<T> {
    unknowns: Vec<LocalIndex>,
    factor: SkylineCholesky<T>,
}

impl<T: Scalar> LineBlocks<T> {
    /// Finds and factorises the blocks of an operator with this positive `diagonal` (of the owned
    /// unknowns).
    pub fn new(operator: &dyn MatrixEntries<impl Scalar>, diagonal: &[f64]) -> Self {
        let is_strong = |&(i, j, strength): &Triplet| {
            let [a, b] = [i, j].map(|unknown| diagonal[unknown as usize]);
            strength.abs() * (a.min(b) / a.max(b)).sqrt().max(UNLIKE) > STRONG
        };
        let strong = operator.strength_of_connection(diagonal, STRONG).into_iter().filter(is_strong);
        let strong: Vec<[LocalIndex; 2]> = strong.map(|(i, j, _)| [i, j]).collect();
        let groups = connected_components(&strong, diagonal.len());
        if groups.is_empty() {
            return Self { blocks: Vec::new(), unknowns: 0 };
        }
        let mut number = vec![UNGROUPED; diagonal.len()];
        let mut position = vec![0; diagonal.len()];
        for (group, g) in groups.iter().zip(0..) {
            for (&unknown, at) in group.iter().zip(0_u32..) {
                (number[unknown as usize], position[unknown as usize]) = (g, at);
            }
        }
        let entries = BlockEntries { triplets: operator.triplets(&number), number, position };
        let (starts, below) = group_by_key(&entries, groups.len(), loops::worthwhile_threads(entries.triplets.len()));
        let factorise = |(group, unknowns): (usize, Vec<LocalIndex>)| {
            let diagonal: Vec<f64> = unknowns.iter().map(|&unknown| diagonal[unknown as usize]).collect();
            let below = &below[starts[group] as usize..starts[group + 1] as usize];
            Block { factor: SkylineCholesky::new(&diagonal, below), unknowns }
        };
        let blocks: Vec<Block<T>> = groups.into_par_iter().enumerate().map(factorise).collect();
        Self { unknowns: blocks.iter().map(|b| b.unknowns.len()).sum(), blocks }
    }

    /// Iterates over all unknowns in blocks.
    pub fn unknowns(&self) -> impl Iterator<Item = LocalIndex> + '_ {
        self.blocks.iter().flat_map(|block| block.unknowns.iter().copied())
    }

    /// Returns the size of the blocks on this rank.
    pub fn size(&self) -> BlockSize {
        let entries: usize = self.blocks.iter().map(|block| block.factor.entries()).sum();
        BlockSize { unknowns: self.unknowns as u64, entries: entries as u64 }
    }

    /// Passes each unknown of a block and its part of B^-1 r to `put`.
    pub fn apply(&self, r: &[T], mut put: impl FnMut(usize, T)) {
        let mut z = vec![T::default(); self.unknowns];
        let mut rest = &mut z[..];
        let mut windows = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (window, tail) = rest.split_at_mut(block.unknowns.len());
            windows.push((block, window));
            rest = tail;
        }
        let run = |(block, z): (&Block<T>, &mut [T])| {
            z.iter_mut().zip(&block.unknowns).for_each(|(z, &unknown)| *z = r[unknown as usize]);
            block.factor.solve(z);
        };
        if loops::worthwhile(self.unknowns) {
            windows.into_par_iter().for_each(run);
        } else {
            windows.into_iter().for_each(run);
        }
        self.unknowns().zip(z).for_each(|(unknown, z)| put(unknown as usize, z));
    }
}

/// Entries below the diagonals of blocks, with the block as the key.
struct BlockEntries {
    triplets: Vec<Triplet>,
    /// Block of each unknown, and its position there.
    number: Vec<LocalIndex>,
    position: Vec<u32>,
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
