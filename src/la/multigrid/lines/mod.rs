//! Diagonal blocks of strongly connected unknowns for smoothing.
//!
//! Point smoothers fail where unknowns are strongly connected in one direction or one spot: on
//! slender and on almost folded elements. Strongly connected unknowns are relaxed together. On
//! slender elements the blocks are the lines of line relaxation (U. Trottenberg, C. Oosterlee, A.
//! Schueller, *Multigrid*, section 5.1).

mod blocks;
mod components;
mod numbering;
mod separators;
mod shared_lines;

use crate::la::multigrid::lines::blocks::Blocks;
use crate::la::multigrid::lines::components::connected_components;
use crate::la::multigrid::lines::separators::Separators;
use crate::la::multigrid::lines::shared_lines::SharedLines;
use crate::la::{BlockSize, MatrixEntries, Scalar, Triplet, UNGROUPED};
use crate::parallel::{LocalIndex, loops};

/// Smallest strength of a strong connection. Elements of aspect ratio 2 are smoothed in lines on
/// the finest mesh, those of aspect ratio 4 on the level of the corners.
const STRONG: f64 = 0.45;
/// Smallest factor on the strength between unknowns of different diagonals. Across slender
/// elements, corners and the midside nodes between them have strengths up to 0.62 (0.5 at aspect
/// ratio 1.75), midside nodes up to 0.5.
const UNLIKE: f64 = 0.9;

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
        let (strong, owned) = (strong_pairs(operator, diagonal), operator.halo().map().owned());
        let (shared, pairs) = match SharedLines::new(operator, &strong) {
            Some((lines, pairs)) => (Some(lines), pairs),
            None => (None, strong.into_iter().filter(|[_, j]| (*j as usize) < owned).collect()),
        };
        let lists = connected_components(&pairs, owned);
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
