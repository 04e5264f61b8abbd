//! Nested dissection: an elimination order with little fill, from a tree of separators.
//!
//! A. George, *Nested dissection of a regular finite element mesh*, SIAM J. Numer. Anal. 10 (1973).
//! METIS bisects the graph (G. Karypis, V. Kumar, *A fast and high quality multilevel scheme for
//! partitioning irregular graphs*, SIAM J. Sci. Comput. 20 (1998)).

use metis::{Graph, option};

use crate::la::matrix::{Csr, entries};
use crate::system::run_metis;

/// Mean number of unknowns in a leaf: small leaves have little fill, large ones long columns.
const LEAF: usize = 24;

/// Binary tree of separators. Node 1 is the root. The unknowns of nodes `2 i` and `2 i + 1` and of
/// those below them are coupled only through the unknowns of node `i` and of those above it.
pub struct SeparatorTree {
    /// Number of nodes and one more, a power of two.
    pub nodes: usize,
    /// Node of each unknown.
    pub node: Vec<u32>,
}

impl SeparatorTree {
    /// Dissects the graph of the first `unknowns` rows of a symmetric matrix, given by its upper
    /// triangle.
    pub fn new(upper: &Csr<f64>, unknowns: usize) -> Self {
        let depth = (unknowns / LEAF).max(1).ilog2();
        let adjacency = Adjacency::new(upper, unknowns);
        let leaf: Vec<u32> = adjacency.bisect(1 << depth).into_iter().map(|part| (1 << depth) + part).collect();
        let mut node = leaf.clone();
        for level in (0..depth).rev() {
            let half = |unknown: usize| leaf[unknown] >> level;
            for i in 0..unknowns {
                let is_beyond = |&j: &i32| node[j as usize] == leaf[j as usize] && half(j as usize) == half(i) + 1;
                if node[i] == leaf[i] && half(i) % 2 == 0 && adjacency.around(i).iter().any(is_beyond) {
                    node[i] = half(i) / 2;
                }
            }
        }
        Self { nodes: 2 << depth, node }
    }

    /// Returns the nodes, each one after those below it.
    pub fn postorder(&self) -> Vec<usize> {
        // Reversed, each node precedes those below it.
        let mut order = Vec::with_capacity(self.nodes);
        let mut open = vec![1];
        while let Some(node) = open.pop() {
            order.push(node);
            open.extend([2 * node, 2 * node + 1].into_iter().filter(|&child| child < self.nodes));
        }
        order.reverse();
        order
    }
}

/// Graph of a matrix, in the form of METIS.
struct Adjacency {
    offsets: Vec<i32>,
    neighbours: Vec<i32>,
}

impl Adjacency {
    fn new(upper: &Csr<f64>, unknowns: usize) -> Self {
        let pairs = || {
            let rows = (0..unknowns).flat_map(|i| entries(upper, i).map(move |(j, _)| (i, j as usize)));
            rows.filter(move |&(i, j)| j != i && j < unknowns)
        };
        let mut offsets = vec![0; unknowns + 1];
        for i in pairs().flat_map(|(i, j)| [i, j]) {
            offsets[i + 1] += 1;
        }
        (0..unknowns).for_each(|i| offsets[i + 1] += offsets[i]);
        let mut next = offsets.clone();
        let mut neighbours = vec![0; offsets[unknowns] as usize];
        for (i, j) in pairs().flat_map(|(i, j)| [(i, j), (j, i)]) {
            neighbours[next[i] as usize] = j as i32;
            next[i] += 1;
        }
        Self { offsets, neighbours }
    }

    fn around(&self, i: usize) -> &[i32] {
        &self.neighbours[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// Bisects the graph recursively. Returns the part of each unknown; parts `2 i` and `2 i + 1`
    /// come from one bisection.
    fn bisect(&self, parts: i32) -> Vec<u32> {
        let unknowns = self.offsets.len() - 1;
        let mut part = vec![0; unknowns];
        let bisected = Graph::new(1, parts, &self.offsets, &self.neighbours)
            .map(|graph| run_metis(|| graph.set_option(option::Seed(0)).part_recursive(&mut part)));
        match bisected {
            Ok(Ok(_)) => part.into_iter().map(|p| p as u32).collect(),
            // Any parts are correct; those of METIS have less fill.
            _ => (0..unknowns).map(|i| (i * parts as usize / unknowns) as u32).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::la::matrix::local_rows;

    #[test]
    fn no_unknown_is_coupled_to_the_other_half() {
        // A grid of 40 x 40 unknowns.
        let n = 40;
        let right = |i: usize| (i % n + 1 < n).then_some(i + 1);
        let above = |i: usize| (i + n < n * n).then_some(i + n);
        let upper = local_rows(n * n, n * n, |i, row| {
            [right(i), above(i)].into_iter().flatten().for_each(|j| row.add(j as u32, -1.0));
        });
        let tree = SeparatorTree::new(&upper, n * n);
        let order = tree.postorder();
        assert_eq!(order.last(), Some(&1));
        assert_eq!(order.len() + 1, tree.nodes);
        let contains = |above: u32, below: u32| (0..32).any(|level| below >> level == above);
        for i in 0..n * n {
            for (j, _) in entries(&upper, i) {
                let (a, b) = (tree.node[i], tree.node[j as usize]);
                assert!(contains(a, b) || contains(b, a), "{a} and {b}");
            }
        }
        let separator = tree.node.iter().filter(|&&node| node == 1).count();
        assert!(separator <= 50, "{separator}");
    }
}
