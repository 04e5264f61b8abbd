//! Distributed matrix in compressed rows, with separate owned and ghost columns.

use std::ops::Range;
use std::rc::Rc;

use multiversion::multiversion;
use rayon::prelude::*;
use sprs::CsMatI;

use crate::la::vector::inner;
use crate::la::{LinearOperator, MatrixEntries, Pair, Triplet, UNGROUPED, Vector};
use crate::parallel::{Halo, LocalIndex, loops};

/// Compressed sparse rows of one rank.
pub type Csr<T> = CsMatI<T, LocalIndex, usize>;

/// Rows of a square distributed matrix owned by one rank, with the halo of its columns.
pub struct DistributedCsr {
    halo: Rc<Halo>,
    local: SplitCsr,
}

/// Rows of one rank: entries in owned columns, and entries in ghost columns for the few rows that
/// have any.
pub struct SplitCsr {
    owned: Csr<f64>,
    /// Row `i` is row `ghost_rows[i]` of the rank.
    ghost: Csr<f64>,
    ghost_rows: Vec<LocalIndex>,
    /// Whether each row has entries in ghost columns.
    has_ghosts: Vec<bool>,
}

impl SplitCsr {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.owned.rows()
    }

    /// Iterates over the entries of a row in owned columns.
    pub(crate) fn owned_row(&self, row: usize) -> impl Iterator<Item = (LocalIndex, f64)> + '_ {
        entries(&self.owned, row)
    }

    /// Iterates over the entries of a row above the diagonal.
    fn upper(&self, row: usize) -> impl Iterator<Item = Triplet> + '_ {
        let right = self.row(row).filter(move |&(column, _)| column as usize > row);
        right.map(move |(column, value)| (row as LocalIndex, column, value))
    }

    /// Returns the entries in owned columns, those in ghost columns, and the rows of the latter.
    pub(crate) fn parts(&self) -> (&Csr<f64>, &Csr<f64>, &[LocalIndex]) {
        (&self.owned, &self.ghost, &self.ghost_rows)
    }

    /// Returns the bytes of the rows.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.owned) + bytes(&self.ghost)
    }

    /// Iterates over the entries of a row: local column and value.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (LocalIndex, f64)> + '_ {
        let number = || self.ghost_rows.binary_search(&(row as LocalIndex)).ok();
        let ghost = self.has_ghosts[row].then(number).flatten();
        let first = self.owned.cols() as LocalIndex;
        let ghosts = ghost.into_iter().flat_map(move |row| entries(&self.ghost, row).map(move |(c, v)| (first + c, v)));
        entries(&self.owned, row).chain(ghosts)
    }
}

impl DistributedCsr {
    /// Creates a matrix from its two parts. `ghost` has one row for each of `ghost_rows`
    /// (ascending); its column 0 is the first ghost.
    pub(crate) fn new(halo: Rc<Halo>, owned: Csr<f64>, ghost: Csr<f64>, ghost_rows: Vec<LocalIndex>) -> Self {
        let mut has_ghosts = vec![false; owned.rows()];
        ghost_rows.iter().for_each(|&row| has_ghosts[row as usize] = true);
        Self { halo, local: SplitCsr { owned, ghost, ghost_rows, has_ghosts } }
    }

    /// Returns the rows of this rank.
    pub fn local(&self) -> &SplitCsr {
        &self.local
    }

    /// Returns the halo of the columns.
    pub(crate) fn columns(&self) -> &Rc<Halo> {
        &self.halo
    }

    /// Overwrites `y`, one entry per row, by the product with `x`. The update of the ghosts of `x`
    /// overlaps the product with the owned columns. Returns the sum of what `dot` makes of x,
    /// ranges of rows and parts of their products. **Collective.**
    fn multiply(&self, x: &mut Vector, y: &mut [f64], dot: impl Fn(&[f64], Range<usize>, &[f64]) -> f64 + Sync) -> f64 {
        let SplitCsr { owned, ghost, ghost_rows, .. } = &self.local;
        let mut sum = self.halo.scatter_fwd_overlap(x.local_mut(), |x| multiply(owned, x, y, &dot));
        let (own, ghosts) = x.local().split_at(x.owned().len());
        let mut products = vec![0.0; ghost_rows.len()];
        multiply(ghost, ghosts, &mut products, &|_, _, _| 0.0);
        for (&row, product) in ghost_rows.iter().zip(products) {
            let row = row as usize;
            y[row] += product;
            sum += dot(own, row..row + 1, &[product]);
        }
        sum
    }

    /// Eliminates the unknowns where `fixed` is true (of the local vector) at `values`, exactly and
    /// symmetrically: their columns move to the right-hand side `b`, and their rows become those of
    /// the identity with a zero right-hand side.
    pub fn eliminate(&mut self, fixed: &[bool], values: &[f64], b: &mut [f64]) {
        let SplitCsr { owned, ghost, ghost_rows, .. } = &mut self.local;
        let owned_rows: Vec<LocalIndex> = (0..owned.rows() as LocalIndex).collect();
        let columns = owned.cols();
        eliminate_columns(owned, &owned_rows, 0, fixed, values, b);
        eliminate_columns(ghost, ghost_rows, columns, fixed, values, b);
    }
}

/// Eliminates fixed rows and columns of one part of the matrix, whose first column is
/// `first_column`.
fn eliminate_columns(
    matrix: &mut Csr<f64>,
    rows: &[LocalIndex],
    first_column: usize,
    fixed: &[bool],
    values: &[f64],
    b: &mut [f64],
) {
    let (pointers, columns) = (matrix.indptr(), matrix.indices());
    let is_fixed = |&column: &LocalIndex| fixed[first_column + column as usize];
    let changes = |&at: &usize| fixed[rows[at] as usize] || columns[pointers.outer_inds_sz(at)].iter().any(is_fixed);
    let changed = (0..rows.len()).into_par_iter().with_min_len(loops::CHUNK).filter(changes);
    for at in changed.collect::<Vec<_>>() {
        let row = rows[at] as usize;
        if fixed[row] {
            b[row] = 0.0;
        }
        for (column, entry) in matrix.outer_view_mut(at).iter_mut().flat_map(|entries| entries.iter_mut()) {
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

impl LinearOperator<f64> for DistributedCsr {
    fn halo(&self) -> &Halo {
        &self.halo
    }

    fn apply(&self, x: &mut Vector, y: &mut Vector) {
        self.multiply(x, y.owned_mut(), |_, _, _| 0.0);
    }

    fn apply_and_dot(&self, x: &mut Vector, y: &mut Vector) -> f64 {
        self.multiply(x, y.owned_mut(), |x, range, y| inner(&x[range], y))
    }

    fn bytes(&self) -> usize {
        self.local.bytes()
    }

    fn diagonal(&self) -> Vec<f64> {
        let owned = &self.local.owned;
        let (columns, values) = (owned.indices(), owned.data());
        (0..owned.rows())
            .into_par_iter()
            .with_min_len(loops::CHUNK)
            .map(|row| {
                let range = owned.indptr().outer_inds_sz(row);
                let at = columns[range.clone()].binary_search(&(row as LocalIndex));
                at.map_or(0.0, |at| values[range.start + at])
            })
            .collect()
    }

    fn precise_residual(&self, b: &[f64], x: &mut Vector, low: &mut Vector, r: &mut Vector) -> bool {
        [&mut *x, &mut *low].into_iter().for_each(|part| self.halo.scatter_fwd(part.local_mut()));
        let (local, x) = (&self.local, x.pairs(low));
        loops::update(r.owned_mut(), |range, r| {
            for ((r, b), row) in r.iter_mut().zip(&b[range.clone()]).zip(range) {
                let mut sum = Pair::sum(*b, 0.0);
                local.row(row).for_each(|(column, value)| sum += -value * x[column as usize]);
                *r = sum.high;
            }
            []
        });
        true
    }
}

impl MatrixEntries<f64> for DistributedCsr {
    fn strength_of_connection(&self, diagonal: &[f64], least: f64) -> Vec<Triplet> {
        let scale: Vec<f64> = diagonal.iter().map(|d| 1.0 / d.sqrt()).collect();
        let strength =
            |(row, column, value): Triplet| (row, column, value * scale[row as usize] * scale[column as usize]);
        let local = &self.local;
        let rows = (0..local.rows()).into_par_iter().with_min_len(loops::CHUNK);
        let entries = rows.flat_map_iter(|row| local.upper(row));
        entries.map(strength).filter(|(_, _, strength)| strength.abs() > least).collect()
    }

    fn triplets(&self, group: &[LocalIndex]) -> Vec<Triplet> {
        let rows = (0..self.local.rows()).filter(|&row| group[row] != UNGROUPED).flat_map(|row| self.local.upper(row));
        rows.filter(|&(row, column, _)| group.get(column as usize) == Some(&group[row as usize])).collect()
    }

    fn entries(&self) -> usize {
        self.local.owned.nnz() + self.local.ghost.nnz()
    }
}

/// Returns the bytes of a local matrix.
pub fn bytes<T>(matrix: &Csr<T>) -> usize {
    matrix.rows() * size_of::<usize>() + matrix.nnz() * (size_of::<T>() + size_of::<LocalIndex>())
}

/// Iterates over the entries of a row of a local matrix.
pub fn entries<T: Copy>(matrix: &Csr<T>, row: usize) -> impl Iterator<Item = (LocalIndex, T)> + '_ {
    let (columns, values) = row_of(matrix, row);
    columns.iter().copied().zip(values.iter().copied())
}

/// Returns the columns, ascending, and the values of a row.
pub fn row_of<T>(matrix: &Csr<T>, row: usize) -> (&[LocalIndex], &[T]) {
    // The row pointers of a whole matrix start at 0.
    let pointers = matrix.indptr().into_raw_storage();
    let range = pointers[row]..pointers[row + 1];
    (&matrix.indices()[range.clone()], &matrix.data()[range])
}

/// Overwrites `y` by the product of a local matrix with `x`, and returns the sum of what `dot`
/// makes of x, a range of rows and their products.
fn multiply(
    matrix: &Csr<f64>,
    x: &[f64],
    y: &mut [f64],
    dot: &(impl Fn(&[f64], Range<usize>, &[f64]) -> f64 + Sync),
) -> f64 {
    // The row pointers of a whole matrix start at 0.
    let (pointers, columns, values) = (matrix.indptr().into_raw_storage(), matrix.indices(), matrix.data());
    let [sum] = loops::update(y, |range, y| {
        times(&pointers[range.start..=range.end], columns, values, x, y);
        [dot(x, range, y)]
    });
    sum
}

/// Computes the products of consecutive rows; `pointers` has one entry more than `y`. Four partial
/// sums per row hide the latency of the multiplications.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn times(pointers: &[usize], columns: &[LocalIndex], values: &[f64], x: &[f64], y: &mut [f64]) {
    for (ends, y) in pointers.windows(2).zip(y) {
        let (columns, values) = (&columns[ends[0]..ends[1]], &values[ends[0]..ends[1]]);
        let (fours, rest) = (columns.chunks_exact(4), columns.chunks_exact(4).remainder());
        let rest_values = &values[values.len() - rest.len()..];
        let mut sums = [0.0; 4];
        for (columns, values) in fours.zip(values.chunks_exact(4)) {
            for i in 0..4 {
                sums[i] += values[i] * x[columns[i] as usize];
            }
        }
        let tail: f64 = rest.iter().zip(rest_values).map(|(&c, v)| *v * x[c as usize]).sum();
        *y = (sums[0] + sums[2]) + (sums[1] + sums[3]) + tail;
    }
}
