//! Full multigrid between nested meshes, for an initial guess.
//!
//! U. Trottenberg, C. Oosterlee, A. Schueller, *Multigrid*, section 2.6.

use crate::la::multigrid::Multigrid;
use crate::la::multigrid::chebyshev::{End, Start};
use crate::la::multigrid::level::Work;
use crate::la::{Scalar, Vector};

impl<T: Scalar> Multigrid<T> {
    /// Overwrites `x` by the approximate solution for `b` on the finest mesh that the coarser
    /// meshes give. From the coarsest mesh on, the solution on each is prolonged to the next finer
    /// one and improved there by a cycle. **Collective.**
    pub(super) fn full_cycle(&self, b: &Vector<T>, x: &mut Vector<T>) {
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
            let Work { coarse_b: b, coarse_x: x, .. } = &mut *self.levels[at - 1].work();
            let level = &self.levels[at];
            if at == self.coarser_meshes {
                self.cycle(at, [b, x], Start::Zero, End::Finished);
                continue;
            }
            self.measured(at, || {
                level.transfer.prolong(&mut level.work().coarse_x, x);
                level.operator.subtract_product(x, b);
            });
            self.cycle(at, [b, x], Start::Iterate, End::Finished);
        }
        let level = &self.levels[0];
        self.measured(0, || level.transfer.prolong(&mut level.work().coarse_x, x));
    }
}
