//! Square distributed matrix in sliced ELLPACK: slices of eight rows, whose entries lie side by
//! side in the lanes of the vector registers.
//!
//! A. Monakov, A. Lokhmotov, A. Avetisyan, *Automatically tuning sparse matrix-vector
//! multiplication for GPU architectures*, HiPEAC 2010.
//!
//! A product is computed in difference form: entry i is s_i x_i plus the sum of a_ij (x_j - x_i)
//! over j, where s_i is the sum of row i in double precision, or 0 where that is a rounding error.
//! Constants are thus mapped exactly, also in single precision.

use std::rc::Rc;

use rayon::prelude::*;

use crate::la::matrix::csr::{Csr, DistributedCsr, bytes, entries};
use crate::la::matrix::slices::Slices;
use crate::la::{LinearOperator, Scalar, Step, Stored, Vector, step_again};
use crate::parallel::{Halo, LocalIndex, loops};

/// Rows of a square distributed matrix owned by one rank, for fast products in precision T, with
/// values stored in numbers V.
pub struct SlicedEllpack<T, V = T> {
    halo: Rc<Halo>,
    /// Owned columns of the rows, in chunks of [`loops::CHUNK`].
    chunks: Vec<Slices<T, V>>,
    /// Entries in ghost columns; row `i` is row `ghost_rows[i]` of the rank.
    ghost: Csr<T>,
    ghost_rows: Vec<LocalIndex>,
}

impl<T: Scalar, V: Stored<T>> SlicedEllpack<T, V> {
    /// Converts a square matrix.
    pub fn new(matrix: &DistributedCsr) -> Self {
        let (owned, ghost, ghost_rows) = matrix.local().parts();
        let mut ghost_sums = vec![[0.0; 2]; owned.rows()];
        for (at, &row) in ghost_rows.iter().enumerate() {
            let add = |[sum, size]: [f64; 2], (_, value): (_, f64)| [sum + value, size + value.abs()];
            ghost_sums[row as usize] = entries(ghost, at).fold([0.0; 2], add);
        }
        let chunks = loops::chunks(owned.rows());
        let chunks = chunks.map(|range| Slices::new(owned, range.clone(), &ghost_sums[range])).collect();
        Self {
            halo: Rc::clone(matrix.columns()),
            chunks,
            ghost: ghost.map(|value| T::of(*value)),
            ghost_rows: ghost_rows.to_vec(),
        }
    }

    /// Overwrites `y` by A x, or subtracts A x from it. **Collective.**
    fn product<const SUBTRACT: bool>(&self, x: &mut Vector<T>, y: &mut [T]) {
        let Self { halo, chunks, .. } = self;
        halo.scatter_fwd_overlap(x.local_mut(), |x| {
            loops::update(y, |range, y| {
                chunks[range.start / loops::CHUNK].product::<SUBTRACT>(range.start, x, y);
                []
            });
        });
        self.ghost_product::<SUBTRACT>(x, y);
    }

    /// Adds or subtracts the products with the ghosts of `x`.
    fn ghost_product<const SUBTRACT: bool>(&self, x: &Vector<T>, y: &mut [T]) {
        let (own, ghosts) = x.local().split_at(x.owned().len());
        for (at, &row) in self.ghost_rows.iter().enumerate() {
            let row = row as usize;
            let sum: T =
                entries(&self.ghost, at).map(|(column, value)| value * (ghosts[column as usize] - own[row])).sum();
            if SUBTRACT { y[row] -= sum } else { y[row] += sum }
        }
    }
}

impl<T: Scalar, V: Stored<T>> LinearOperator<T> for SlicedEllpack<T, V> {
    fn halo(&self) -> &Halo {
        &self.halo
    }

    fn apply(&self, x: &mut Vector<T>, y: &mut Vector<T>) {
        self.product::<false>(x, y.owned_mut());
    }

    fn subtract_product(&self, x: &mut Vector<T>, r: &mut Vector<T>) {
        self.product::<true>(x, r.owned_mut());
    }

    fn subtract_product_and_step(&self, d: &mut Vector<T>, [r, x, next]: [&mut Vector<T>; 3], step: &Step<T>) {
        let Self { halo, chunks, ghost_rows, .. } = self;
        let before = ghost_rows.iter().map(|&row| x.owned()[row as usize]).collect();
        halo.scatter_fwd_overlap(d.local_mut(), |d| {
            loops::update_all([r.owned_mut(), x.owned_mut(), next.owned_mut()], |range, [r, x, next]| {
                chunks[range.start / loops::CHUNK].product::<true>(range.start, d, r);
                step(range.clone(), &d[range], [r, x, next]);
            });
        });
        self.ghost_product::<true>(d, r.owned_mut());
        step_again(ghost_rows, before, d, [r, x, next], step);
    }

    fn bytes(&self) -> usize {
        self.chunks.iter().map(Slices::bytes).sum::<usize>() + bytes(&self.ghost)
    }

    fn diagonal(&self) -> Vec<f64> {
        let ghost = self.ghost_rows.iter().enumerate();
        let mut diagonal: Vec<f64> = self.chunks.par_iter().flat_map_iter(Slices::diagonal).collect();
        diagonal.truncate(self.halo.map().owned());
        for (at, &row) in ghost {
            diagonal[row as usize] -= entries(&self.ghost, at).map(|entry| entry.1.double()).sum::<f64>();
        }
        diagonal
    }

    fn precise_residual(&self, _b: &[T], _x: &mut Vector<T>, _low: &mut Vector<T>, _r: &mut Vector<T>) -> bool {
        false
    }
}
