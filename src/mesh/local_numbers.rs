//! Local numbers of nodes or elements.

use rustc_hash::FxHashMap;

use crate::parallel::{GlobalIndex, LocalIndex};

/// Global numbers in one page. Nodes of neighbouring elements mostly have numbers that are near
/// each other, so that few pages are in use at a time.
const PAGE: usize = 32;
const UNSEEN: LocalIndex = LocalIndex::MAX;

/// Local numbers of nodes or elements, in the order in which they are added.
#[derive(Default)]
pub struct LocalNumbers {
    /// Position of each page.
    directory: FxHashMap<GlobalIndex, u32>,
    /// Local number of each item of a page.
    pages: Vec<[LocalIndex; PAGE]>,
    ids: Vec<GlobalIndex>,
}

impl LocalNumbers {
    /// Creates a list with room for `count` items.
    pub fn with_capacity(count: usize) -> Self {
        Self { ids: Vec::with_capacity(count), ..Self::default() }
    }

    /// Returns the local number of an item, and adds the item where it is new.
    pub fn add(&mut self, id: GlobalIndex) -> LocalIndex {
        let pages = &mut self.pages;
        let page = *self.directory.entry(id / PAGE as GlobalIndex).or_insert_with(|| {
            pages.push([UNSEEN; PAGE]);
            pages.len() as u32 - 1
        });
        let number = &mut pages[page as usize][(id % PAGE as GlobalIndex) as usize];
        if *number == UNSEEN {
            *number = self.ids.len() as LocalIndex;
            self.ids.push(id);
        }
        *number
    }

    /// Returns the local number of an item; none for one that was not added.
    pub fn find(&self, id: GlobalIndex) -> Option<LocalIndex> {
        let page = *self.directory.get(&(id / PAGE as GlobalIndex))?;
        let number = self.pages[page as usize][(id % PAGE as GlobalIndex) as usize];
        (number != UNSEEN).then_some(number)
    }

    /// Returns the global numbers of all items, in local order.
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
        let mut numbers = LocalNumbers::with_capacity(2);
        let far = u64::MAX - 1;
        assert_eq!([7, 0, 7, far, 31, 32, far].map(|node| numbers.add(node)), [0, 1, 0, 2, 3, 4, 2]);
        assert_eq!([31, 30, 64, far].map(|node| numbers.find(node)), [Some(3), None, None, Some(2)]);
        assert_eq!(numbers.into_ids(), [7, 0, far, 31, 32]);
    }
}
