//! Diagonal blocks for smoothing. Point smoothers fail where unknowns are
//! coupled strongly in one direction or in one spot: slender elements, and
//! those that are almost folded. Unknowns that are strongly coupled are
//! therefore relaxed together, which on slender elements gives the lines of
//! line relaxation (U. Trottenberg, C. Oosterlee, A. Schueller, *Multigrid*,
//! section 5.1) without looking for them.

use rayon::prelude::*;

use crate::la::direct::SkylineCholesky;
use crate::la::{BlockSize, LinearOperator, Scalar};
use crate::parallel::{LocalIndex, loops};

/// Strengths above this are strong. On the finest mesh elements of 2 to 1 are
/// then smoothed in lines, on that of the corners those of 4 to 1.
const STRONG: f64 = 0.45;
/// What strengths between unknowns of unlike diagonals are lessened by at most:
/// across slender elements corners and the midside nodes between them are
/// coupled by up to 0.62 (0.5 at 1.75 to 1), midside nodes by up to 0.5.
const UNLIKE: f64 = 0.9;
/// Unknowns in a block, which are relaxed one after the other.
const LARGEST: usize = 4096;
/// The group of an unknown that is in no block.
pub const ALONE: LocalIndex = LocalIndex::MAX;

/// One entry above the diagonal, or a part of one: row, column, value.
pub type Coupling = (LocalIndex, LocalIndex, f64);

/// The factors of the blocks of more than one unknown.
pub struct LineBlocks<T> {
    blocks: Vec<Block<T>>,
    unknowns: usize,
}

struct Block<T> {
    unknowns: Vec<LocalIndex>,
    factor: SkylineCholesky<T>,
}

impl<T: Scalar> LineBlocks<T> {
    /// The blocks of an operator of positive `diagonal` (of the owned unknowns).
    pub fn new(operator: &dyn LinearOperator<T>, diagonal: &[f64]) -> Self {
        // An entry has two parts at most, so one of them is half as strong.
        let strengths = sum_parts(operator.strengths(0.5 * STRONG));
        let is_strong = |&&(i, j, strength): &&Coupling| {
            let [a, b] = [i, j].map(|unknown| diagonal[unknown as usize]);
            strength.abs() * (a.min(b) / a.max(b)).sqrt().max(UNLIKE) > STRONG
        };
        let strong: Vec<[LocalIndex; 2]> = strengths.iter().filter(is_strong).map(|&(i, j, _)| [i, j]).collect();
        let groups = group(&strong, diagonal.len());
        if groups.is_empty() {
            return Self { blocks: Vec::new(), unknowns: 0 };
        }
        let mut number = vec![ALONE; diagonal.len()];
        let mut place = vec![0; diagonal.len()];
        for (group, g) in groups.iter().zip(0..) {
            for (&unknown, at) in group.iter().zip(0_u32..) {
                (number[unknown as usize], place[unknown as usize]) = (g, at);
            }
        }
        let mut below: Vec<Vec<(u32, u32, f64)>> = vec![Vec::new(); groups.len()];
        for (i, j, value) in sum_parts(operator.couplings(&number)) {
            let [a, b] = [i, j].map(|unknown| place[unknown as usize]);
            below[number[i as usize] as usize].push((a.max(b), a.min(b), value));
        }
        let factorise = |(unknowns, below): (Vec<LocalIndex>, Vec<(u32, u32, f64)>)| {
            let diagonal: Vec<f64> = unknowns.iter().map(|&unknown| diagonal[unknown as usize]).collect();
            Block { factor: SkylineCholesky::new(&diagonal, &below), unknowns }
        };
        let blocks: Vec<Block<T>> = groups.into_par_iter().zip(below).map(factorise).collect();
        Self { unknowns: blocks.iter().map(|b| b.unknowns.len()).sum(), blocks }
    }

    /// All unknowns in blocks.
    pub fn unknowns(&self) -> impl Iterator<Item = LocalIndex> + '_ {
        self.blocks.iter().flat_map(|block| block.unknowns.iter().copied())
    }

    /// Their size.
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

/// Whole entries from their parts, in order.
fn sum_parts(mut parts: Vec<Coupling>) -> Vec<Coupling> {
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

/// The connected groups of pairs, cut where they grow too large. A search that
/// starts at an end walks along a line.
fn group(pairs: &[[LocalIndex; 2]], unknowns: usize) -> Vec<Vec<LocalIndex>> {
    let mut both: Vec<[LocalIndex; 2]> = pairs.iter().flat_map(|&[i, j]| [[i, j], [j, i]]).collect();
    both.par_sort_unstable();
    let lists: Vec<&[[LocalIndex; 2]]> = both.chunk_by(|a, b| a[0] == b[0]).collect();
    let mut list_of = vec![None; if pairs.is_empty() { 0 } else { unknowns }];
    lists.iter().for_each(|list| list_of[list[0][0] as usize] = Some(*list));
    let mut starts: Vec<(usize, LocalIndex)> = lists.iter().map(|list| (list.len(), list[0][0])).collect();
    starts.sort_unstable();
    let mut groups = Vec::new();
    for (_, start) in starts {
        let mut found = Vec::new();
        let mut front = vec![start];
        while !front.is_empty() {
            let mut next = Vec::new();
            for unknown in front {
                if let Some(list) = list_of[unknown as usize].take() {
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
        let groups = group(&[[3, 7], [1, 3], [7, 2], [10, 11]], 12);
        assert_eq!(groups, [vec![1, 3, 7, 2], vec![10, 11]]);
    }

    #[test]
    fn long_lines_are_cut() {
        let line: Vec<[LocalIndex; 2]> = (0..10_000).map(|i| [i, i + 1]).collect();
        let sizes: Vec<usize> = group(&line, 10_001).iter().map(Vec::len).collect();
        assert_eq!(sizes, [4096, 4096, 1809]);
    }
}
