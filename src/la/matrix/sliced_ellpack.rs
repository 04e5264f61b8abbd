//! Square distributed matrix in sliced ELLPACK: slices of eight rows, whose entries lie side by
//! side in the lanes of the vector registers.
//!
//! A. Monakov, A. Lokhmotov, A. Avetisyan, *Automatically tuning sparse matrix-vector
//! multiplication for GPU architectures*, HiPEAC 2010.
//!
//! A product is computed in difference form: entry i is s_i x_i plus the sum of a_ij (x_j - x_i)
//! over j, where s_i is the sum of row i in double precision. Constants are thus mapped exactly,
//! also in single precision.

use std::rc::Rc;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::la::matrix::csr::{Csr, DistributedCsr, bytes, entries};
use crate::la::{LinearOperator, Scalar, Step, Vector, step_again};
use crate::parallel::{Halo, LocalIndex, loops};

/// Number of rows in a slice.
const LANES: usize = 8;
/// Number of different 16-bit columns.
const REACH: usize = 1 << u16::BITS;

/// Rows of a square distributed matrix owned by one rank, for fast products.
pub struct SlicedEllpack<T> {
    halo: Rc<Halo>,
    /// Owned columns of the rows, in chunks of [`loops::CHUNK`].
    chunks: Vec<Chunk<T>>,
    /// Entries in ghost columns; row `i` is row `ghost_rows[i]` of the rank.
    ghost: Csr<T>,
    ghost_rows: Vec<LocalIndex>,
}

/// Slices of consecutive rows.
#[derive(Default)]
struct Chunk<T> {
    slices: Vec<Slice>,
    /// Lower 16 bits of the columns, relative to the base of the slice; in wide slices followed by
    /// the upper 16 bits.
    columns: Vec<[u16; LANES]>,
    values: Vec<[T; LANES]>,
    /// Sum of each row, with its ghost columns.
    row_sums: Vec<T>,
}

/// Eight rows, filled up with zeros on their diagonal.
#[derive(Clone, Copy)]
struct Slice {
    /// Lowest column.
    base: LocalIndex,
    /// Number of entries off the diagonal in the longest row.
    width: u32,
    /// Whether a column needs more than 16 bits.
    is_wide: bool,
}

impl<T: Scalar> SlicedEllpack<T> {
    /// Converts a square matrix.
    pub fn new(matrix: &DistributedCsr) -> Self {
        let (owned, ghost, ghost_rows) = matrix.local().parts();
        let mut sums: Vec<f64> = vec![0.0; owned.rows()];
        loops::update(&mut sums, |range, sums| {
            sums.iter_mut().zip(range).for_each(|(sum, row)| *sum = entries(owned, row).map(|entry| entry.1).sum());
            []
        });
        for (at, &row) in ghost_rows.iter().enumerate() {
            sums[row as usize] += entries(ghost, at).map(|entry| entry.1).sum::<f64>();
        }
        let chunks = loops::chunks(owned.rows())
            .map(|range| {
                let mut chunk = Chunk::default();
                chunk.row_sums.extend(sums[range.clone()].iter().map(|sum| T::of(*sum)));
                range.clone().step_by(LANES).for_each(|row| chunk.push(owned, row..range.end.min(row + LANES)));
                chunk
            })
            .collect();
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

impl<T: Scalar> LinearOperator<T> for SlicedEllpack<T> {
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
        let owned = self.chunks.iter().map(|Chunk { slices, columns, values, row_sums }| {
            let lanes = size_of_val(&columns[..]) + size_of_val(&values[..]);
            lanes + size_of_val(&slices[..]) + size_of_val(&row_sums[..])
        });
        owned.sum::<usize>() + bytes(&self.ghost)
    }

    fn diagonal(&self) -> Vec<f64> {
        let ghost = self.ghost_rows.iter().enumerate();
        let mut diagonal: Vec<f64> = self.chunks.iter().flat_map(Chunk::diagonal).collect();
        for (at, &row) in ghost {
            diagonal[row as usize] -= entries(&self.ghost, at).map(|entry| entry.1.double()).sum::<f64>();
        }
        diagonal
    }

    fn precise_residual(&self, _b: &[T], _x: &mut Vector<T>, _low: &mut Vector<T>, _r: &mut Vector<T>) -> bool {
        false
    }
}

impl<T: Scalar> Chunk<T> {
    /// Appends a slice.
    fn push(&mut self, matrix: &Csr<f64>, rows: std::ops::Range<usize>) {
        let off_diagonal =
            |row: usize| entries(matrix, row).filter(move |&(column, value)| column as usize != row && value != 0.0);
        let first = rows.start as LocalIndex;
        let (mut width, mut base, mut last) = (0, first, rows.end as LocalIndex - 1);
        for row in rows.clone() {
            let mut length = 0;
            for (column, _) in off_diagonal(row) {
                (length, base, last) = (length + 1, base.min(column), last.max(column));
            }
            width = width.max(length);
        }
        let is_wide = (last - base) as usize >= REACH;
        let own = std::array::from_fn(|l| (first + l as LocalIndex).min(rows.end as LocalIndex - 1) - base);
        let mut columns: Vec<[LocalIndex; LANES]> = vec![own; width];
        let start = self.values.len();
        self.values.resize(start + width, [T::default(); LANES]);
        for (l, row) in rows.enumerate() {
            for (at, (column, value)) in off_diagonal(row).enumerate() {
                columns[at][l] = column - base;
                self.values[start + at][l] = T::of(value);
            }
        }
        for columns in columns {
            self.columns.push(columns.map(|column| column as u16));
            if is_wide {
                self.columns.push(columns.map(|column| (column >> u16::BITS) as u16));
            }
        }
        self.slices.push(Slice { base, width: width as u32, is_wide });
    }

    /// Returns the sum of each row less its entries off the diagonal in owned columns.
    fn diagonal(&self) -> Vec<f64> {
        let mut values = &self.values[..];
        let mut diagonal: Vec<f64> = self.row_sums.iter().map(|sum| sum.double()).collect();
        for (slice, diagonal) in self.slices.iter().zip(diagonal.chunks_mut(LANES)) {
            let (now, rest) = values.split_at(slice.width as usize);
            values = rest;
            for (l, entry) in diagonal.iter_mut().enumerate() {
                *entry -= now.iter().map(|values| values[l].double()).sum::<f64>();
            }
        }
        diagonal
    }

    /// Overwrites `y` by the products of the rows from `first` on with the owned entries of `x`, or
    /// subtracts them from it.
    fn product<const SUBTRACT: bool>(&self, first: usize, x: &[T], y: &mut [T]) {
        let Self { slices, columns, values, row_sums } = self;
        products::<T, SUBTRACT>(slices, columns, values, row_sums, &x[first..], x, y);
    }
}

/// Computes the products of slices; `own` holds the entries of `x` at their rows.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn products<T: Scalar, const SUBTRACT: bool>(
    slices: &[Slice],
    mut columns: &[[u16; LANES]],
    mut values: &[[T; LANES]],
    row_sums: &[T],
    own: &[T],
    x: &[T],
    y: &mut [T],
) {
    for (slice, ((y, own), row_sums)) in
        slices.iter().zip(y.chunks_mut(LANES).zip(own.chunks(LANES)).zip(row_sums.chunks(LANES)))
    {
        let width = slice.width as usize;
        let (now, rest) = values.split_at(width);
        let (numbers, others) = columns.split_at(if slice.is_wide { 2 * width } else { width });
        (values, columns) = (rest, others);
        let x = &x[slice.base as usize..];
        let mut at = [T::default(); LANES];
        at[..y.len()].copy_from_slice(&own[..y.len()]);
        // The fixed length of the first chunk removes the bounds checks.
        let flows = match (slice.is_wide, x.first_chunk::<REACH>()) {
            (true, _) => wide_flows(now, numbers, &at, x),
            (false, Some(x)) => flows(now, numbers, &at, x),
            (false, None) => flows(now, numbers, &at, x),
        };
        for l in 0..y.len() {
            let product = row_sums[l] * at[l] + flows[l];
            if SUBTRACT { y[l] -= product } else { y[l] = product }
        }
    }
}

/// Sums a_ij (x_j - x_i) over j for the rows of a slice.
#[inline(always)]
fn flows<T: Scalar>(values: &[[T; LANES]], columns: &[[u16; LANES]], own: &[T; LANES], x: &[T]) -> [T; LANES] {
    let mut sums = [T::default(); LANES];
    for (values, columns) in values.iter().zip(columns) {
        for l in 0..LANES {
            sums[l] += values[l] * (x[columns[l] as usize] - own[l]);
        }
    }
    sums
}

/// Sums as [`flows`] does, for columns of 32 bits.
#[inline(always)]
fn wide_flows<T: Scalar>(values: &[[T; LANES]], columns: &[[u16; LANES]], own: &[T; LANES], x: &[T]) -> [T; LANES] {
    let mut sums = [T::default(); LANES];
    for (values, columns) in values.iter().zip(columns.chunks_exact(2)) {
        for l in 0..LANES {
            let column = columns[0][l] as usize + REACH * columns[1][l] as usize;
            sums[l] += values[l] * (x[column] - own[l]);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the rows of a ring of 70,001 unknowns with weights, in which the first and the last rows
    /// reach further than 16 bits.
    fn ring() -> Csr<f64> {
        let n = 70_001;
        let (mut pointers, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            let mut row = [((i + n - 1) % n, -0.25), (i, 1.0 + 1e-3 * (i % 7) as f64), ((i + 1) % n, -0.75)];
            row.sort_by_key(|entry| entry.0);
            columns.extend(row.map(|entry| entry.0 as LocalIndex));
            values.extend(row.map(|entry| entry.1));
            pointers.push(columns.len());
        }
        Csr::new((n, n), pointers, columns, values)
    }

    #[test]
    fn products_are_those_of_compressed_rows() {
        let matrix = ring();
        let n = matrix.rows();
        let sums: Vec<f64> = (0..n).map(|row| entries(&matrix, row).map(|entry| entry.1).sum()).collect();
        let x: Vec<f64> = (0..n).map(|i| (0.37 * i as f64).sin()).collect();
        let mut y = vec![f64::NAN; n];
        let mut residual = vec![1.0; n];
        let mut wide = 0;
        for range in loops::chunks(n).collect::<Vec<_>>() {
            let mut chunk = Chunk::<f64>::default();
            chunk.row_sums.extend_from_slice(&sums[range.clone()]);
            range.clone().step_by(LANES).for_each(|row| chunk.push(&matrix, row..range.end.min(row + LANES)));
            chunk.product::<false>(range.start, &x, &mut y[range.clone()]);
            chunk.product::<true>(range.start, &x, &mut residual[range.clone()]);
            wide += chunk.slices.iter().filter(|slice| slice.is_wide).count();
            for (row, entry) in range.zip(chunk.diagonal()) {
                assert!((entry - matrix.get(row, row).copied().unwrap_or_default()).abs() < 1e-15);
            }
        }
        assert_eq!(wide, 2);
        for row in 0..n {
            let expected: f64 = entries(&matrix, row).map(|(column, value)| value * x[column as usize]).sum();
            assert!((y[row] - expected).abs() < 1e-14 && (residual[row] - 1.0 + expected).abs() < 1e-14, "row {row}");
        }
    }
}
