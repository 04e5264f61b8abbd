//! Sparse Cholesky factorisation by the multifrontal method.
//!
//! I. S. Duff, J. K. Reid, *The multifrontal solution of indefinite sparse symmetric linear
//! equations*, ACM Trans. Math. Softw. 9 (1983); J. W. H. Liu, *The multifrontal method for sparse
//! matrix solution: theory and practice*, SIAM Review 34 (1992).
//!
//! The last unknowns of a matrix may be kept: the others are eliminated, and the Schur complement
//! of the kept ones is returned. The bits do not depend on the number of threads.

use crate::la::direct::SymbolicFactor;
use crate::la::direct::front::eliminate_columns;
use crate::la::direct::symbolic_factor::FrontRows;
use crate::parallel::work;

/// Cholesky factor of a sparse symmetric positive definite matrix.
pub struct SparseCholesky {
    order: Vec<u32>,
    kept: usize,
    /// Fronts in the order of elimination.
    fronts: Vec<Front>,
}

/// Columns of the factor that were eliminated in one front.
struct Front {
    /// Position of the first column.
    first: usize,
    /// Number of columns.
    pivots: usize,
    /// Positions of the rows behind the columns, ascending.
    below: Vec<u32>,
    /// Columns from the diagonal on, with the reciprocal of the pivot in the place of the diagonal.
    columns: Vec<f64>,
}

/// Contribution of a front to its parent: lower triangle of a matrix by columns of full length.
struct Update {
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl SparseCholesky {
    /// Factorises a matrix. Returns the factor and the Schur complement of the kept unknowns: its
    /// lower triangle by columns.
    pub fn new(matrix: SymbolicFactor) -> (Self, Vec<f64>) {
        let (fronts, update) = eliminate(&matrix, 1);
        let (kept, first) = (matrix.kept, matrix.order.len() - matrix.kept);
        let mut schur = vec![0.0; kept * kept];
        let mut add = |i: u32, j: u32, value: f64| schur[(j as usize - first) * kept + i as usize - first] += value;
        for (j, column) in update.columns() {
            update.rows.iter().zip(column).filter(|(i, _)| **i >= j).for_each(|(&i, value)| add(i, j, *value));
        }
        for row in first..matrix.order.len() {
            matrix.row(row).iter().for_each(|&(column, value)| add(column, row as u32, value));
        }
        let schur = joined((0..kept).map(|j| &schur[j * kept + j..(j + 1) * kept]));
        (Self { order: matrix.order, kept, fronts }, schur)
    }

    /// Returns the unknown at each position of the elimination order; the kept ones come last.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Returns the number of kept unknowns.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Eliminates the unknowns from a right-hand side in the elimination order, whose kept part
    /// then belongs to the Schur complement.
    pub fn forward(&self, y: &mut [f64]) {
        for front in &self.fronts {
            let mut sums = vec![0.0; front.below.len()];
            let end = front.first + front.pivots;
            for (k, column) in front.columns() {
                let value = y[k] * column[0];
                y[k] = value;
                let (near, far) = column[1..].split_at(end - k - 1);
                y[k + 1..end].iter_mut().zip(near).for_each(|(y, l)| *y -= l * value);
                sums.iter_mut().zip(far).for_each(|(sum, l)| *sum += l * value);
            }
            front.below.iter().zip(sums).for_each(|(&row, sum)| y[row as usize] -= sum);
        }
    }

    /// Solves for the eliminated unknowns, given the solution of the kept ones.
    pub fn backward(&self, y: &mut [f64]) {
        for front in self.fronts.iter().rev() {
            let known: Vec<f64> = front.below.iter().map(|&row| y[row as usize]).collect();
            let end = front.first + front.pivots;
            for (k, column) in front.columns().rev() {
                let (near, far) = column[1..].split_at(end - k - 1);
                let sum: f64 = near.iter().zip(&y[k + 1..end]).chain(far.iter().zip(&known)).map(|(l, y)| l * y).sum();
                y[k] = (y[k] - sum) * column[0];
            }
        }
    }
}

/// Eliminates the unknowns of a node and of those below it. Returns their fronts in the order of
/// elimination, and the contribution to the parent.
fn eliminate(matrix: &SymbolicFactor, node: usize) -> (Vec<Front>, Update) {
    let (mut fronts, children) = if 2 * node < matrix.fronts.len() {
        let ((mut fronts, left), (others, right)) =
            rayon::join(|| eliminate(matrix, 2 * node), || eliminate(matrix, 2 * node + 1));
        fronts.extend(others);
        (fronts, vec![left, right])
    } else {
        (Vec::new(), Vec::new())
    };
    let FrontRows { first, pivots, ref below } = matrix.fronts[node];
    let (end, size) = (first + pivots, pivots + below.len());
    let place = |row: u32| match row as usize {
        row if row < end => row - first,
        _ => pivots + below.partition_point(|&other| other < row),
    };
    let mut front = vec![0.0; size * size];
    let mut diagonal = vec![0.0; pivots];
    for k in 0..pivots {
        matrix.row(first + k).iter().for_each(|&(column, value)| front[k * size + place(column)] += value);
        diagonal[k] = front[k * size + k];
    }
    for child in children {
        let places: Vec<usize> = child.rows.iter().map(|&row| place(row)).collect();
        for (at, (_, column)) in child.columns().enumerate() {
            let target = &mut front[places[at] * size..(places[at] + 1) * size];
            places[at..].iter().zip(&column[at..]).for_each(|(&i, value)| target[i] += value);
        }
    }
    eliminate_columns(&mut front, size, &diagonal);
    work::done(pivots as u64);
    let values = joined((pivots..size).map(|k| &front[k * size + pivots..(k + 1) * size]));
    let columns = joined((0..pivots).map(|k| &front[k * size + k..(k + 1) * size]));
    fronts.push(Front { first, pivots, below: below.clone(), columns });
    (fronts, Update { rows: below.clone(), values })
}

impl Front {
    /// Iterates over the columns with their positions.
    fn columns(&self) -> impl DoubleEndedIterator<Item = (usize, &[f64])> {
        let size = self.pivots + self.below.len();
        // Column k follows those of size, size - 1, ... values.
        let start = move |k: usize| k * size - k * k.saturating_sub(1) / 2;
        (0..self.pivots).map(move |k| (self.first + k, &self.columns[start(k)..start(k + 1)]))
    }
}

impl Update {
    /// Iterates over the columns with their positions.
    fn columns(&self) -> impl Iterator<Item = (u32, &[f64])> {
        self.rows.iter().copied().zip(self.values.chunks(self.rows.len().max(1)))
    }
}

/// Joins lists into one of exactly their length.
fn joined<'a>(lists: impl Iterator<Item = &'a [f64]> + Clone) -> Vec<f64> {
    let mut all = Vec::with_capacity(lists.clone().map(<[f64]>::len).sum());
    lists.for_each(|list| all.extend_from_slice(list));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::la::matrix::{Csr, entries, local_rows};

    /// Side of a grid of unknowns.
    const N: usize = 30;

    /// Returns a second difference on the grid, with `across` as the ratio of its couplings.
    fn matrix(across: f64) -> Csr<f64> {
        local_rows(N * N, N * N, |i, row| {
            row.add(i as u32, 2.0 + 2.0 * across);
            if i % N + 1 < N {
                row.add(i as u32 + 1, -1.0);
            }
            if i + N < N * N {
                row.add((i + N) as u32, -across);
            }
        })
    }

    fn product(upper: &Csr<f64>, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; x.len()];
        for i in 0..x.len() {
            for (j, value) in entries(upper, i) {
                y[i] += value * x[j as usize];
                if j as usize != i {
                    y[j as usize] += value * x[i];
                }
            }
        }
        y
    }

    fn exact(i: usize) -> f64 {
        (i as f64).sin()
    }

    #[test]
    fn systems_are_solved_whatever_the_couplings() {
        for across in [1.0, 1e-6, 1e6] {
            let upper = matrix(across);
            let (factor, schur) = SparseCholesky::new(SymbolicFactor::new(&upper, 0));
            assert!(schur.is_empty());
            let b = product(&upper, &(0..N * N).map(exact).collect::<Vec<_>>());
            let mut y: Vec<f64> = factor.order().iter().map(|&i| b[i as usize]).collect();
            factor.forward(&mut y);
            factor.backward(&mut y);
            let errors = factor.order().iter().zip(&y).map(|(&i, y)| (y - exact(i as usize)).abs());
            assert!(errors.fold(0.0, f64::max) < 1e-10, "{across}");
        }
    }

    #[test]
    fn the_schur_complement_gives_the_kept_unknowns() {
        let (upper, kept) = (matrix(1.0), 3 * N);
        let symbolic = SymbolicFactor::new(&upper, kept);
        let predicted = symbolic.entries();
        let (factor, schur) = SparseCholesky::new(symbolic);
        let stored: usize = factor.fronts.iter().map(|front| front.columns.len()).sum();
        assert_eq!(predicted, stored + schur.len());
        let x: Vec<f64> = (0..N * N).map(exact).collect();
        let b = product(&upper, &x);
        let mut y: Vec<f64> = factor.order().iter().map(|&i| b[i as usize]).collect();
        factor.forward(&mut y);
        let first = N * N - kept;
        let at = |i: usize, j: usize| schur[j * kept - j * j.saturating_sub(1) / 2 + i - j];
        for i in 0..kept {
            let product: f64 = (0..kept).map(|j| at(i.max(j), i.min(j)) * x[first + j]).sum();
            assert!((product - y[first + i]).abs() < 1e-10);
        }
        y[first..].copy_from_slice(&x[first..]);
        factor.backward(&mut y);
        assert!(factor.order().iter().zip(&y).all(|(&i, y)| (y - x[i as usize]).abs() < 1e-10));
    }
}
