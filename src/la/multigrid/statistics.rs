//! Sizes, times and memory traffic of the levels.

use std::cell::Cell;

use crate::la::multigrid::{Level, Multigrid};
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
        // The conversion of r and z.
        let mut sum = self.levels.first().map_or(0, |finest| 2 * (number + size_of::<f64>()) * finest.unknowns());
        let (mut visits, mut again) = (1, 0);
        for level in &self.levels {
            let degree = level.smoother.degree();
            // A product reads d and updates r.
            sum += (2 * degree * visits + again) * (level.operator.bytes() + 3 * number * level.unknowns());
            // A step reads r and the inverse diagonal and updates x and d, which the first one of a
            // smoothing writes only; the transfers read r and write d, and x is corrected by d.
            sum += visits * (number * (4 + 5 + 6 * 2 * (degree - 1) + 5) * level.unknowns() + level.transfer.bytes());
            again = (level.cycles - 1) * visits;
            visits *= level.cycles;
        }
        sum + visits * self.solver.bytes()
    }

    fn spent(&self) -> Vec<Profile> {
        self.spent.iter().map(Cell::get).collect()
    }
}
