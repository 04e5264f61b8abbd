//! The assembled operator: compressed rows, owned and ghost columns apart.

use std::rc::Rc;

use multiversion::multiversion;
use sprs::CsMatI;

use crate::la::multigrid::{ALONE, Coupling};
use crate::la::{LinearOperator, Pair, Scalar, Vector};
use crate::parallel::{Halo, LocalIndex, loops};

/// Local matrix storage.
pub type Csr<T> = CsMatI<T, LocalIndex, usize>;

/// The rows of a matrix that belong to one rank, with the exchange that its
/// columns need. Rows and columns are those of the same unknowns, or (for a
/// prolongation) rows are fine unknowns and columns coarse ones.
pub struct DistributedCsr<T = f64> {
    halo: Rc<Halo>,
    local: SplitCsr<T>,
}

/// The rows of one rank: their entries in owned columns, and those in ghost
/// columns for the few rows that have any. Threads may share it.
pub struct SplitCsr<T = f64> {
    owned: Csr<T>,
    /// Row `i` here is row `ghost_rows[i]` of the rank.
    ghost: Csr<T>,
    ghost_rows: Vec<LocalIndex>,
}

impl<T: Scalar> SplitCsr<T> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.owned.rows()
    }

    /// The entries of a row, by local columns.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (LocalIndex, T)> + '_ {
        let ghost = self.ghost_rows.binary_search(&(row as LocalIndex)).ok();
        let first = self.owned.cols() as LocalIndex;
        let ghosts = ghost.into_iter().flat_map(move |row| entries(&self.ghost, row).map(move |(c, v)| (first + c, v)));
        entries(&self.owned, row).chain(ghosts)
    }
}

impl<T: Scalar> DistributedCsr<T> {
    /// Puts the two parts together. `ghost` has one row for each of
    /// `ghost_rows` (ascending), its column 0 is the first ghost.
    pub fn new(halo: Rc<Halo>, owned: Csr<T>, ghost: Csr<T>, ghost_rows: Vec<LocalIndex>) -> Self {
        Self { halo, local: SplitCsr { owned, ghost, ghost_rows } }
    }

    /// The rows of this rank.
    pub fn local(&self) -> &SplitCsr<T> {
        &self.local
    }

    /// How the columns are distributed.
    pub fn columns(&self) -> &Rc<Halo> {
        &self.halo
    }

    /// The same matrix in another precision.
    pub fn to<U: Scalar>(&self) -> DistributedCsr<U> {
        let SplitCsr { owned, ghost, ghost_rows } = &self.local;
        let convert = |matrix: &Csr<T>| matrix.map(|v| U::of(v.double()));
        DistributedCsr::new(Rc::clone(&self.halo), convert(owned), convert(ghost), ghost_rows.clone())
    }

    /// The transposed matrix of this rank's rows: one row for each local column.
    pub fn transposed(&self) -> Csr<T> {
        let columns = self.halo.map().local();
        let mut pointers = vec![0; columns + 1];
        for row in 0..self.local.rows() {
            self.local.row(row).for_each(|(c, _)| pointers[c as usize + 1] += 1);
        }
        for c in 0..columns {
            pointers[c + 1] += pointers[c];
        }
        let mut next = pointers.clone();
        let (mut indices, mut data) = (vec![0; pointers[columns]], vec![T::default(); pointers[columns]]);
        for row in 0..self.local.rows() {
            for (c, v) in self.local.row(row) {
                indices[next[c as usize]] = row as LocalIndex;
                data[next[c as usize]] = v;
                next[c as usize] += 1;
            }
        }
        Csr::new((columns, self.local.rows()), pointers, indices, data)
    }

    /// Overwrites `y`, one entry a row, by the product with `x`, whose ghosts
    /// are updated while the owned columns are at work. **Collective.**
    pub fn multiply(&self, x: &mut Vector<T>, y: &mut [T]) {
        let SplitCsr { owned, ghost, ghost_rows } = &self.local;
        self.halo.scatter_fwd_overlap(x.local_mut(), |x| multiply(owned, x, y));
        let mut products = vec![T::default(); ghost_rows.len()];
        multiply(ghost, &x.local()[x.owned().len()..], &mut products);
        for (&row, product) in ghost_rows.iter().zip(products) {
            y[row as usize] += product;
        }
    }
}

impl DistributedCsr {
    /// Fixes the unknowns where `fixed` is true (of the local vector) at
    /// `values`, keeping the matrix symmetric: their columns go to the right
    /// side `b`, and their rows become those of the identity with a zero
    /// right side. (Exact elimination; no penalty.)
    pub fn eliminate(&mut self, fixed: &[bool], values: &[f64], b: &mut [f64]) {
        let SplitCsr { owned, ghost, ghost_rows } = &mut self.local;
        let owned_rows: Vec<LocalIndex> = (0..owned.rows() as LocalIndex).collect();
        let columns = owned.cols();
        eliminate_columns(owned, &owned_rows, 0, fixed, values, b);
        eliminate_columns(ghost, ghost_rows, columns, fixed, values, b);
    }
}

fn eliminate_columns(
    matrix: &mut Csr<f64>,
    rows: &[LocalIndex],
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

impl<T: Scalar> DistributedCsr<T> {
    /// The entries above the diagonal of a row, in owned columns.
    fn upper(&self, row: usize) -> impl Iterator<Item = Coupling> {
        let right = entries(&self.local.owned, row).filter(move |&(column, _)| column as usize > row);
        right.map(move |(column, value)| (row as LocalIndex, column, value.double()))
    }
}

impl<T: Scalar> LinearOperator<T> for DistributedCsr<T> {
    fn halo(&self) -> &Halo {
        &self.halo
    }

    fn apply(&self, x: &mut Vector<T>, y: &mut Vector<T>) {
        self.multiply(x, y.owned_mut());
    }

    fn diagonal(&self) -> Vec<f64> {
        let owned = &self.local.owned;
        let (columns, values) = (owned.indices(), owned.data());
        (0..owned.rows())
            .map(|row| {
                let range = owned.indptr().outer_inds_sz(row);
                let at = columns[range.clone()].binary_search(&(row as LocalIndex));
                at.map_or(0.0, |at| values[range.start + at].double())
            })
            .collect()
    }

    fn strengths(&self, least: f64) -> Vec<Coupling> {
        let scale: Vec<f64> = self.diagonal().iter().map(|&d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 }).collect();
        let strength =
            |(row, column, value): Coupling| (row, column, value * scale[row as usize] * scale[column as usize]);
        let rows = 0..self.local.owned.rows();
        let mut is_strong = vec![false; rows.len()];
        for (row, column, strength) in rows.clone().flat_map(|row| self.upper(row)).map(strength) {
            if strength.abs() > least {
                is_strong[row as usize] = true;
                is_strong[column as usize] = true;
            }
        }
        let strong = rows.filter(|&row| is_strong[row]).flat_map(|row| self.upper(row));
        strong.filter(|(_, column, _)| is_strong[*column as usize]).map(strength).collect()
    }

    fn couplings(&self, group: &[LocalIndex]) -> Vec<Coupling> {
        let rows = (0..group.len()).filter(|&row| group[row] != ALONE).flat_map(|row| self.upper(row));
        rows.filter(|&(row, column, _)| group[row as usize] == group[column as usize]).collect()
    }

    fn precise_residual(&self, b: &[T], x: &mut Vector<T>, low: &mut Vector<T>, r: &mut Vector<T>) -> bool {
        [&mut *x, &mut *low].into_iter().for_each(|part| self.halo.scatter_fwd(part.local_mut()));
        let (local, x) = (&self.local, x.pairs(low));
        loops::update(r.owned_mut(), |range, r| {
            for ((r, b), row) in r.iter_mut().zip(&b[range.clone()]).zip(range) {
                let mut sum = Pair::sum(b.double(), 0.0);
                local.row(row).for_each(|(column, value)| sum += -value.double() * x[column as usize]);
                *r = T::of(sum.high);
            }
            []
        });
        true
    }

    fn entries(&self) -> usize {
        self.local.owned.nnz() + self.local.ghost.nnz()
    }
}

/// The entries of a row of a matrix of this rank alone.
pub fn entries<T: Copy>(matrix: &Csr<T>, row: usize) -> impl Iterator<Item = (LocalIndex, T)> + '_ {
    let range = matrix.indptr().outer_inds_sz(row);
    matrix.indices()[range.clone()].iter().copied().zip(matrix.data()[range].iter().copied())
}

/// Overwrites `y` by the product of a matrix of this rank alone with `x`.
pub fn multiply<T: Scalar>(matrix: &Csr<T>, x: &[T], y: &mut [T]) {
    // The storage of a whole matrix always starts at 0, so it has plain pointers.
    let (pointers, columns, values) = (matrix.indptr().into_raw_storage(), matrix.indices(), matrix.data());
    loops::update(y, |range, y| {
        times(&pointers[range.start..=range.end], columns, values, x, y);
        []
    });
}

/// Products of consecutive rows; `pointers` has one entry more than `y`. Four
/// sums a row keep several multiplications in flight.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn times<T: Scalar>(pointers: &[usize], columns: &[LocalIndex], values: &[T], x: &[T], y: &mut [T]) {
    for (ends, y) in pointers.windows(2).zip(y) {
        let (columns, values) = (&columns[ends[0]..ends[1]], &values[ends[0]..ends[1]]);
        let (fours, rest) = (columns.chunks_exact(4), columns.chunks_exact(4).remainder());
        let rest_values = &values[values.len() - rest.len()..];
        let mut sums = [T::default(); 4];
        for (columns, values) in fours.zip(values.chunks_exact(4)) {
            for i in 0..4 {
                sums[i] += values[i] * x[columns[i] as usize];
            }
        }
        let tail: T = rest.iter().zip(rest_values).map(|(&c, v)| *v * x[c as usize]).sum();
        *y = (sums[0] + sums[2]) + (sums[1] + sums[3]) + tail;
    }
}
