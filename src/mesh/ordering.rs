//! Order of elements and nodes in memory.

use rayon::prelude::*;

use crate::mesh::LocalMesh;
use crate::parallel::{GlobalIndex, LocalIndex};

/// Mesh whose nodes have arbitrary local numbers.
pub struct Unordered {
    /// Elements, own ones first.
    pub elements: Vec<[LocalIndex; 8]>,
    /// Global number of each element.
    pub element_ids: Vec<GlobalIndex>,
    /// Rank that owns each element.
    pub element_owners: Vec<u32>,
    /// Region of each element.
    pub regions: Vec<u16>,
    /// Number of own elements.
    pub own_elements: usize,
    /// Global number of each node.
    pub node_ids: Vec<GlobalIndex>,
    /// Rank that owns each node.
    pub node_owners: Vec<u32>,
}

/// Permutation of elements and nodes.
pub struct Order {
    /// Old number of each element.
    pub elements: Vec<u32>,
    /// Old number of each node.
    pub nodes: Vec<u32>,
}

impl Unordered {
    /// Orders own elements by the algorithm of Cuthill and McKee, so that a loop over them uses the
    /// same nodes within a short time, and nodes by their first element: owned ones first, then
    /// those of other ranks by owner and global number. `starts_at_end` tells that the first element
    /// of each piece lies at one end of it. Returns a mesh without coordinates, and the permutation.
    pub fn order(self, rank: u32, starts_at_end: bool) -> (LocalMesh, Order) {
        let mut elements = breadth_first(&self.elements[..self.own_elements], starts_at_end);
        elements.extend(self.own_elements as u32..self.elements.len() as u32);

        const UNSEEN: LocalIndex = LocalIndex::MAX;
        let mut place = vec![UNSEEN; self.node_ids.len()];
        let mut nodes = Vec::with_capacity(self.node_ids.len());
        let mut ghosts = Vec::new();
        for &node in elements.iter().flat_map(|&e| &self.elements[e as usize]) {
            if place[node as usize] == UNSEEN {
                place[node as usize] = nodes.len() as LocalIndex;
                if self.node_owners[node as usize] == rank {
                    nodes.push(node);
                } else {
                    ghosts.push(node);
                }
            }
        }
        let owned_nodes = nodes.len();
        ghosts.sort_unstable_by_key(|&node| (self.node_owners[node as usize], self.node_ids[node as usize]));
        nodes.extend(ghosts);
        for (&node, i) in nodes.iter().zip(0..).skip(owned_nodes) {
            place[node as usize] = i;
        }
        let numbered = |&e: &u32| self.elements[e as usize].map(|n| place[n as usize]);
        let mesh = LocalMesh {
            elements: elements.par_iter().map(numbered).collect(),
            element_ids: gathered(&elements, &self.element_ids),
            element_owners: elements.iter().map(|&e| self.element_owners[e as usize]).collect(),
            regions: gathered(&elements, &self.regions),
            own_elements: self.own_elements,
            node_ids: gathered(&nodes, &self.node_ids),
            node_owners: nodes.iter().map(|&n| self.node_owners[n as usize]).collect(),
            owned_nodes,
            ..LocalMesh::default()
        };
        (mesh, Order { elements, nodes })
    }
}

/// Returns the values at these positions of a list.
pub fn gathered<T: Copy + Send + Sync>(positions: &[u32], list: &[T]) -> Vec<T> {
    positions.par_iter().map(|&i| list[i as usize]).collect()
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
