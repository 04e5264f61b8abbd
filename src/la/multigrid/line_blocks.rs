//! Diagonal blocks of strongly connected unknowns for smoothing.
//!
//! Point smoothers fail where unknowns are strongly connected in one direction or one spot: on
//! slender and on almost folded elements. Strongly connected unknowns are relaxed together. On
//! slender elements the blocks are the lines of line relaxation (U. Trottenberg, C. Oosterlee, A.
//! Schueller, *Multigrid*, section 5.1).

use std::mem::replace;

use rayon::prelude::*;

use crate::la::direct::SkylineCholesky;
use crate::la::{BlockSize, MatrixEntries, Scalar, Triplet, UNGROUPED};
use crate::parallel::{LocalIndex, loops};

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
        let mut below: Vec<Vec<(u32, u32, f64)>> = vec![Vec::new(); groups.len()];
        for (i, j, value) in sum_parts(operator.triplets(&number)) {
            let [a, b] = [i, j].map(|unknown| position[unknown as usize]);
            below[number[i as usize] as usize].push((a.max(b), a.min(b), value));
        }
        let factorise = |(unknowns, below): (Vec<LocalIndex>, Vec<(u32, u32, f64)>)| {
            let diagonal: Vec<f64> = unknowns.iter().map(|&unknown| diagonal[unknown as usize]).collect();
            Block { factor: SkylineCholesky::new(&diagonal, &below), unknowns }
        };
        let blocks: Vec<Block<T>> = groups.into_par_iter().zip(below).map(factorise).collect();
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

/// Sums the parts of each entry; sorts the entries by row and column.
fn sum_parts(mut parts: Vec<Triplet>) -> Vec<Triplet> {
    parts.par_sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    parts.dedup_by(|part, whole| {
        let is_same = (part.0, part.1) == (whole.0, whole.1);
        if is_same {
            whole.2 += part.2;
        }
        is_same
    });
    parts
}

/// Returns the connected components of a graph, cut into blocks of at most [`LARGEST`] unknowns.
/// The breadth-first search starts at unknowns of lowest degree and so follows lines from end to
/// end.
fn connected_components(pairs: &[[LocalIndex; 2]], unknowns: usize) -> Vec<Vec<LocalIndex>> {
    let mut both: Vec<[LocalIndex; 2]> = pairs.iter().flat_map(|&[i, j]| [[i, j], [j, i]]).collect();
    both.par_sort_unstable();
    both.dedup();
    let lists: Vec<&[[LocalIndex; 2]]> = both.chunk_by(|a, b| a[0] == b[0]).collect();
    const NONE: u32 = u32::MAX;
    let mut list_of = loops::filled(if pairs.is_empty() { 0 } else { unknowns }, NONE);
    lists.iter().zip(0..).for_each(|(list, at)| list_of[list[0][0] as usize] = at);
    let mut starts: Vec<(usize, LocalIndex)> = lists.iter().map(|list| (list.len(), list[0][0])).collect();
    starts.sort_unstable();
    let mut groups = Vec::new();
    for (_, start) in starts {
        let mut found = Vec::new();
        let mut front = vec![start];
        while !front.is_empty() {
            let mut next = Vec::new();
            for unknown in front {
                if let Some(list) = lists.get(replace(&mut list_of[unknown as usize], NONE) as usize) {
                    found.push(unknown);
                    next.extend(list.iter().map(|pair| pair[1]));
                }
            }
            front = next;
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
