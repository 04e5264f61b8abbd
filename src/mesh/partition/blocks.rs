//! Small connected blocks of elements: the vertices of the graph that METIS partitions on two
//! levels.
//!
//! On the Y-channel with 338,944 elements in 16 parts, blocks of 8 elements have an edge cut of
//! 1.02 times that of plain METIS, of 16 elements 1.04 times, of 64 elements 1.11 times; of 16
//! without smoothing, 1.24 times. METIS itself took ten times as long to build such small blocks.

use std::cmp::Reverse;
use std::ops::Range;

use crate::mesh::partition::graph::{Graph, Rows};
use crate::mesh::union_find::UnionFind;

/// Elements a block: fewer make the graph of the blocks larger, more make the boundaries between
/// parts longer.
const SIZE: u64 = 8;
/// Fewest vertices a part in the graph of the blocks, for balance.
const FEWEST_A_PART: u64 = 256;
/// Most vertices of the graph of a group, unless [`FEWEST_A_PART`] requires more or a part has half
/// as many elements: METIS takes about 300 bytes a vertex, a solve 750 an element.
const MOST: u64 = 1 << 16;
/// Smallest block size; below it, each element is a vertex.
const SMALLEST: u64 = 4;
/// Sweeps that smooth the outlines of blocks.
const SWEEPS: usize = 10;

/// Returns the elements that one graph has in blocks of the usual size.
pub fn elements_of_a_graph() -> u64 {
    MOST * SIZE
}

/// Returns the block size (elements), a power of two, for a mesh in `parts`, in `groups` graphs.
pub fn size(elements: u64, parts: usize, groups: usize) -> u64 {
    let (parts, groups) = (parts as u64, groups as u64);
    let most = MOST.max(2 * elements / parts) * groups;
    let blocks = (elements / SIZE).min(most).max(FEWEST_A_PART * parts);
    let size = (elements / blocks).checked_ilog2().map_or(1, |exponent| 1 << exponent);
    if size < SMALLEST { 1 } else { size }
}

/// Builds blocks of about `size` elements, a power of two, in the graph of the elements. Returns
/// the block of each element and the number of blocks.
pub fn build(elements: &Rows, size: u64) -> (Vec<u32>, usize) {
    let count = elements.graph(None).len();
    if size == 1 {
        return ((0..count as u32).collect(), count);
    }
    let (mut of, mut sizes) = grow(elements, size);
    smooth(&elements.graph(None), &mut of, &mut sizes, size as u32);
    pieces(elements, &of)
}

/// Merges elements to blocks. Returns the block of each element and the sizes of the blocks. At
/// first each element is a block. In each of log2(size) rounds every block merges with the
/// neighbour of highest rating: the square of the shared weight over the sizes of both.
///
/// M. Holtgrewe, P. Sanders, C. Schulz, *Engineering a Scalable High Quality Graph Partitioner*,
/// IPDPS 2010, section III (the rating of edges).
fn grow(elements: &Rows, size: u64) -> (Vec<u32>, Vec<u32>) {
    let count = elements.graph(None).len();
    let (mut of, mut sizes): (Vec<u32>, _) = ((0..count as u32).collect(), vec![1_u32; count]);
    let mut merged: Option<Rows> = None;
    for _ in 0..size.ilog2() {
        let blocks = merged.as_ref().unwrap_or(elements);
        let (joined, count) = join(&blocks.graph(None), &sizes);
        let mut next = vec![0; count];
        for (&block, size) in joined.iter().zip(&sizes) {
            next[block as usize] += size;
        }
        sizes = next;
        of.iter_mut().for_each(|block| *block = joined[*block as usize]);
        merged = Some(blocks.merged(&joined, count));
    }
    (of, sizes)
}

/// Merges pairs of blocks once. Returns the new number of each block, and the number of blocks.
fn join(graph: &Graph, sizes: &[u32]) -> (Vec<u32>, usize) {
    const FREE: u32 = u32::MAX;
    let mut number = vec![FREE; graph.len()];
    let mut count = 0;
    for block in 0..graph.len() {
        if number[block] != FREE {
            continue;
        }
        let free = graph.around(block).filter(|&at| number[graph.neighbours[at] as usize] == FREE);
        let rating =
            |at: usize| f64::from(graph.edge_weight(at)).powi(2) / f64::from(sizes[graph.neighbours[at] as usize]);
        if let Some(best) = free.max_by(|&a, &b| rating(a).total_cmp(&rating(b))) {
            number[graph.neighbours[best] as usize] = count;
        }
        number[block] = count;
        count += 1;
    }
    (number, count as usize)
}

/// Moves elements to the neighbouring block with which they share most edges, or to the smallest of
/// several, while blocks stay within 5/4 of `size`. After the first sweep only elements are visited
/// that lie beside one that was moved.
fn smooth(graph: &Graph, of: &mut [u32], sizes: &mut [u32], size: u32) {
    let mut is_pending = vec![true; of.len()];
    for _ in 0..SWEEPS {
        let mut has_moved = false;
        for element in 0..of.len() {
            if !std::mem::take(&mut is_pending[element]) {
                continue;
            }
            let home = of[element];
            let block_at = |at: usize| of[graph.neighbours[at] as usize];
            let edges = |range: Range<usize>| range.map(|at| graph.edge_weight(at)).sum::<i32>();
            let shared = |block: u32| {
                let edges = graph.around(element).filter(|&at| block_at(at) == block);
                edges.map(|at| graph.edge_weight(at)).sum::<i32>()
            };
            let at_home = shared(home);
            if edges(graph.around(element)) < 2 * at_home {
                // No other block shares as many.
                continue;
            }
            let has_room = |block: &u32| *block != home && sizes[*block as usize] < size + size / 4;
            let others = graph.around(element).map(block_at).filter(has_room);
            let best = others.map(|block| (shared(block), Reverse(sizes[block as usize]), block)).max();
            let Some((edges, Reverse(others), block)) = best else { continue };
            let others_at_home = sizes[home as usize] - 1;
            if others_at_home > 0 && (edges, Reverse(others)) > (at_home, Reverse(others_at_home)) {
                of[element] = block;
                sizes[home as usize] -= 1;
                sizes[block as usize] += 1;
                graph.around(element).for_each(|at| is_pending[graph.neighbours[at] as usize] = true);
                has_moved = true;
            }
        }
        if !has_moved {
            break;
        }
    }
}

/// Finds the connected components of the blocks, numbered in the order of their first elements.
/// Returns the component of each element and their number.
fn pieces(rows: &Rows, of: &[u32]) -> (Vec<u32>, usize) {
    let mut pieces = UnionFind::new(of.len());
    let inside = rows.links().map(|(ends, _)| ends).filter(|&[a, b]| of[a as usize] == of[b as usize]);
    inside.for_each(|[a, b]| {
        pieces.join(a, b);
    });
    pieces.numbered()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_small_enough_for_the_parts_and_few_enough_for_one_rank() {
        assert_eq!(size(1000, 16, 1), 1);
        assert_eq!(size(1_355_776, 8, 1), 8);
        assert_eq!(size(1 << 30, 64, 1), 32);
        assert_eq!(size(1 << 23, 64, 1), 32);
        assert_eq!(size(1 << 30, 1 << 14, 256), 32);
    }

    #[test]
    fn blocks_are_near_their_size_compact_and_in_one_piece() {
        let n = 40;
        let right = (0..n * n).filter(|e| e % n + 1 < n).map(|e| ([e, e + 1], 1));
        let links = right.chain((0..n * n - n).map(|e| ([e, e + n], 1)));
        let rows = Rows::new((n * n) as usize, links);
        let (of, count) = build(&rows, 16);
        assert!((90..130).contains(&count), "{count} blocks");
        let between = rows.links().filter(|(ends, _)| of[ends[0] as usize] != of[ends[1] as usize]).count();
        // Squares of 4 x 4 would leave 720.
        assert!(between < 1000, "{between} of {} edges are between blocks", rows.links().count());
        assert_eq!(pieces(&rows, &of), (of, count));
    }

    #[test]
    fn elements_without_neighbours_stay_alone() {
        assert_eq!(build(&Rows::new(3, std::iter::empty()), 16), (vec![0, 1, 2], 3));
    }
}
