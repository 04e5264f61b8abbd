//! Separators of the lines that several ranks share.
//!
//! The unknowns of a line with an entry to a higher rank separate the blocks of the ranks. With
//! these separators S and the blocks I, the diagonal block of a line is
//!
//! ```text
//! | D_II  D_IS |
//! | D_SI  D_SS |
//! ```
//!
//! One rank for each line solves for the separators, with the Schur complement
//! D_SS - D_SI D_II^-1 D_IS, and all for their blocks: B. Smith, P. Bjorstad, W. Gropp, *Domain
//! Decomposition*, Cambridge University Press 1996, section 4.1. Lines that ended where parts end
//! would let multigrid converge slowly.

use std::collections::BTreeMap;

use crate::la::direct::cholesky;
use crate::la::multigrid::lines::blocks::Blocks;
use crate::la::multigrid::lines::numbering::{Numbering, System};
use crate::la::multigrid::lines::shared_lines::SharedLines;
use crate::la::{MatrixEntries, Scalar};
use crate::parallel::{Halo, LocalIndex};

/// Most separators of a block. A line has one or two at either end; a block with more is no line,
/// and stays alone.
const MOST_OF_A_BLOCK: usize = 8;

/// Separators of the lines on several ranks.
pub struct Separators<T> {
    /// Halo of the separators. A rank owns those of the lines that it solves.
    halo: Halo,
    /// Owned unknowns that are separators, with their position in the vectors of the halo.
    unknowns: Vec<(LocalIndex, u32)>,
    /// Entries of D_SI: position of the separator, place of the unknown of a block, value.
    couplings: Vec<(u32, u32, T)>,
    corrections: Vec<Correction<T>>,
    systems: Vec<System>,
}

/// Correction of the solution of a block by its separators.
struct Correction<T> {
    /// Place of each unknown of the block.
    places: Vec<u32>,
    /// Positions of the separators.
    separators: Vec<u32>,
    /// D_II^-1 D_IS by rows, with an entry for each separator.
    rows: Vec<T>,
}

/// Entry of D_SI.
struct Coupling {
    separator: LocalIndex,
    unknown: LocalIndex,
    block: usize,
    value: f64,
}

impl<T: Scalar> Separators<T> {
    /// Eliminates the `blocks`, given by their unknowns in `lists`, from the lines of an operator.
    /// **Collective.**
    pub fn new(
        operator: &dyn MatrixEntries<impl Scalar>,
        diagonal: &[f64],
        lines: &SharedLines,
        (lists, blocks): (&[Vec<LocalIndex>], &Blocks<T>),
    ) -> Self {
        let halo = operator.halo();
        let mut local = LocalPart::new(halo, lines, lists);
        let numbering = Numbering::new(halo, &lines.labels, &local.touched());
        let mut schur: Vec<([LocalIndex; 2], f64)> = local.unknowns().map(|i| ([i, i], diagonal[i as usize])).collect();
        schur.append(&mut local.between);
        let corrections = local.eliminate(operator, diagonal, lists, &mut schur);
        let systems = numbering.systems(&lines.labels, &schur);
        let position = |separator: LocalIndex| numbering.position(separator);
        let place = |unknown: LocalIndex| blocks.places()[unknown as usize];
        let coupling = |c: &Coupling| (position(c.separator), place(c.unknown), T::of(c.value));
        let correction = |((&block, separators), rows): ((&usize, &Vec<LocalIndex>), Vec<f64>)| Correction {
            places: lists[block].iter().map(|&unknown| place(unknown)).collect(),
            separators: separators.iter().map(|&separator| position(separator)).collect(),
            rows: rows.into_iter().map(T::of).collect(),
        };
        Self {
            unknowns: local.unknowns().map(|i| (i, position(i))).collect(),
            couplings: local.couplings.iter().map(coupling).collect(),
            corrections: local.of_block.iter().zip(corrections).map(correction).collect(),
            systems,
            halo: numbering.halo,
        }
    }

    /// Returns the owned unknowns that are separators, with their place behind `first` others.
    pub fn places(&self, first: usize) -> impl Iterator<Item = (LocalIndex, u32)> + '_ {
        self.unknowns.iter().map(move |&(unknown, position)| (unknown, first as u32 + position))
    }

    /// Returns the number of stored values.
    pub fn entries(&self) -> usize {
        let of_systems: usize = self.systems.iter().map(|system| system.factor.len()).sum();
        self.couplings.len() + of_systems + self.corrections.iter().map(|c| c.rows.len()).sum::<usize>()
    }

    /// Completes the solution `z` of the blocks for the right-hand side `r`, and appends that of the
    /// separators. **Collective** among ranks that share lines.
    pub fn solve(&self, r: &[T], z: &mut Vec<T>) {
        let mut x = vec![T::default(); self.halo.map().local()];
        for &(unknown, position) in &self.unknowns {
            x[position as usize] += r[unknown as usize];
        }
        for &(position, place, value) in &self.couplings {
            x[position as usize] -= value * z[place as usize];
        }
        self.halo.scatter_rev_add(&mut x);
        for System { range, factor } in &self.systems {
            let mut y: Vec<f64> = x[range.clone()].iter().map(|x| x.double()).collect();
            cholesky::solve(factor, y.len(), &mut y);
            x[range.clone()].iter_mut().zip(y).for_each(|(x, y)| *x = T::of(y));
        }
        self.halo.scatter_fwd(&mut x);
        for Correction { places, separators, rows } in &self.corrections {
            for (&place, row) in places.iter().zip(rows.chunks_exact(separators.len())) {
                z[place as usize] -= row.iter().zip(separators).map(|(w, &s)| *w * x[s as usize]).sum();
            }
        }
        z.append(&mut x);
    }
}

/// Separators and blocks of one rank.
struct LocalPart<'a> {
    is_separator: &'a [bool],
    owned: usize,
    /// Entries of D_SI.
    couplings: Vec<Coupling>,
    /// Entries of D_SS off the diagonal.
    between: Vec<([LocalIndex; 2], f64)>,
    /// Separators of each block that has any.
    of_block: BTreeMap<usize, Vec<LocalIndex>>,
}

impl<'a> LocalPart<'a> {
    fn new(halo: &Halo, lines: &'a SharedLines, lists: &[Vec<LocalIndex>]) -> Self {
        let (owned, is_separator) = (halo.map().owned(), &lines.is_separator[..]);
        let mut block_of = vec![usize::MAX; owned];
        lists.iter().enumerate().for_each(|(b, list)| list.iter().for_each(|&i| block_of[i as usize] = b));
        // Of two separators with different owners the higher rank adds the entry.
        let is_lower: Vec<bool> = halo.owners().map(|owner| owner <= halo.comm().rank()).collect();
        let (mut couplings, mut between) = (Vec::new(), Vec::new());
        let mut of_block: BTreeMap<usize, Vec<LocalIndex>> = BTreeMap::new();
        for &(i, j, value) in &lines.entries {
            let (separator, unknown) = match [i, j].map(|i| is_separator[i as usize]) {
                [true, true] => {
                    if is_lower[j as usize] {
                        between.extend([([i, j], value), ([j, i], value)]);
                    }
                    continue;
                }
                [true, false] if (j as usize) < owned => (i, j),
                [false, true] => (j, i),
                _ => continue,
            };
            let block = block_of[unknown as usize];
            couplings.push(Coupling { separator, unknown, block, value });
            let separators = of_block.entry(block).or_default();
            if !separators.contains(&separator) {
                separators.push(separator);
            }
        }
        of_block.retain(|_, separators| separators.len() <= MOST_OF_A_BLOCK);
        couplings.retain(|coupling| of_block.contains_key(&coupling.block));
        Self { is_separator, owned, couplings, between, of_block }
    }

    /// Iterates over the owned unknowns that are separators.
    fn unknowns(&self) -> impl Iterator<Item = LocalIndex> + '_ {
        (0..).zip(&self.is_separator[..self.owned]).filter(|(_, is)| **is).map(|(i, _)| i)
    }

    /// Returns the separators that this rank has a part in: its own, and ghosts.
    fn touched(&self) -> Vec<LocalIndex> {
        let between = self.between.iter().flat_map(|(pair, _)| *pair);
        let all = self.unknowns().chain(between).chain(self.of_block.values().flatten().copied());
        let mut touched: Vec<LocalIndex> = all.collect();
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// Eliminates the blocks with separators. Adds their parts of the Schur complement, and returns
    /// D_II^-1 D_IS of each by rows.
    fn eliminate(
        &self,
        operator: &dyn MatrixEntries<impl Scalar>,
        diagonal: &[f64],
        lists: &[Vec<LocalIndex>],
        schur: &mut Vec<([LocalIndex; 2], f64)>,
    ) -> Vec<Vec<f64>> {
        let cut: Vec<Vec<LocalIndex>> = self.of_block.keys().map(|&block| lists[block].clone()).collect();
        let blocks = Blocks::<f64>::new(operator, diagonal, &cut);
        let counts: Vec<usize> = self.of_block.values().map(Vec::len).collect();
        let mut rows: Vec<Vec<f64>> = cut.iter().zip(&counts).map(|(list, n)| vec![0.0; list.len() * n]).collect();
        for column in 0..counts.iter().copied().max().unwrap_or(0) {
            let separator = |c: &Coupling| self.of_block[&c.block].get(column).copied();
            let mut r = vec![0.0; self.owned];
            for c in self.couplings.iter().filter(|c| separator(c) == Some(c.separator)) {
                r[c.unknown as usize] += c.value;
            }
            let z = blocks.solve(&r);
            let at = |unknown: LocalIndex| z[blocks.places()[unknown as usize] as usize];
            for c in &self.couplings {
                schur.extend(separator(c).map(|other| ([c.separator, other], -c.value * at(c.unknown))));
            }
            for ((rows, list), &n) in rows.iter_mut().zip(&cut).zip(&counts).filter(|(_, n)| column < **n) {
                rows.iter_mut().skip(column).step_by(n).zip(list).for_each(|(w, &unknown)| *w = at(unknown));
            }
        }
        rows
    }
}
