//! Products of the slices of a matrix.

use multiversion::multiversion;

use crate::la::matrix::slices::{LANES, REACH, Slices};
use crate::la::{Scalar, Stored};
use crate::parallel::LocalIndex;

impl<T: Scalar, V: Stored<T>> Slices<T, V> {
    /// Overwrites `y` by the products of the rows, the first of which is `first`, with the owned
    /// entries of `x`, or subtracts them from it.
    pub fn product<const SUBTRACT: bool>(&self, first: usize, x: &[T], y: &mut [T]) {
        products::<T, V, SUBTRACT>(self, &x[first..], x, y);
    }
}

/// Computes the products of slices; `own` holds the entries of `x` at their rows.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn products<T: Scalar, V: Stored<T>, const SUBTRACT: bool>(all: &Slices<T, V>, own: &[T], x: &[T], y: &mut [T]) {
    let (mut diagonals, mut columns, mut values) = (&all.diagonals[..], &all.columns[..], &all.values[..]);
    let mut row_sums = all.row_sums.iter();
    // The last slice may lack rows.
    let (mut last, mut own_last) = ([T::default(); LANES], [T::default(); LANES]);
    let (own, own_rest) = own[..y.len()].as_chunks();
    let (y, rest) = y.as_chunks_mut();
    last[..rest.len()].copy_from_slice(rest);
    own_last[..rest.len()].copy_from_slice(own_rest);
    let rows = y.iter_mut().zip(own).chain([(&mut last, &own_last)]);
    for (slice, (y, own)) in all.slices.iter().zip(rows) {
        let (starts, later) = diagonals.split_at(slice.diagonals as usize);
        let (on_diagonals, following) = values.split_at(slice.diagonals as usize);
        let (others, following) = following.split_at(slice.others as usize);
        let (places, beyond) = columns.split_at(slice.others as usize * if slice.is_wide { 2 } else { 1 });
        (diagonals, values, columns) = (later, following, beyond);
        if !SUBTRACT {
            *y = [T::default(); LANES];
        }
        // Each part is added in memory: a sum of all parts is not kept in vector registers.
        add::<T, SUBTRACT>(y, diagonal_flows(on_diagonals, starts, own, x));
        if let Some(sums) = if slice.has_sums { row_sums.next() } else { None } {
            add::<T, SUBTRACT>(y, std::array::from_fn(|l| sums[l] * own[l]));
        }
        if !others.is_empty() {
            let x = &x[slice.base as usize..];
            // The fixed length of the first chunk removes the bounds checks.
            let flows = match (slice.is_wide, x.first_chunk::<REACH>()) {
                (true, _) => flows::<T, V, 2>(others, places, own, x),
                (false, Some(x)) => flows::<T, V, 1>(others, places, own, x),
                (false, None) => flows::<T, V, 1>(others, places, own, x),
            };
            add::<T, SUBTRACT>(y, flows);
        }
    }
    rest.copy_from_slice(&last[..rest.len()]);
}

/// Adds flows to `y` or subtracts them.
#[inline(always)]
fn add<T: Scalar, const SUBTRACT: bool>(y: &mut [T; LANES], flows: [T; LANES]) {
    for l in 0..LANES {
        if SUBTRACT { y[l] -= flows[l] } else { y[l] += flows[l] }
    }
}

/// Sums a_ij (x_j - x_i) over the diagonals of a slice, which begin in the columns `starts`.
#[inline(always)]
fn diagonal_flows<T: Scalar, V: Stored<T>>(
    values: &[[V; LANES]],
    starts: &[LocalIndex],
    own: &[T; LANES],
    x: &[T],
) -> [T; LANES] {
    let mut sums = [T::default(); LANES];
    for (values, &start) in values.iter().zip(starts) {
        if let Some(x) = x[start as usize..].first_chunk::<LANES>() {
            for l in 0..LANES {
                sums[l] += values[l].number() * (x[l] - own[l]);
            }
        }
    }
    sums
}

/// Sums a_ij (x_j - x_i) over the other entries of a slice, whose columns have `WIDTH` times 16
/// bits, the lower ones first.
#[inline(always)]
fn flows<T: Scalar, V: Stored<T>, const WIDTH: usize>(
    values: &[[V; LANES]],
    columns: &[[u16; LANES]],
    own: &[T; LANES],
    x: &[T],
) -> [T; LANES] {
    let mut sums = [T::default(); LANES];
    for (values, columns) in values.iter().zip(columns.as_chunks::<WIDTH>().0) {
        for l in 0..LANES {
            let column = columns.iter().rev().fold(0, |upper, part| REACH * upper + part[l] as usize);
            sums[l] += values[l].number() * (x[column] - own[l]);
        }
    }
    sums
}
