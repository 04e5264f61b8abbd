//! Local numbers of nodes.

use rustc_hash::FxHashMap;

use crate::parallel::{GlobalIndex, LocalIndex};

/// Global numbers in one page. Nodes of neighbouring elements mostly have numbers that are near
/// each other, so that few pages are in use at a time.
const PAGE: usize = 32;
const UNSEEN: LocalIndex = LocalIndex::MAX;

/// Nodes, numbered in the order in which they are added.
#[derive(Default)]
pub struct NodeNumbers {
    /// Position of each page.
    directory: FxHashMap<GlobalIndex, u32>,
    /// Local number of each node of a page.
    pages: Vec<[LocalIndex; PAGE]>,
    ids: Vec<GlobalIndex>,
}

impl NodeNumbers {
    /// Creates a list with room for `nodes` nodes.
    pub fn with_capacity(nodes: usize) -> Self {
        Self { ids: Vec::with_capacity(nodes), ..Self::default() }
    }

    /// Returns the local number of a node, and adds the node where it is new.
    pub fn add(&mut self, node: GlobalIndex) -> LocalIndex {
        let pages = &mut self.pages;
        let page = *self.directory.entry(node / PAGE as GlobalIndex).or_insert_with(|| {
            pages.push([UNSEEN; PAGE]);
            pages.len() as u32 - 1
        });
        let number = &mut pages[page as usize][(node % PAGE as GlobalIndex) as usize];
        if *number == UNSEEN {
            *number = self.ids.len() as LocalIndex;
            self.ids.push(node);
        }
        *number
    }

    /// Returns the global numbers of all nodes, in local order.
    pub fn ids(&self) -> &[GlobalIndex] {
        &self.ids
    }

    /// Converts into the list of global numbers.
    pub fn into_ids(self) -> Vec<GlobalIndex> {
        self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_as_they_come() {
        let mut numbers = NodeNumbers::with_capacity(2);
        let far = u64::MAX - 1;
        assert_eq!([7, 0, 7, far, 31, 32, far].map(|node| numbers.add(node)), [0, 1, 0, 2, 3, 4, 2]);
        assert_eq!(numbers.into_ids(), [7, 0, far, 31, 32]);
    }
}
