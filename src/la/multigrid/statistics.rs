//! Sizes, times and memory traffic of the levels.

use std::cell::Cell;

use crate::la::multigrid::Multigrid;
use crate::la::{BlockSize, LevelSize, PreconditionerStatistics, Scalar};
use crate::parallel::Profile;

impl<T: Scalar> PreconditionerStatistics for Multigrid<T> {
    fn levels(&self) -> Vec<LevelSize> {
        let size = |at: usize| {
            let level = self.levels.get(at);
            let halo = level.map_or(&*self.coarsest, |level| level.operator.halo());
            let entries = level.map_or(self.coarsest_entries, |level| level.entries);
            let comm = halo.comm();
            let own = level.map_or(BlockSize::default(), |level| level.smoother.blocks());
            LevelSize {
                unknowns: halo.map().total(),
                entries: comm.sum(entries as u64),
                blocks: BlockSize { unknowns: comm.sum(own.unknowns), entries: comm.sum(own.entries) },
            }
        };
        (0..=self.levels.len()).map(size).collect()
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
