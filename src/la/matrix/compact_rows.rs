//! Local matrix in compressed rows with 16-bit columns, for the transfers between levels.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::la::{Scalar, Stored};
use crate::parallel::{LocalIndex, loops};

/// Number of rows in a group.
const ROWS: usize = 8;
/// Number of different 16-bit columns.
const REACH: usize = 1 << u16::BITS;

/// Rows of a local matrix, for products, with values stored in numbers V. Columns take half the
/// memory that they take in [`Csr`](crate::la::matrix::Csr).
pub struct CompactRows<V>(Vec<Chunk<V>>);

/// At most [`loops::CHUNK`] consecutive rows.
struct Chunk<V> {
    groups: Vec<Group>,
    /// End of each row among the values.
    ends: Vec<u32>,
    /// Lower 16 bits of the columns, relative to the base of the group; in wide groups followed by
    /// the upper 16 bits.
    columns: Vec<u16>,
    values: Vec<V>,
}

/// Eight rows.
struct Group {
    /// Lowest column.
    base: LocalIndex,
    /// Whether a column needs more than 16 bits.
    is_wide: bool,
}

impl<V: Copy + Send + Sync> CompactRows<V> {
    /// Builds a matrix from the columns and values in each of its rows.
    pub fn new<I: Iterator<Item = (LocalIndex, V)>>(rows: usize, row: impl Fn(usize) -> I + Sync) -> Self {
        let chunks = loops::chunks(rows).map(|range| {
            let mut chunk = Chunk { groups: Vec::new(), ends: Vec::new(), columns: Vec::new(), values: Vec::new() };
            let mut columns = Vec::new();
            for first in range.clone().step_by(ROWS) {
                columns.clear();
                for i in first..range.end.min(first + ROWS) {
                    chunk.push_row(row(i), &mut columns);
                }
                chunk.end_group(&columns);
            }
            chunk
        });
        Self(chunks.collect())
    }

    /// Returns the bytes of the matrix.
    pub fn bytes(&self) -> usize {
        let bytes = |Chunk { groups, ends, columns, values }: &Chunk<V>| {
            size_of_val(&groups[..]) + size_of_val(&ends[..]) + size_of_val(&columns[..]) + size_of_val(&values[..])
        };
        self.0.iter().map(bytes).sum()
    }

    /// Overwrites `y` by the product with `x`.
    pub fn multiply<T: Scalar>(&self, x: &[T], y: &mut [T])
    where
        V: Stored<T>,
    {
        loops::update(y, |range, y| {
            let Chunk { groups, ends, columns, values } = &self.0[range.start / loops::CHUNK];
            products(groups, ends, columns, values, x, y);
            []
        });
    }
}

impl<V> Chunk<V> {
    /// Appends the values of a row to the chunk, and their columns to those of its group.
    fn push_row(&mut self, row: impl Iterator<Item = (LocalIndex, V)>, columns: &mut Vec<LocalIndex>) {
        for (column, value) in row {
            columns.push(column);
            self.values.push(value);
        }
        self.ends.push(self.values.len() as u32);
    }

    /// Appends the columns of a group.
    fn end_group(&mut self, columns: &[LocalIndex]) {
        let base = columns.iter().copied().min().unwrap_or(0);
        let is_wide = columns.iter().any(|column| (column - base) as usize >= REACH);
        self.columns.extend(columns.iter().map(|column| (column - base) as u16));
        if is_wide {
            self.columns.extend(columns.iter().map(|column| ((column - base) >> u16::BITS) as u16));
        }
        self.groups.push(Group { base, is_wide });
    }
}

/// Computes the products of the rows of a chunk.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn products<T: Scalar, V: Stored<T>>(
    groups: &[Group],
    ends: &[u32],
    mut columns: &[u16],
    values: &[V],
    x: &[T],
    y: &mut [T],
) {
    let mut start = 0;
    for ((Group { base, is_wide }, ends), y) in groups.iter().zip(ends.chunks(ROWS)).zip(y.chunks_mut(ROWS)) {
        let x = &x[*base as usize..];
        let first = start;
        let count = ends[ends.len() - 1] as usize - first;
        let (lower, rest) = columns.split_at(count);
        let (upper, rest) = rest.split_at(if *is_wide { count } else { 0 });
        columns = rest;
        for (y, &end) in y.iter_mut().zip(ends) {
            let (values, range) = (&values[start..end as usize], start - first..end as usize - first);
            start = end as usize;
            *y = if *is_wide {
                let column = |at: usize| lower[at] as usize + REACH * upper[at] as usize;
                range.zip(values).map(|(at, value)| value.number() * x[column(at)]).sum()
            } else {
                row(values, &lower[range], x)
            };
        }
    }
}

/// Computes the product of a row. Four partial sums hide the latency of the multiplications.
#[inline(always)]
fn row<T: Scalar, V: Stored<T>>(values: &[V], columns: &[u16], x: &[T]) -> T {
    let (fours, rest) = columns.as_chunks::<4>();
    let (value_fours, value_rest) = values.as_chunks::<4>();
    let mut sums = [T::default(); 4];
    for (columns, values) in fours.iter().zip(value_fours) {
        for i in 0..4 {
            sums[i] += values[i].number() * x[columns[i] as usize];
        }
    }
    let tail: T = rest.iter().zip(value_rest).map(|(&column, value)| value.number() * x[column as usize]).sum();
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::la::matrix::{Csr, entries};

    #[test]
    fn products_are_those_of_compressed_rows() {
        let (rows, columns) = (1003, 200_000);
        let (mut pointers, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in 0..rows {
            // Row 500 reaches far.
            for k in 0..row % 7 {
                indices.push((3 * row + k + if row == 500 { 50_000 * k } else { 0 }) as LocalIndex);
                values.push((row + 10 * k) as f64);
            }
            pointers.push(indices.len());
        }
        let matrix = Csr::new((rows, columns), pointers, indices, values);
        let compact = CompactRows::<f64>::new(rows, |row| entries(&matrix, row));
        assert_eq!(compact.0[0].groups.iter().filter(|group| group.is_wide).count(), 1);
        let x: Vec<f64> = (0..columns).map(|i| (0.37 * i as f64).sin()).collect();
        let mut y = vec![f64::NAN; rows];
        compact.multiply(&x, &mut y);
        for (row, y) in y.into_iter().enumerate() {
            let expected: f64 = entries(&matrix, row).map(|(column, value)| value * x[column as usize]).sum();
            assert!((y - expected).abs() <= 1e-12 * expected.abs().max(1.0), "row {row}");
        }
    }
}
