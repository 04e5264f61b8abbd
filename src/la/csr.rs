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
    local: SplitCsr,
}

/// The rows of one rank, without the exchange: what threads may share.
pub struct SplitCsr {
    owned: Csr,
    /// Row `i` here is row `ghost_rows[i]` of the rank.
    ghost: Csr,
    ghost_rows: Vec<Local>,
}

impl SplitCsr {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.owned.rows()
    }

    /// The entries of a row, by local columns.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (Local, f64)> + '_ {
        let ghost = self.ghost_rows.binary_search(&(row as Local)).ok();
        let first = self.owned.cols() as Local;
        let ghosts = ghost.into_iter().flat_map(move |row| entries(&self.ghost, row, first));
        entries(&self.owned, row, 0).chain(ghosts)
    }
}

impl DistributedCsr {
    /// Puts the two parts together. `ghost` has one row for each of
    /// `ghost_rows` (ascending), its column 0 is the first ghost.
    pub fn new(halo: Rc<Halo>, owned: Csr, ghost: Csr, ghost_rows: Vec<Local>) -> Self {
        Self { halo, local: SplitCsr { owned, ghost, ghost_rows } }
    }

    /// The rows of this rank.
    pub fn local(&self) -> &SplitCsr {
        &self.local
    }

    /// How the columns are distributed.
    pub fn halo_of_columns(&self) -> &Halo {
        &self.halo
    }

    /// The transposed matrix of this rank's rows: one row for each local column.
    pub fn transposed(&self) -> Csr {
        let columns = self.halo.map().local();
        let mut pointers = vec![0; columns + 1];
        for row in 0..self.local.rows() {
            self.local.row(row).for_each(|(c, _)| pointers[c as usize + 1] += 1);
        }
        for c in 0..columns {
            pointers[c + 1] += pointers[c];
        }
        let mut next = pointers.clone();
        let (mut indices, mut data) = (vec![0; pointers[columns]], vec![0.0; pointers[columns]]);
        for row in 0..self.local.rows() {
            for (c, v) in self.local.row(row) {
                indices[next[c as usize]] = row as Local;
                data[next[c as usize]] = v;
                next[c as usize] += 1;
            }
        }
        Csr::new((columns, self.local.rows()), pointers, indices, data)
    }

    /// Overwrites `y`, one entry a row, by the product with `x`, whose ghosts
    /// are updated. **Collective.**
    pub fn multiply(&self, x: &mut Vector, y: &mut [f64]) {
        self.halo.forward_during(x.local_mut(), |x| multiply(&self.local.owned, x, y));
        let ghosts = &x.local()[x.owned().len()..];
        let mut products = vec![0.0; self.local.ghost_rows.len()];
        multiply(&self.local.ghost, ghosts, &mut products);
        for (&row, product) in self.local.ghost_rows.iter().zip(products) {
            y[row as usize] += product;
        }
    }

    /// Number of stored entries on this rank.
    pub fn entries(&self) -> usize {
        self.local.owned.nnz() + self.local.ghost.nnz()
    }

    /// The owned part of the diagonal.
    pub fn diagonal(&self) -> Vec<f64> {
        let (pointers, columns, values) =
            (self.local.owned.indptr(), self.local.owned.indices(), self.local.owned.data());
        (0..self.local.owned.rows())
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
        let owned_rows: Vec<Local> = (0..self.local.owned.rows() as Local).collect();
        let columns = self.local.owned.cols();
        eliminate_columns(&mut self.local.owned, &owned_rows, 0, fixed, values, b);
        eliminate_columns(&mut self.local.ghost, &self.local.ghost_rows, columns, fixed, values, b);
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
            let (pointers, columns, values) = parts(&self.local.owned);
            let [dot] = loops::update(y, |range, y| {
                [times(&pointers[range.start..=range.end], columns, values, x, &x[range.clone()], y)]
            });
            dot
        });
        let (x, ghosts) = x.local().split_at(y.len());
        let (pointers, columns, values) = parts(&self.local.ghost);
        let mut products = vec![0.0; self.local.ghost_rows.len()];
        times(pointers, columns, values, ghosts, &[], &mut products);
        let mut ghost_dot = 0.0;
        for (&row, product) in self.local.ghost_rows.iter().zip(products) {
            y[row as usize] += product;
            ghost_dot += x[row as usize] * product;
        }
        dot + ghost_dot
    }
}

/// Overwrites `y` by the product of a matrix of this rank alone with `x`.
pub fn multiply(matrix: &Csr, x: &[f64], y: &mut [f64]) {
    let (pointers, columns, values) = parts(matrix);
    loops::update(y, |range, y| {
        times(&pointers[range.start..=range.end], columns, values, x, &[], y);
        []
    });
}

/// The entries of a row, their columns counted from `first`.
fn entries(matrix: &Csr, row: usize, first: Local) -> impl Iterator<Item = (Local, f64)> + '_ {
    let range = matrix.indptr().outer_inds_sz(row);
    matrix.indices()[range.clone()].iter().map(move |c| first + c).zip(matrix.data()[range].iter().copied())
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
