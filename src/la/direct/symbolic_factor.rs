//! Structure of a sparse Cholesky factor: the elimination order and the rows of the fronts.
//!
//! J. W. H. Liu, *The role of elimination trees in sparse factorization*, SIAM J. Matrix Anal.
//! Appl. 11 (1990).

use crate::la::direct::SeparatorTree;
use crate::la::matrix::{Csr, entries};

/// Matrix in its elimination order, with the structure of its factor.
pub struct SymbolicFactor {
    /// Unknown at each position; the kept unknowns come last.
    pub order: Vec<u32>,
    /// Number of kept unknowns.
    pub kept: usize,
    /// Start of each row in `entries`.
    starts: Vec<usize>,
    /// Upper triangle by rows: column and value.
    entries: Vec<(u32, f64)>,
    /// Fronts by their node in the tree.
    pub fronts: Vec<FrontRows>,
}

/// Rows of a front, as positions in the elimination order.
#[derive(Default)]
pub struct FrontRows {
    /// Position of the first eliminated unknown.
    pub first: usize,
    /// Number of eliminated unknowns.
    pub pivots: usize,
    /// Positions of the other rows, ascending.
    pub below: Vec<u32>,
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

    /// Returns the entries of a row of the upper triangle: column and value.
    pub fn row(&self, row: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
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
