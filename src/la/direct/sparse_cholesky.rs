//! Sparse Cholesky factorisation by the multifrontal method.
//!
//! I. S. Duff, J. K. Reid, *The multifrontal solution of indefinite sparse symmetric linear
//! equations*, ACM Trans. Math. Softw. 9 (1983); J. W. H. Liu, *The multifrontal method for sparse
//! matrix solution: theory and practice*, SIAM Review 34 (1992).
//!
//! The last unknowns of a matrix may be kept: the others are eliminated, and the Schur complement
//! of the kept ones is returned. The bits do not depend on the number of threads.

use crate::la::direct::SeparatorTree;
use crate::la::direct::front::eliminate;
use crate::la::matrix::{Csr, entries};

/// Matrix in its elimination order, with the structure of its factor.
pub struct SymbolicFactor {
    /// Unknown at each position; the kept unknowns come last.
    order: Vec<u32>,
    kept: usize,
    /// Start of each row in `entries`.
    starts: Vec<usize>,
    /// Upper triangle by rows: column and value.
    entries: Vec<(u32, f64)>,
    /// Fronts by their node in the tree.
    fronts: Vec<FrontRows>,
}

/// Rows of a front, as positions in the elimination order.
#[derive(Default)]
struct FrontRows {
    /// Position of the first eliminated unknown.
    first: usize,
    /// Number of eliminated unknowns.
    pivots: usize,
    /// Positions of the other rows, ascending.
    below: Vec<u32>,
}

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
#[derive(Default)]
struct Update {
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl SymbolicFactor {
    /// Orders a symmetric matrix, given by its upper triangle, for the elimination of all but the
    /// last `kept` unknowns.
    pub fn new(upper: &Csr<f64>, kept: usize) -> Self {
        let unknowns = upper.rows();
        let tree = SeparatorTree::new(upper, unknowns - kept);
        let postorder = tree.postorder();
        let mut step = vec![0; tree.nodes];
        postorder.iter().zip(0_u32..).for_each(|(&node, at)| step[node] = at);
        let mut order: Vec<u32> = (0..unknowns as u32).collect();
        order[..unknowns - kept].sort_by_key(|&unknown| step[tree.node[unknown as usize] as usize]);
        let (starts, entries) = permuted(upper, &order);

        let mut fronts: Vec<FrontRows> = (0..tree.nodes).map(|_| FrontRows::default()).collect();
        let mut first = 0;
        for node in postorder {
            let is_here = |&&unknown: &&u32| tree.node[unknown as usize] as usize == node;
            let pivots = order[first..unknowns - kept].iter().take_while(is_here).count();
            let end = first + pivots;
            let children = fronts.get(2 * node..2 * node + 2).unwrap_or_default();
            let coupled = children.iter().flat_map(|child| child.below.iter().copied());
            let own = entries[starts[first]..starts[end]].iter().map(|entry| entry.0);
            let mut below: Vec<u32> = coupled.chain(own).filter(|&row| row as usize >= end).collect();
            below.sort_unstable();
            below.dedup();
            fronts[node] = FrontRows { first, pivots, below };
            first = end;
        }
        Self { order, kept, starts, entries, fronts }
    }

    /// Returns the number of values in the factor and in the Schur complement.
    pub fn entries(&self) -> usize {
        let triangle = |n: usize| n * (n + 1) / 2;
        let columns = |front: &FrontRows| triangle(front.pivots) + front.pivots * front.below.len();
        let factor: usize = self.fronts.iter().map(columns).sum();
        factor + triangle(self.kept)
    }

    /// Factorises the matrix. Returns the factor and the Schur complement of the kept unknowns: its
    /// lower triangle by columns.
    pub fn factorise(self) -> (SparseCholesky, Vec<f64>) {
        let (fronts, update) = self.eliminate(1);
        let (kept, first) = (self.kept, self.order.len() - self.kept);
        let mut schur = vec![0.0; kept * kept];
        let mut add = |i: u32, j: u32, value: f64| schur[(j as usize - first) * kept + i as usize - first] += value;
        for (j, column) in update.columns() {
            update.rows.iter().zip(column).filter(|(i, _)| **i >= j).for_each(|(&i, value)| add(i, j, *value));
        }
        for row in first..self.order.len() {
            self.row(row).iter().for_each(|&(column, value)| add(column, row as u32, value));
        }
        let schur = (0..kept).flat_map(|j| schur[j * kept + j..(j + 1) * kept].iter().copied()).collect();
        (SparseCholesky { order: self.order, kept, fronts }, schur)
    }

    /// Eliminates the unknowns of a node and of those below it. Returns their fronts in the order of
    /// elimination, and the contribution to the parent.
    fn eliminate(&self, node: usize) -> (Vec<Front>, Update) {
        let (mut fronts, children) = if 2 * node < self.fronts.len() {
            let ((mut fronts, left), (others, right)) =
                rayon::join(|| self.eliminate(2 * node), || self.eliminate(2 * node + 1));
            fronts.extend(others);
            (fronts, vec![left, right])
        } else {
            (Vec::new(), Vec::new())
        };
        let FrontRows { first, pivots, ref below } = self.fronts[node];
        let (end, size) = (first + pivots, pivots + below.len());
        let place = |row: u32| match row as usize {
            row if row < end => row - first,
            _ => pivots + below.partition_point(|&other| other < row),
        };
        let mut front = vec![0.0; size * size];
        let mut diagonal = vec![0.0; pivots];
        for k in 0..pivots {
            self.row(first + k).iter().for_each(|&(column, value)| front[k * size + place(column)] += value);
            diagonal[k] = front[k * size + k];
        }
        for child in children {
            let places: Vec<usize> = child.rows.iter().map(|&row| place(row)).collect();
            for (at, (_, column)) in child.columns().enumerate() {
                let target = &mut front[places[at] * size..(places[at] + 1) * size];
                places[at..].iter().zip(&column[at..]).for_each(|(&i, value)| target[i] += value);
            }
        }
        eliminate(&mut front, size, &diagonal);
        let values = (pivots..size).flat_map(|k| front[k * size + pivots..(k + 1) * size].iter().copied()).collect();
        let update = Update { rows: below.clone(), values };
        let columns = (0..pivots).flat_map(|k| front[k * size + k..(k + 1) * size].iter().copied()).collect();
        fronts.push(Front { first, pivots, below: below.clone(), columns });
        (fronts, update)
    }

    /// Returns the entries of a row of the upper triangle: column and value.
    fn row(&self, row: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }
}

impl Update {
    /// Iterates over the columns with their positions.
    fn columns(&self) -> impl Iterator<Item = (u32, &[f64])> {
        self.rows.iter().copied().zip(self.values.chunks(self.rows.len().max(1)))
    }
}

/// Permutes a symmetric matrix, given by its upper triangle. Returns the upper triangle of the
/// result: the start of each row, and columns with values.
fn permuted(upper: &Csr<f64>, order: &[u32]) -> (Vec<usize>, Vec<(u32, f64)>) {
    let mut position = vec![0; order.len()];
    order.iter().zip(0_u32..).for_each(|(&unknown, at)| position[unknown as usize] = at);
    let all = || {
        (0..order.len()).flat_map(|i| entries(upper, i).map(move |(j, value)| (i, j, value))).map(|(i, j, value)| {
            let [a, b] = [position[i], position[j as usize]];
            (a.min(b) as usize, a.max(b), value)
        })
    };
    let mut starts = vec![0; order.len() + 1];
    all().for_each(|(row, _, _)| starts[row + 1] += 1);
    (0..order.len()).for_each(|row| starts[row + 1] += starts[row]);
    let mut next = starts.clone();
    let mut permuted = vec![(0, 0.0); upper.nnz()];
    for (row, column, value) in all() {
        permuted[next[row]] = (column, value);
        next[row] += 1;
    }
    (starts, permuted)
}

impl SparseCholesky {
    /// Returns the unknown at each position of the elimination order; the kept ones come last.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Returns the number of kept unknowns.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Eliminates the unknowns from a right-hand side in the elimination order, whose kept part then
    /// belongs to the Schur complement.
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

impl Front {
    /// Iterates over the columns with their positions.
    fn columns(&self) -> impl DoubleEndedIterator<Item = (usize, &[f64])> {
        let size = self.pivots + self.below.len();
        // Column k follows those of size, size - 1, ... values.
        let start = move |k: usize| k * size - k * k.saturating_sub(1) / 2;
        (0..self.pivots).map(move |k| (self.first + k, &self.columns[start(k)..start(k + 1)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::la::matrix::local_rows;

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
            let (factor, schur) = SymbolicFactor::new(&upper, 0).factorise();
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
        let (factor, schur) = symbolic.factorise();
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
