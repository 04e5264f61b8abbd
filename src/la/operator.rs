//! Symmetric operators on distributed vectors.

use std::ops::Range;

use crate::la::vector::dot;
use crate::la::{Scalar, Vector};
use crate::parallel::{Halo, LocalIndex};

/// Entry above the diagonal, or a part of one: row, column, value.
pub type Triplet = (LocalIndex, LocalIndex, f64);

/// Step of a smoother at a range of unknowns: receives d, r, x and the next d there, reads the
/// first two, and updates the others. To take it again after x is restored gives the same result.
pub type Step<'a, T> = dyn Fn(Range<usize>, &[T], [&mut [T]; 3]) + Sync + 'a;

/// Takes the step of a smoother again at some unknowns, whose residual has changed, with their x
/// `before` the first time.
pub(crate) fn step_again<T: Scalar>(
    unknowns: &[LocalIndex],
    before: Vec<T>,
    d: &Vector<T>,
    vectors: [&mut Vector<T>; 3],
    step: &Step<T>,
) {
    let (d, [r, x, next]) = (d.owned(), vectors.map(Vector::owned_mut));
    for (i, before) in unknowns.iter().map(|&unknown| unknown as usize).zip(before) {
        x[i] = before;
        step(i..i + 1, &d[i..=i], [&mut r[i..=i], &mut x[i..=i], &mut next[i..=i]]);
    }
}

/// Symmetric operator A on distributed vectors.
pub trait LinearOperator<T: Scalar = f64> {
    /// Returns the halo of the operator's vectors.
    fn halo(&self) -> &Halo;

    /// Overwrites the owned part of `y` by A x; updates the ghosts of `x`. **Collective.**
    fn apply(&self, x: &mut Vector<T>, y: &mut Vector<T>);

    /// Does what [`apply`](Self::apply) does, and returns this rank's part of x.Ax. **Collective.**
    fn apply_and_dot(&self, x: &mut Vector<T>, y: &mut Vector<T>) -> f64 {
        self.apply(x, y);
        dot(x.owned(), y.owned())
    }

    /// Overwrites the owned part of `r` by r - A x; updates the ghosts of `x` and leaves those of
    /// `r` undefined. **Collective.**
    fn subtract_product(&self, x: &mut Vector<T>, r: &mut Vector<T>) {
        let mut product = r.zeros_like();
        self.apply(x, &mut product);
        r.add(T::of(-1.0), &product);
    }

    /// Subtracts A d from r as [`subtract_product`](Self::subtract_product) does, and takes the
    /// `step` of a smoother at every owned unknown, where possible while its residual is in the
    /// caches. **Collective.**
    fn subtract_product_and_step(&self, d: &mut Vector<T>, [r, x, next]: [&mut Vector<T>; 3], step: &Step<T>) {
        self.subtract_product(d, r);
        step(0..d.owned().len(), d.owned(), [r.owned_mut(), x.owned_mut(), next.owned_mut()]);
    }

    /// Returns the bytes of the operator on this rank that a product reads; 0 if they are unknown.
    fn bytes(&self) -> usize {
        0
    }

    /// Returns the owned part of the diagonal.
    fn diagonal(&self) -> Vec<f64>;

    /// Overwrites `r` by b - A (x + low), summed in twice the working precision, and returns true;
    /// returns false if the operator does not support it. **Collective.**
    fn precise_residual(&self, b: &[T], x: &mut Vector<T>, low: &mut Vector<T>, r: &mut Vector<T>) -> bool;
}

/// Group of an unknown that is in none.
pub const UNGROUPED: LocalIndex = LocalIndex::MAX;

/// Operator whose entries are known, as smoothers by blocks require.
pub trait MatrixEntries<T: Scalar = f64>: LinearOperator<T> {
    /// Returns the edges of the strength-of-connection graph above `least`: a_ij / sqrt(a_ii a_jj)
    /// for i < j. An edge may be listed twice; those between ghosts are incomplete. `diagonal` holds
    /// the positive diagonal at all local unknowns.
    fn strength_of_connection(&self, diagonal: &[f64], least: f64) -> Vec<Triplet>;

    /// Returns the entries a_ij, i < j, between unknowns of the same group. `group` holds the group
    /// of each owned unknown, and of each ghost or of none, or [`UNGROUPED`]. An entry may be split
    /// into two parts; those between ghosts are incomplete.
    fn triplets(&self, group: &[LocalIndex]) -> Vec<Triplet>;

    /// Returns the number of values stored on this rank.
    fn entries(&self) -> usize;
}
