//! Owners of the elements or of the nodes of a rank.

use std::iter::repeat_n;
use std::ops::Index;

use crate::parallel::LocalIndex;

/// Rank that owns each item of a list, stored in runs: own items come first, and ghosts mostly in
/// groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// End of each run, and the rank that owns its items.
    runs: Vec<(LocalIndex, u32)>,
}

impl Owners {
    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |run| run.0 as usize)
    }

    /// Returns whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Iterates over the owners of all items.
    pub fn iter(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        let starts = std::iter::once(0).chain(self.runs.iter().map(|run| run.0));
        starts.zip(&self.runs).flat_map(|(start, &(end, rank))| repeat_n(rank, (end - start) as usize))
    }
}

impl Index<usize> for Owners {
    type Output = u32;

    fn index(&self, item: usize) -> &u32 {
        let run = match self.runs.first() {
            Some(own) if item < own.0 as usize => 0,
            _ => self.runs.partition_point(|run| run.0 as usize <= item),
        };
        &self.runs[run].1
    }
}

impl FromIterator<u32> for Owners {
    fn from_iter<I: IntoIterator<Item = u32>>(owners: I) -> Self {
        let mut runs: Vec<(LocalIndex, u32)> = Vec::new();
        for (owner, end) in owners.into_iter().zip(1..) {
            match runs.last_mut() {
                Some(last) if last.1 == owner => last.0 = end,
                _ => runs.push((end, owner)),
            }
        }
        Self { runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_has_its_owner() {
        for owners in [vec![], vec![3], vec![2, 2, 2, 0, 0, 5, 0]] {
            let stored: Owners = owners.iter().copied().collect();
            assert_eq!((stored.len(), stored.is_empty()), (owners.len(), owners.is_empty()));
            assert!(stored.iter().eq(owners.iter().copied()));
            assert!((0..owners.len()).all(|item| stored[item] == owners[item]));
        }
    }
}
