//! Sizes, times and memory traffic of the levels.

use std::cell::Cell;

use crate::la::multigrid::Multigrid;
use crate::la::multigrid::chebyshev::{End, Start};
use crate::la::multigrid::level::Level;
use crate::la::{BlockSize, LevelSize, PreconditionerStatistics, Scalar};
use crate::parallel::Profile;

impl<T: Scalar> PreconditionerStatistics for Multigrid<T> {
    fn levels(&self) -> Vec<LevelSize> {
        let mut totals: Vec<u64> = self.levels.iter().map(|level| level.operator.halo().map().total()).collect();
        totals.push(self.coarsest.map().total());
        let own = |level: &Level<T>| {
            let BlockSize { unknowns, entries } = level.smoother.blocks();
            [level.entries as u64, unknowns, entries]
        };
        let mut sizes: Vec<[u64; 3]> = self.levels.iter().map(own).collect();
        sizes.push([self.coarsest_entries as u64, 0, 0]);
        let sums = self.coarsest.comm().sum_all(sizes.as_flattened());
        let size = |(&unknowns, &[entries, in_blocks, of_blocks]): (&u64, &[u64; 3])| LevelSize {
            unknowns,
            entries,
            blocks: BlockSize { unknowns: in_blocks, entries: of_blocks },
        };
        totals.iter().zip(sums.as_chunks().0).map(size).collect()
    }

    fn bytes(&self) -> usize {
        let number = size_of::<T>();
        // r is rounded; r.Mr reads r and M r, the next direction M r.
        let ends = 3 * number + 2 * size_of::<f64>();
        let mut sum = self.levels.first().map_or(0, |finest| ends * finest.unknowns());
        let (mut visits, mut again) = (1, 0);
        for level in &self.levels {
            let degree = level.smoother.degree();
            sum += (2 * degree * visits + again) * level.operator.bytes();
            // A product that is no part of a step reads d and updates r.
            sum += (visits + again) * 3 * number * level.unknowns();
            // All visits but the last one of a cycle above keep the residual, and all but the first
            // one start from an iterate. The transfers read r and write d.
            let smoothing = |start, end| level.smoother.bytes(start, end) * level.unknowns();
            let first = smoothing(Start::Zero, End::Residual) + smoothing(Start::Corrected, End::Finished);
            let next = smoothing(Start::Iterate, End::Residual) + smoothing(Start::Corrected, End::Residual);
            sum += (visits - again) * first + again * next;
            sum += visits * (2 * number * level.unknowns() + level.transfer.bytes());
            again = (level.cycles - 1) * visits;
            visits *= level.cycles;
        }
        sum + visits * self.solver.bytes()
    }

    fn spent(&self) -> Vec<Profile> {
        self.spent.iter().map(Cell::get).collect()
    }
}
