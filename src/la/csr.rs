//! The assembled operator: compressed rows, owned and ghost columns apart.

use std::rc::Rc;

use multiversion::multiversion;
use sprs::CsMatI;

use super::{LinearOperator, Vector};
use crate::parallel::{Halo, Local, loops};

/// Local matrix storage.
pub type Csr = CsMatI<f64, Local, usize>;

/// The rows of a symmetric matrix that belong to one rank: their entries in
/// owned columns, and those in ghost columns for the few rows that have any.
pub struct DistributedCsr {
    halo: Rc<Halo>,
    owned: Csr,
    /// Row `i` here is row `ghost_rows[i]` of the rank.
    ghost: Csr,
    ghost_rows: Vec<Local>,
}

impl DistributedCsr {
    /// Puts the two parts together. `ghost` has one row for each of
    /// `ghost_rows` (ascending), its column 0 is the first ghost.
    pub fn new(halo: Rc<Halo>, owned: Csr, ghost: Csr, ghost_rows: Vec<Local>) -> Self {
        Self { halo, owned, ghost, ghost_rows }
    }

    /// Number of stored entries on this rank.
    pub fn entries(&self) -> usize {
        self.owned.nnz() + self.ghost.nnz()
    }

    /// The owned part of the diagonal.
    pub fn diagonal(&self) -> Vec<f64> {
        let (pointers, columns, values) = (self.owned.indptr(), self.owned.indices(), self.owned.data());
        (0..self.owned.rows())
            .map(|row| {
                let range = pointers.outer_inds_sz(row);
                columns[range.clone()].binary_search(&(row as Local)).map_or(0.0, |at| values[range.start + at])
            })
            .collect()
    }

    /// Fixes the unknowns where `fixed` is true (of the local vector) at
    /// `values`, keeping the matrix symmetric: their columns go to the right
    /// side `b`, and their rows become those of the identity with a zero
    /// right side. (Exact elimination; no penalty.)
    pub fn eliminate(&mut self, fixed: &[bool], values: &[f64], b: &mut [f64]) {
        let owned_rows: Vec<Local> = (0..self.owned.rows() as Local).collect();
        let columns = self.owned.cols();
        eliminate_columns(&mut self.owned, &owned_rows, 0, fixed, values, b);
        eliminate_columns(&mut self.ghost, &self.ghost_rows, columns, fixed, values, b);
    }
}

fn eliminate_columns(
    matrix: &mut Csr,
    rows: &[Local],
    first_column: usize,
    fixed: &[bool],
    values: &[f64],
    b: &mut [f64],
) {
    for (row, mut entries) in rows.iter().map(|&r| r as usize).zip(matrix.outer_iterator_mut()) {
        if fixed[row] {
            b[row] = 0.0;
        }
        for (column, entry) in entries.iter_mut() {
            let column = first_column + column;
            if fixed[row] {
                *entry = if column == row { 1.0 } else { 0.0 };
            } else if fixed[column] {
                b[row] -= *entry * values[column];
                *entry = 0.0;
            }
        }
    }
}

impl LinearOperator for DistributedCsr {
    fn halo(&self) -> &Halo {
        &self.halo
    }

    fn apply(&self, x: &mut Vector, y: &mut Vector) -> f64 {
        let y = y.owned_mut();
        let dot = self.halo.forward_during(x.local_mut(), |x| {
            let (pointers, columns, values) = parts(&self.owned);
            let [dot] = loops::update(y, |range, y| {
                [times(&pointers[range.start..=range.end], columns, values, x, &x[range.clone()], y)]
            });
            dot
        });
        let (x, ghosts) = x.local().split_at(y.len());
        let (pointers, columns, values) = parts(&self.ghost);
        let mut products = vec![0.0; self.ghost_rows.len()];
        times(pointers, columns, values, ghosts, &[], &mut products);
        let mut ghost_dot = 0.0;
        for (&row, product) in self.ghost_rows.iter().zip(products) {
            y[row as usize] += product;
            ghost_dot += x[row as usize] * product;
        }
        dot + ghost_dot
    }
}

/// Row pointers, columns and values of a matrix.
fn parts(matrix: &Csr) -> (&[usize], &[Local], &[f64]) {
    // The storage of a whole matrix always starts at 0, so it has plain pointers.
    (matrix.indptr().into_raw_storage(), matrix.indices(), matrix.data())
}

/// Overwrites `y` by the products of consecutive rows with `x` and returns the
/// sum of y times `weights`, entry by entry. `pointers` has one entry more than
/// `y`. Four sums a row keep several multiplications in flight.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn times(pointers: &[usize], columns: &[Local], values: &[f64], x: &[f64], weights: &[f64], y: &mut [f64]) -> f64 {
    for (ends, y) in pointers.windows(2).zip(&mut *y) {
        let (columns, values) = (&columns[ends[0]..ends[1]], &values[ends[0]..ends[1]]);
        let (fours, rest) = (columns.chunks_exact(4), columns.chunks_exact(4).remainder());
        let rest_values = &values[values.len() - rest.len()..];
        let mut sums = [0.0; 4];
        for (columns, values) in fours.zip(values.chunks_exact(4)) {
            for i in 0..4 {
                sums[i] += values[i] * x[columns[i] as usize];
            }
        }
        let tail: f64 = rest.iter().zip(rest_values).map(|(&c, v)| v * x[c as usize]).sum();
        *y = (sums[0] + sums[2]) + (sums[1] + sums[3]) + tail;
    }
    weights.iter().zip(y).map(|(w, y)| w * *y).sum()
}
