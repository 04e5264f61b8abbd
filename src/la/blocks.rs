//! Diagonal blocks for smoothing. Point smoothers fail where unknowns are
//! coupled strongly in one direction or in one spot: slender elements, and
//! those that are almost folded. Unknowns that are strongly coupled are
//! therefore relaxed together, which on slender elements gives the lines of
//! line relaxation (U. Trottenberg, C. Oosterlee, A. Schueller, *Multigrid*,
//! section 5.1) without looking for them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cholesky::Factor;
use super::{BlockSize, LinearOperator};
use crate::parallel::{Local, loops};

/// Entries a_ij above this part of sqrt(a_ii a_jj) are strong. Squares have
/// 0.36; with 0.6, lines of slender elements are found only every other time.
const STRONG: f64 = 0.45;
/// Unknowns in a block: its inverse is dense.
const LARGEST: usize = 64;

/// One entry, or a part of one: row, column, value.
pub type Coupling = (Local, Local, f64);

/// The inverses of the blocks of more than one unknown.
pub struct Blocks {
    blocks: Vec<Block>,
    unknowns: usize,
}

struct Block {
    unknowns: Vec<Local>,
    inverse: Vec<f32>,
}

impl Blocks {
    /// The blocks of an operator of positive `diagonal` (of the owned unknowns).
    pub fn new(operator: &dyn LinearOperator<f32>, diagonal: &[f64]) -> Self {
        // An entry has two parts at most, so one of them is half as strong.
        let couplings = sum_parts(operator.couplings(0.5 * STRONG));
        let scale = |i: Local, j: Local| (diagonal[i as usize] * diagonal[j as usize]).sqrt();
        let strong = couplings.iter().filter(|&&(i, j, value)| value.abs() > STRONG * scale(i, j));
        let groups = group(strong.map(|&(i, j, _)| (i, j)));

        let mut place = vec![(Local::MAX, 0); diagonal.len()];
        let mut matrices: Vec<Vec<f64>> = Vec::with_capacity(groups.len());
        for (group, number) in groups.iter().zip(0..) {
            let mut matrix = vec![0.0; group.len() * group.len()];
            for (at, &unknown) in group.iter().enumerate() {
                place[unknown as usize] = (number, at);
                matrix[at * group.len() + at] = diagonal[unknown as usize];
            }
            matrices.push(matrix);
        }
        for (i, j, value) in couplings {
            let ((block, a), (other, b)) = (place[i as usize], place[j as usize]);
            if block == other && block != Local::MAX {
                let n = groups[block as usize].len();
                matrices[block as usize][a * n + b] = value;
                matrices[block as usize][b * n + a] = value;
            }
        }
        let invert =
            |(unknowns, matrix): (Vec<Local>, Vec<f64>)| Block { inverse: inverse(matrix, unknowns.len()), unknowns };
        let blocks: Vec<Block> = groups.into_par_iter().zip(matrices).map(invert).collect();
        Self { unknowns: blocks.iter().map(|b| b.unknowns.len()).sum(), blocks }
    }

    /// All unknowns in blocks.
    pub fn unknowns(&self) -> impl Iterator<Item = Local> + '_ {
        self.blocks.iter().flat_map(|block| block.unknowns.iter().copied())
    }

    /// Their size.
    pub fn size(&self) -> BlockSize {
        let entries: usize = self.blocks.iter().map(|block| block.inverse.len()).sum();
        BlockSize { unknowns: self.unknowns as u64, entries: entries as u64 }
    }

    /// Passes each unknown of a block and its part of B^-1 r to `put`.
    pub fn apply(&self, r: &[f32], mut put: impl FnMut(usize, f32)) {
        let mut z = vec![0.0; self.unknowns];
        let mut rest = &mut z[..];
        let mut windows = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (window, tail) = rest.split_at_mut(block.unknowns.len());
            windows.push((block, window));
            rest = tail;
        }
        let run = |(block, z): (&Block, &mut [f32])| block.apply(r, z);
        if loops::worthwhile(self.unknowns) {
            windows.into_par_iter().for_each(run);
        } else {
            windows.into_iter().for_each(run);
        }
        self.unknowns().zip(z).for_each(|(unknown, z)| put(unknown as usize, z));
    }
}

impl Block {
    fn apply(&self, r: &[f32], z: &mut [f32]) {
        z.fill(0.0);
        for (&unknown, column) in self.unknowns.iter().zip(self.inverse.chunks_exact(self.unknowns.len())) {
            let r = r[unknown as usize];
            z.iter_mut().zip(column).for_each(|(z, entry)| *z += entry * r);
        }
    }
}

/// Whole entries from their parts, in order.
fn sum_parts(mut parts: Vec<Coupling>) -> Vec<Coupling> {
    parts.par_sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    let mut whole: Vec<Coupling> = Vec::with_capacity(parts.len());
    for (i, j, value) in parts {
        match whole.last_mut() {
            Some(last) if (last.0, last.1) == (i, j) => last.2 += value,
            _ => whole.push((i, j, value)),
        }
    }
    whole
}

/// The connected groups of pairs, cut where they grow too large. A search that
/// starts at an end walks along a line.
fn group(pairs: impl Iterator<Item = (Local, Local)>) -> Vec<Vec<Local>> {
    let mut neighbours: BTreeMap<Local, Vec<Local>> = BTreeMap::new();
    for (i, j) in pairs {
        neighbours.entry(i).or_default().push(j);
        neighbours.entry(j).or_default().push(i);
    }
    let mut starts: Vec<(usize, Local)> = neighbours.iter().map(|(&i, list)| (list.len(), i)).collect();
    starts.sort_unstable();
    let mut groups = Vec::new();
    for (_, start) in starts {
        let Some(mut front) = neighbours.remove(&start) else { continue };
        let mut found = vec![start];
        while !front.is_empty() {
            let mut next = Vec::new();
            for unknown in front {
                if let Some(list) = neighbours.remove(&unknown) {
                    found.push(unknown);
                    next.extend(list);
                }
            }
            front = next;
        }
        groups.extend(found.chunks(LARGEST).map(<[Local]>::to_vec));
    }
    groups
}

/// The inverse of a symmetric positive definite matrix, exactly symmetric.
fn inverse(matrix: Vec<f64>, n: usize) -> Vec<f32> {
    let factor = Factor::new(matrix, n);
    let mut inverse = vec![0.0; n * n];
    for column in 0..n {
        let mut y = vec![0.0; n];
        y[column] = 1.0;
        factor.solve_from(column, &mut y);
        for row in column..n {
            inverse[row * n + column] = y[row] as f32;
            inverse[column * n + row] = y[row] as f32;
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_block_from_end_to_end() {
        let groups = group([(3, 7), (1, 3), (7, 2), (10, 11)].into_iter());
        assert_eq!(groups, [vec![1, 3, 7, 2], vec![10, 11]]);
    }

    #[test]
    fn long_lines_are_cut() {
        let sizes: Vec<usize> = group((0..150).map(|i| (i, i + 1))).iter().map(Vec::len).collect();
        assert_eq!(sizes, [64, 64, 23]);
    }

    #[test]
    fn the_inverse_of_a_block_is_symmetric_and_right() {
        let inverse = inverse(vec![4.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0, 1.0, 2.0], 3);
        let expected = [5.0, -2.0, 1.0, -2.0, 8.0, -4.0, 1.0, -4.0, 11.0].map(|v: f64| (v / 18.0) as f32);
        assert!(inverse.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{inverse:?}");
        assert_eq!((inverse[1], inverse[2], inverse[5]), (inverse[3], inverse[6], inverse[7]));
    }
}
