//! Elements around each node.

use crate::parallel::LocalIndex;

/// Elements around each node, with the position of the node in each.
pub struct Adjacency<const N: usize> {
    offsets: Vec<u32>,
    entries: Vec<u32>,
}

impl<const N: usize> Adjacency<N> {
    /// Collects the elements around nodes `0..nodes`, ascending for each node; other nodes are
    /// ignored.
    pub fn new(elements: &[[LocalIndex; N]], nodes: usize) -> Self {
        let mut offsets = vec![0_u32; nodes + 1];
        for &node in elements.iter().flatten() {
            if let Some(count) = offsets.get_mut(node as usize + 1) {
                *count += 1;
            }
        }
        for i in 0..nodes {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut entries = vec![0; offsets[nodes] as usize];
        for (&node, entry) in elements.iter().flatten().zip(0..) {
            if (node as usize) < nodes {
                entries[next[node as usize] as usize] = entry;
                next[node as usize] += 1;
            }
        }
        Self { offsets, entries }
    }

    /// Returns (element, position of the node in it) for all elements around a node.
    pub fn around(&self, node: usize) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        let range = self.offsets[node] as usize..self.offsets[node + 1] as usize;
        self.entries[range].iter().map(|&e| (e as usize / N, e as usize % N))
    }
}
