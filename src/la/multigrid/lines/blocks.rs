//! Blocks of unknowns of one rank, which are solved in groups.

use std::ops::Range;

use rayon::prelude::*;

use crate::la::direct::{BandedCholesky, BandedMatrix, MATRICES};
use crate::la::{MatrixEntries, Scalar, Triplet, UNGROUPED};
use crate::parallel::{Keyed, LocalIndex, group_by_key, loops};

/// Factorised diagonal blocks.
pub struct Blocks<T> {
    groups: Vec<Group<T>>,
    /// Unknowns in all blocks.
    unknowns: usize,
    /// Place of each owned unknown in a solution, or [`UNGROUPED`].
    places: Vec<u32>,
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

impl<T: Scalar> Blocks<T> {
    /// Factorises the blocks of an operator with this `diagonal`, given by their owned unknowns.
    pub fn new(operator: &dyn MatrixEntries<impl Scalar>, diagonal: &[f64], lists: &[Vec<LocalIndex>]) -> Self {
        let owned = operator.halo().map().owned();
        let mut places = vec![UNGROUPED; owned];
        if lists.is_empty() {
            return Self { groups: Vec::new(), unknowns: 0, places };
        }
        let entries = BlockEntries::new(operator, lists, owned);
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
        let mut start = 0;
        for (blocks, group) in blocks.chunks(MATRICES).zip(&groups) {
            for (block, m) in blocks.iter().zip(start..) {
                let rows = block.unknowns.iter().zip(0..);
                rows.for_each(|(&unknown, row)| places[unknown as usize] = m + MATRICES as u32 * row);
            }
            start += (MATRICES * group.unknowns.len()) as u32;
        }
        Self { groups, unknowns: lists.iter().map(Vec::len).sum(), places }
    }

    /// Returns the place of each owned unknown in a solution, or [`UNGROUPED`].
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// Returns the length of a solution, with the padding of groups.
    pub fn places_in_all(&self) -> usize {
        MATRICES * self.groups.iter().map(|group| group.unknowns.len()).sum::<usize>()
    }

    /// Returns the number of values stored for the factors.
    pub fn entries(&self) -> usize {
        self.groups.iter().map(|group| group.factor.entries()).sum()
    }

    /// Returns the solution for the right-hand side `r`, by place.
    pub fn solve(&self, r: &[T]) -> Vec<T> {
        let rows = self.groups.iter().map(|group| group.unknowns.len()).sum();
        let mut z = vec![[T::default(); MATRICES]; rows];
        let mut rest = &mut z[..];
        let part = |group: &Group<T>| rest.split_off_mut(..group.unknowns.len()).unwrap_or_default();
        let parts: Vec<&mut [[T; MATRICES]]> = self.groups.iter().map(part).collect();
        let run = |(group, z): (&Group<T>, &mut [[T; MATRICES]])| group.factor.solve(&group.unknowns, r, z);
        if loops::worthwhile(self.unknowns) {
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
