//! Order of elements and nodes in memory.

use rayon::prelude::*;

use crate::parallel::{GlobalIndex, LocalIndex, loops};

/// Order of the elements and nodes of a rank, which have arbitrary local numbers before.
pub struct Order {
    /// Old number of each element.
    pub elements: Vec<u32>,
    /// Old number of each node that an element has.
    pub nodes: Vec<u32>,
    /// Number of owned nodes: they come first.
    pub owned_nodes: usize,
    /// New number of each old node; [`UNSEEN`] for a node without elements.
    places: Vec<LocalIndex>,
}

const UNSEEN: LocalIndex = LocalIndex::MAX;

impl Order {
    /// Orders the first `own` elements by the algorithm of Cuthill and McKee, so that a loop over
    /// them uses the same nodes within a short time, and nodes by their first element: owned ones
    /// first, then those of other ranks by owner and global number. The numbers of nodes are below
    /// `nodes`; `foreign` returns owner and global number of a node of another rank.
    /// `starts_at_end` tells that the first element of each piece lies at one end of it.
    pub fn new(
        elements: &[[LocalIndex; 8]],
        own: usize,
        nodes: usize,
        foreign: impl Fn(LocalIndex) -> Option<(u32, GlobalIndex)>,
        starts_at_end: bool,
    ) -> Self {
        let mut order = breadth_first(&elements[..own], starts_at_end);
        order.extend(own as u32..elements.len() as u32);

        let mut places = loops::filled(nodes, UNSEEN);
        let mut owned = Vec::with_capacity(nodes);
        let mut ghosts = Vec::new();
        for &node in order.iter().flat_map(|&e| &elements[e as usize]) {
            let place = &mut places[node as usize];
            if *place == UNSEEN {
                *place = owned.len() as LocalIndex;
                match foreign(node) {
                    None => owned.push(node),
                    Some(key) => ghosts.push((key, node)),
                }
            }
        }
        ghosts.sort_unstable();
        let owned_nodes = owned.len();
        for (&(_, node), place) in ghosts.iter().zip(owned_nodes as LocalIndex..) {
            places[node as usize] = place;
        }
        let mut nodes = owned;
        nodes.extend(ghosts.iter().map(|ghost| ghost.1));
        Self { elements: order, nodes, owned_nodes, places }
    }

    /// Returns the elements in their order, with the new numbers of their nodes.
    pub fn renumbered(&self, elements: &[[LocalIndex; 8]]) -> Vec<[LocalIndex; 8]> {
        let numbered = |i: usize| elements[self.elements[i] as usize].map(|node| self.places[node as usize]);
        loops::collect(self.elements.len(), loops::CHUNK, numbered)
    }
}

/// Returns the values at these positions of a list.
pub fn gathered<T: Copy + Send + Sync>(positions: &[u32], list: &[T]) -> Vec<T> {
    positions.par_iter().with_min_len(loops::CHUNK).map(|&i| list[i as usize]).collect()
}

/// Orders elements by their distance, counted in common edges, from one end of the mesh: Cuthill
/// and McKee's order on the dual graph (*Reducing the bandwidth of sparse symmetric matrices*,
/// Proc. 24th ACM Nat. Conf., 1969), for each component.
fn breadth_first(elements: &[[LocalIndex; 8]], starts_at_end: bool) -> Vec<u32> {
    let neighbours = neighbours(elements);
    let mut seen = vec![0_u8; elements.len()];
    let mut order = Vec::with_capacity(elements.len());
    let mut sweep = Vec::with_capacity(if starts_at_end { 0 } else { elements.len() });
    for seed in 0..elements.len() as u32 {
        if seen[seed as usize] != 0 {
            continue;
        }
        let mut end = seed;
        if !starts_at_end {
            // The last element of a first sweep lies at one end.
            sweep.clear();
            visit(seed, 1, &neighbours, &mut seen, &mut sweep);
            end = sweep.pop().unwrap_or(seed);
        }
        visit(end, 2, &neighbours, &mut seen, &mut order);
    }
    order
}

/// Appends all elements that are connected with `start`, nearest first, and raises their mark to
/// `mark`.
fn visit(start: u32, mark: u8, neighbours: &[[u32; 4]], seen: &mut [u8], order: &mut Vec<u32>) {
    let mut next = order.len();
    order.push(start);
    seen[start as usize] = mark;
    while let Some(&e) = order.get(next) {
        next += 1;
        for &n in &neighbours[e as usize] {
            if n != NONE && seen[n as usize] < mark {
                seen[n as usize] = mark;
                order.push(n);
            }
        }
    }
}

const NONE: u32 = u32::MAX;

/// Finds the elements across the four edges of each element, by their middle nodes. Of an edge with
/// more than two elements, an error that is found later, the first two are neighbours.
fn neighbours(elements: &[[LocalIndex; 8]]) -> Vec<[u32; 4]> {
    let nodes = elements.iter().flatten().max().map_or(0, |&n| n as usize + 1);
    let mut first = vec![NONE; nodes];
    let mut neighbours = vec![[NONE; 4]; elements.len()];
    for (e, nodes) in elements.iter().enumerate() {
        for side in 0..4 {
            let slot = &mut first[nodes[4 + side] as usize];
            if *slot == NONE {
                *slot = (4 * e + side) as u32;
                continue;
            }
            let (other, its_side) = (*slot as usize / 4, *slot as usize % 4);
            if neighbours[other][its_side] == NONE {
                neighbours[e][side] = other as u32;
                neighbours[other][its_side] = e as u32;
            }
        }
    }
    neighbours
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A strip of elements in a row, numbered in the order given.
    fn strip(order: &[u32]) -> Vec<[LocalIndex; 8]> {
        order
            .iter()
            .map(|&i| [5 * i, 5 * i + 5, 5 * i + 6, 5 * i + 1, 5 * i + 2, 5 * i + 8, 5 * i + 4, 5 * i + 3])
            .collect()
    }

    #[test]
    fn a_strip_is_ordered_from_one_end_to_the_other() {
        let numbers = [3, 0, 4, 1, 2];
        let order = breadth_first(&strip(&numbers), false);
        let along: Vec<u32> = order.iter().map(|&e| numbers[e as usize]).collect();
        assert!(along == [0, 1, 2, 3, 4] || along == [4, 3, 2, 1, 0], "{along:?}");
    }

    #[test]
    fn every_piece_is_visited_once() {
        let mut two = strip(&[0, 1, 2]);
        two.extend(strip(&[10, 11]));
        let mut order = breadth_first(&two, false);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 4]);
        assert!(breadth_first(&[], false).is_empty());
    }

    #[test]
    fn no_element_is_lost_at_an_edge_of_three() {
        // Element 0 hangs on 2; 1, 2 and 3 share the edge with middle 13.
        let around =
            |middles: [LocalIndex; 4]| std::array::from_fn(|i| if i < 4 { i as LocalIndex } else { middles[i - 4] });
        let elements = [[20, 21, 22, 12], [13, 23, 24, 25], [13, 12, 26, 27], [13, 28, 29, 30]].map(around);
        let mut order = breadth_first(&elements, false);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
