//! Slices of eight rows of a matrix, whose entries lie side by side in the lanes of the vector
//! registers.
//!
//! Where most rows of a slice have an entry at the same distance from the diagonal, these entries
//! form a diagonal of the slice: their columns are consecutive, so that one number stands for eight
//! columns, and a product loads x without a gather. In Cuthill and McKee's order most entries lie
//! on such diagonals.

use std::ops::Range;

use crate::la::matrix::csr::{Csr, row_of};
use crate::la::{Scalar, Stored};
use crate::parallel::LocalIndex;

/// Number of rows in a slice.
pub const LANES: usize = 8;
/// Number of different 16-bit columns.
pub const REACH: usize = 1 << u16::BITS;
/// Fewest entries of a diagonal, which has room for eight.
const FEWEST: usize = 5;

/// Slices of consecutive rows for products in precision T, with values stored in numbers V.
pub struct Slices<T, V> {
    pub(super) slices: Vec<Slice>,
    /// Column of the first row in each diagonal.
    pub(super) diagonals: Vec<LocalIndex>,
    /// Lower 16 bits of the columns of the other entries, relative to the base of the slice; in
    /// wide slices followed by the upper 16 bits.
    pub(super) columns: Vec<[u16; LANES]>,
    /// Values of each slice: those of its diagonals, then the others.
    pub(super) values: Vec<[V; LANES]>,
    /// Sums of the rows of each slice that has any other than zero.
    pub(super) row_sums: Vec<[T; LANES]>,
}

/// Columns and values of the entries of each row of a slice beside its diagonals.
type Others<T> = [Vec<(LocalIndex, T)>; LANES];

/// Eight rows, filled up with zeros.
#[derive(Clone, Copy)]
pub struct Slice {
    /// Lowest column of the other entries.
    pub(super) base: LocalIndex,
    /// Number of diagonals.
    pub(super) diagonals: u32,
    /// Largest number of other entries of a row.
    pub(super) others: u32,
    /// Whether a column needs more than 16 bits.
    pub(super) is_wide: bool,
    /// Whether a row has a sum other than zero.
    pub(super) has_sums: bool,
}

impl<T: Scalar, V: Stored<T>> Slices<T, V> {
    /// Converts `rows` of a square matrix. `ghost_sums` holds, for each row, the sum of its entries
    /// in ghost columns and the sum of their absolute values.
    pub fn new(matrix: &Csr<f64>, rows: Range<usize>, ghost_sums: &[[f64; 2]]) -> Self {
        let mut slices = Self {
            slices: Vec::new(),
            diagonals: Vec::new(),
            columns: Vec::new(),
            values: Vec::new(),
            row_sums: Vec::new(),
        };
        for (first, ghost_sums) in rows.clone().step_by(LANES).zip(ghost_sums.chunks(LANES)) {
            slices.push(matrix, first..rows.end.min(first + LANES), ghost_sums);
        }
        slices
    }

    /// Appends a slice.
    fn push(&mut self, matrix: &Csr<f64>, rows: Range<usize>, ghost_sums: &[[f64; 2]]) {
        let (first, before, size) = (rows.start, self.diagonals.len(), matrix.cols());
        let mut lanes = [(&[][..], &[][..]); LANES];
        rows.zip(&mut lanes).for_each(|(row, lane)| *lane = row_of(matrix, row));
        let row_sums = std::array::from_fn(|l| row_sum(lanes[l].1, ghost_sums.get(l).copied().unwrap_or_default()));
        let mut others: Others<T> = Default::default();
        let [(columns, _), rest @ ..] = lanes;
        let is_moved = |((other, _), l): (&(&[LocalIndex], _), _)| {
            other.len() == columns.len() && columns.iter().zip(*other).all(|(column, other)| column + l == *other)
        };
        if rest.iter().zip(1..).all(is_moved) {
            // Mostly the rows have the columns of the first one, moved.
            for (at, &column) in columns.iter().enumerate() {
                self.place((first, column as usize + size - first), size, lanes.map(|lane| lane.1[at]), &mut others);
            }
            lanes = Default::default();
        }
        loop {
            // The column less the row, plus the size, of the next entry in each row.
            let next = |l: usize| lanes[l].0.first().map_or(usize::MAX, |column| *column as usize + size - (first + l));
            let shifts: [usize; LANES] = std::array::from_fn(next);
            let shift = shifts.into_iter().fold(usize::MAX, usize::min);
            if shift == usize::MAX {
                break;
            }
            let mut diagonal = [0.0; LANES];
            for l in (0..LANES).filter(|&l| shifts[l] == shift) {
                let (columns, values) = lanes[l];
                diagonal[l] = values[0];
                lanes[l] = (&columns[1..], &values[1..]);
            }
            self.place((first, shift), size, diagonal, &mut others);
        }
        let columns = || others.iter().flatten().map(|entry| entry.0);
        let base = columns().min().unwrap_or(0);
        let is_wide = columns().any(|column| (column - base) as usize >= REACH);
        let longest = others.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..longest {
            let entries = others.each_ref().map(|list| list.get(at).copied().unwrap_or((base, T::default())));
            self.columns.push(entries.map(|(column, _)| (column - base) as u16));
            if is_wide {
                self.columns.push(entries.map(|(column, _)| ((column - base) >> u16::BITS) as u16));
            }
            self.values.push(entries.map(|(_, value)| V::rounded(value)));
        }
        let has_sums = row_sums != [0.0; LANES];
        if has_sums {
            self.row_sums.push(row_sums.map(T::of));
        }
        let diagonals = (self.diagonals.len() - before) as u32;
        self.slices.push(Slice { base, diagonals, others: longest as u32, is_wide, has_sums });
    }

    /// Appends the entries of the rows from `first` on whose column less the row, plus the `size`
    /// of the matrix, is `shift`: a diagonal where they are enough, and `others` where not. Those
    /// on the diagonal of the matrix are left out.
    fn place(&mut self, (first, shift): (usize, usize), size: usize, diagonal: [f64; LANES], others: &mut Others<T>) {
        if shift == size {
            return;
        }
        let entries = diagonal.into_iter().enumerate().filter(|(_, value)| *value != 0.0);
        let start = (first + shift).checked_sub(size).filter(|start| start + LANES <= size);
        match start.filter(|_| entries.clone().count() >= FEWEST) {
            Some(start) => {
                self.diagonals.push(start as LocalIndex);
                self.values.push(diagonal.map(|value| V::rounded(T::of(value))));
            }
            None => entries.for_each(|(l, value)| {
                others[l].push(((first + l + shift - size) as LocalIndex, T::of(value)));
            }),
        }
    }

    /// Returns the bytes of the slices.
    pub fn bytes(&self) -> usize {
        let Self { slices, diagonals, columns, values, row_sums } = self;
        let places = size_of_val(&slices[..]) + size_of_val(&diagonals[..]) + size_of_val(&columns[..]);
        places + size_of_val(&values[..]) + size_of_val(&row_sums[..])
    }

    /// Returns the sum of each row less its entries off the diagonal in owned columns, and zeros in
    /// place of the missing rows of the last slice.
    pub fn diagonal(&self) -> Vec<f64> {
        let (mut values, mut row_sums) = (&self.values[..], self.row_sums.iter());
        let mut diagonal = Vec::with_capacity(LANES * self.slices.len());
        for slice in &self.slices {
            let (now, rest) = values.split_at((slice.diagonals + slice.others) as usize);
            values = rest;
            let sums: [T; LANES] = if slice.has_sums { row_sums.next() } else { None }.copied().unwrap_or_default();
            let lane = |l: usize| sums[l].double() - now.iter().map(|values| values[l].number().double()).sum::<f64>();
            diagonal.extend((0..LANES).map(lane));
        }
        diagonal
    }
}

/// Returns the sum of a row with these values, or 0 if it is a rounding error; `ghosts` holds the
/// sum of its other entries and that of their absolute values.
fn row_sum(values: &[f64], ghosts: [f64; 2]) -> f64 {
    let [sum, size] = values.iter().fold(ghosts, |[sum, size], value| [sum + value, size + value.abs()]);
    if sum.abs() > 4.0 * f64::EPSILON * size { sum } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;
    use crate::la::matrix::csr::entries;
    use crate::parallel::loops;

    /// Builds the rows of a ring of 70,001 unknowns with weights, in which the first and the last
    /// rows reach further than 16 bits, and every 100th row has an entry of its own.
    fn ring() -> Csr<f64> {
        let n = 70_001;
        let (mut pointers, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            let mut row = vec![((i + n - 1) % n, -0.25), (i, 1.0 + 1e-3 * (i % 7) as f64), ((i + 1) % n, -0.75)];
            if i % 100 == 50 {
                row.push((i - 20, 0.125));
            }
            row.sort_by_key(|entry| entry.0);
            columns.extend(row.iter().map(|entry| entry.0 as LocalIndex));
            values.extend(row.iter().map(|entry| entry.1));
            pointers.push(columns.len());
        }
        Csr::new((n, n), pointers, columns, values)
    }

    #[test]
    fn rounded_values_map_constants_to_row_sums() {
        let matrix = ring();
        let n = matrix.rows();
        let mut y = vec![0.0; n];
        Slices::<f32, u16>::new(&matrix, 0..n, &vec![[0.0; 2]; n]).product::<false>(0, &vec![2.0; n], &mut y);
        assert!((0..n).all(|row| y[row] == 2.0 * row_sum(row_of(&matrix, row).1, [0.0; 2]) as f32));
    }

    #[test]
    fn products_are_those_of_compressed_rows() {
        let matrix = ring();
        let n = matrix.rows();
        let x: Vec<f64> = (0..n).map(|i| (0.37 * i as f64).sin()).collect();
        let mut y = vec![f64::NAN; n];
        let mut residual = vec![1.0; n];
        let (mut wide, mut others) = (0, 0);
        for range in loops::chunks(n).collect::<Vec<_>>() {
            let chunk = Slices::<f64, f64>::new(&matrix, range.clone(), &vec![[0.0; 2]; range.len()]);
            chunk.product::<false>(range.start, &x, &mut y[range.clone()]);
            chunk.product::<true>(range.start, &x, &mut residual[range.clone()]);
            wide += chunk.slices.iter().filter(|slice| slice.is_wide).count();
            others += chunk.slices.iter().filter(|slice| slice.others > 0).count();
            for (row, entry) in range.zip(chunk.diagonal()) {
                assert!((entry - matrix.get(row, row).copied().unwrap_or_default()).abs() < 1e-15);
            }
        }
        assert_eq!((wide, others), (2, 702));
        for row in 0..n {
            let expected: f64 = entries(&matrix, row).map(|(column, value)| value * x[column as usize]).sum();
            assert!((y[row] - expected).abs() < 1e-14 && (residual[row] - 1.0 + expected).abs() < 1e-14, "row {row}");
        }
    }
}
