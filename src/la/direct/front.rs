//! Dense Cholesky factorisation of the first columns of a front.

use multiversion::multiversion;

/// Columns that are eliminated together.
const PANEL: usize = 32;
/// Smallest pivot relative to the diagonal entry; a smaller one is lost to rounding and replaced.
const SMALLEST: f64 = 1e-14;

/// Eliminates the first columns of a symmetric matrix with `size` rows, whose lower triangle is
/// stored by columns. `diagonal` holds the diagonal of the sparse matrix in these columns. Leaves
/// the reciprocals of the pivots on the diagonal, and the Schur complement in the other columns.
pub fn eliminate_columns(front: &mut [f64], size: usize, diagonal: &[f64]) {
    for start in (0..diagonal.len()).step_by(PANEL) {
        let end = diagonal.len().min(start + PANEL);
        let (panel, rest) = front.split_at_mut(end * size);
        let panel = &mut panel[start * size..];
        for k in start..end {
            let (column, others) = panel[(k - start) * size..].split_at_mut(size);
            let inverse = 1.0 / column[k].max(SMALLEST * diagonal[k]).sqrt();
            column[k] = inverse;
            column[k + 1..].iter_mut().for_each(|value| *value *= inverse);
            for (other, j) in others.chunks_exact_mut(size).zip(k + 1..) {
                let factor = column[j];
                other[j..].iter_mut().zip(&column[j..]).for_each(|(value, l)| *value -= factor * l);
            }
        }
        subtract_products(panel, rest, size, end);
    }
}

/// Subtracts the products of the panel's columns from the columns behind it, of which `rest` holds
/// all from number `first` on.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn subtract_products(panel: &[f64], rest: &mut [f64], size: usize, first: usize) {
    for (pair, j) in rest.chunks_mut(2 * size).zip((first..).step_by(2)) {
        let (left, right) = pair.split_at_mut(size);
        let left = &mut left[j..];
        let right = right.get_mut(j..).unwrap_or_default();
        // Four columns at a time hide the latency and spare loads of the target.
        let mut fours = panel.chunks_exact(4 * size);
        for four in &mut fours {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| &four[k * size + j..(k + 1) * size]);
            let l = [a[0], b[0], c[0], d[0]];
            for ((((value, a), b), c), d) in left.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *value -= l[0] * a + l[1] * b + l[2] * c + l[3] * d;
            }
            if !right.is_empty() {
                let l = [a[1], b[1], c[1], d[1]];
                for ((((value, a), b), c), d) in right.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *value -= l[0] * a + l[1] * b + l[2] * c + l[3] * d;
                }
            }
        }
        for column in fours.remainder().chunks_exact(size) {
            let column = &column[j..];
            left.iter_mut().zip(column).for_each(|(value, l)| *value -= column[0] * l);
            right.iter_mut().zip(column).for_each(|(value, l)| *value -= column[1] * l);
        }
    }
}
