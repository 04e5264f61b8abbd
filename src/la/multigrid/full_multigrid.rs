//! Full multigrid between nested meshes, for an initial guess.
//!
//! U. Trottenberg, C. Oosterlee, A. Schueller, *Multigrid*, section 2.6.

use crate::la::multigrid::Multigrid;
use crate::la::multigrid::level::Work;
use crate::la::multigrid::parameters::start_cycles;
use crate::la::{Scalar, Vector};

impl<T: Scalar> Multigrid<T> {
    /// Overwrites `x` by the approximate solution for `b` on the finest mesh that the coarser
    /// meshes give. From the coarsest mesh on, the solution on each is prolonged to the next finer
    /// one and corrected there. The last solution and its correction stay apart until they are
    /// prolonged, and `x` is in double precision: the residual of a guess with rounded values is
    /// that of their rounding errors. **Collective.**
    pub(super) fn full_cycle(&self, b: &Vector<T>, x: &mut Vector) {
        for at in 0..self.coarser_meshes {
            let coarser = &mut *self.levels[at].work();
            let mut restrict =
                |b: &Vector<T>| self.measured(at, || self.levels[at].transfer.restrict(b, &mut coarser.coarse_b));
            match at.checked_sub(1) {
                None => restrict(b),
                Some(finer) => restrict(&self.levels[finer].work().coarse_b),
            }
        }
        for at in (1..=self.coarser_meshes).rev() {
            let level = &self.levels[at];
            let Work { coarse_b: b, coarse_x: correction, .. } = &mut *self.levels[at - 1].work();
            let mut prolonged = correction.zeros_like();
            if at < self.coarser_meshes {
                self.measured(at, || {
                    level.transfer.prolong(&mut level.work().coarse_x, &mut prolonged);
                    level.operator.subtract_product(&mut prolonged, b);
                });
            }
            self.cycles(at, start_cycles(at), [b, &mut *correction]);
            if at > 1 {
                correction.add(T::of(1.0), &prolonged);
            } else if let Some(transfer) = self.levels[0].transfer.nested() {
                self.measured(0, || transfer.prolong_sum(&prolonged, correction, x));
            }
        }
    }
}
