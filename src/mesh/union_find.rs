//! Disjoint sets of numbers that are joined pair by pair (union-find with path halving).
//!
//! R. E. Tarjan, J. van Leeuwen, *Worst-case analysis of set union algorithms*, J. ACM 31 (1984).

/// Disjoint sets of the numbers 0 to n - 1. The lowest number of a set is its root.
pub struct UnionFind {
    /// Each number points to a lower one of its set, a root to itself.
    parents: Vec<u32>,
}

impl UnionFind {
    /// Creates n sets of one number each.
    pub fn new(n: usize) -> Self {
        Self { parents: (0..n as u32).collect() }
    }

    /// Returns a number of the same set, the root or one closer to it.
    pub fn parent(&self, i: u32) -> u32 {
        self.parents[i as usize]
    }

    /// Returns the root of a number's set.
    pub fn root(&mut self, mut i: u32) -> u32 {
        while self.parent(i) != i {
            let halved = self.parent(self.parent(i));
            self.parents[i as usize] = halved;
            i = halved;
        }
        i
    }

    /// Joins the sets of two numbers. Returns the root of their union.
    pub fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b) as usize] = a.min(b);
        a.min(b)
    }

    /// Numbers the sets by their roots. Returns the set of each number and the number of sets.
    pub fn numbered(self) -> (Vec<u32>, usize) {
        let mut sets = self.parents;
        let mut count = 0;
        for i in 0..sets.len() {
            // A parent comes before its children, so that it has its set when they need it.
            sets[i] = if sets[i] as usize == i {
                count += 1;
                count - 1
            } else {
                sets[sets[i] as usize]
            };
        }
        (sets, count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_numbers_share_a_set() {
        let mut sets = UnionFind::new(7);
        for [a, b] in [[5, 3], [6, 5], [2, 0], [3, 6]] {
            sets.join(a, b);
        }
        assert_eq!((sets.root(6), sets.root(2), sets.root(4)), (3, 0, 4));
        assert_eq!(sets.numbered(), (vec![0, 1, 0, 2, 3, 2, 2], 4));
    }
}
