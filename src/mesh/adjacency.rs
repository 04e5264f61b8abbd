//! Elements around each node.

use std::ops::Range;

use rayon::prelude::*;

use crate::parallel::loops::CHUNK;
use crate::parallel::{Keyed, LocalIndex, group_by_key, loops};

/// Elements around each node, with the position of the node in each.
pub struct Adjacency<const N: usize> {
    offsets: Vec<u32>,
    /// Places (element * N + position) of each node.
    entries: Vec<u32>,
}

impl<const N: usize> Adjacency<N> {
    /// Collects the elements around nodes `0..nodes`, ascending for each node; other nodes are
    /// ignored. Each thread collects those around an equal part of the nodes.
    pub fn new(elements: &[[LocalIndex; N]], nodes: usize) -> Self {
        let chunks: Vec<Chunk> = elements.as_flattened().par_chunks(CHUNK).enumerate().map(Chunk::new).collect();
        let (offsets, entries) = group_by_key(&Places(chunks), nodes, loops::worthwhile_threads(elements.len()));
        Self { offsets, entries }
    }

    /// Returns (element, position of the node in it) for all elements around a node.
    pub fn around(&self, node: usize) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        let range = self.offsets[node] as usize..self.offsets[node + 1] as usize;
        self.entries[range].iter().map(|&e| (e as usize / N, e as usize % N))
    }
}

/// Nodes of consecutive elements, with the first place and the range of the nodes.
struct Chunk<'a> {
    first: u32,
    nodes: &'a [LocalIndex],
    range: Range<usize>,
}

impl<'a> Chunk<'a> {
    fn new((number, nodes): (usize, &'a [LocalIndex])) -> Self {
        let low = nodes.iter().copied().min().unwrap_or(0) as usize;
        let high = nodes.iter().copied().max().unwrap_or(0) as usize;
        Self { first: (number * CHUNK) as u32, nodes, range: low..high + 1 }
    }
}

/// Places (element * N + position) with their nodes as keys.
struct Places<'a>(Vec<Chunk<'a>>);

impl Keyed for Places<'_> {
    type Item = u32;

    fn visit(&self, nodes: Range<usize>, mut put: impl FnMut(usize, u32)) {
        for chunk in self.0.iter().filter(|chunk| chunk.range.start < nodes.end && nodes.start < chunk.range.end) {
            for (&node, place) in chunk.nodes.iter().zip(chunk.first..) {
                if nodes.contains(&(node as usize)) {
                    put(node as usize, place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_around_a_node_ascend_at_any_number_of_threads() {
        let elements: Vec<[LocalIndex; 3]> = (0..10_000).map(|e| [e, e + 1, 7 * e % 10_000]).collect();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let adjacency = pool.install(|| Adjacency::new(&elements, 9_999));
            for node in [0, 1, 4_999, 5_000, 9_998] {
                let is_node = |&(element, at): &(usize, usize)| elements[element][at] == node as LocalIndex;
                let all = (0..elements.len()).flat_map(|element| [(element, 0), (element, 1), (element, 2)]);
                assert!(adjacency.around(node).eq(all.filter(is_node)), "node {node}, {threads} threads");
            }
        }
    }
}
