//! METIS on the dual graph of all elements, at first on rank 0.

use crate::error::Result;
use crate::mesh::MeshSlab;
use crate::mesh::partition::bisection::{Piece, divide};
use crate::mesh::partition::graph::{failed, too_large};
use crate::mesh::partition::{Partition, PartitionOptions};
use crate::parallel::{BlockDistribution, Comm};
use crate::system::run_metis;

/// Gathers the corners and the weights of all elements on rank 0 and divides their dual graph.
/// **Collective.**
///
/// # Errors
/// The mesh is too large for the 32-bit numbers of METIS, or METIS fails.
pub fn partition(comm: &Comm, slab: &MeshSlab, options: &PartitionOptions) -> Result<Partition> {
    // METIS counts the four neighbours of all elements in 32 bits.
    let limits = [
        ("elements", slab.elements.total(), i32::MAX as u64 / 4),
        ("nodes", slab.nodes.total(), i32::MAX as u64),
        ("parts", options.parts as u64, i32::MAX as u64),
    ];
    for (what, count, limit) in limits {
        if count > limit {
            return Err(too_large(what, count, limit));
        }
    }
    let corners = slab.connectivity.iter().flat_map(|nodes| nodes[..4].iter().map(|&n| n as i32)).collect();
    let corners = comm.gather_at_root(corners).concat();
    let weights = comm.gather_at_root(options.weights.unwrap_or_default().to_vec()).concat();
    let result =
        if comm.is_root() { dual(&corners, &weights, slab.elements, options.parts).map(Some) } else { Ok(None) };
    let pieces = comm.agree(result)?.into_iter().collect();
    let rank_of = |part| part as usize * comm.size() / options.parts;
    let (parts, edge_cut) = divide(comm, pieces, rank_of, slab.connectivity.len(), options.seed)?;
    Ok(Partition { parts, edge_cut: Some(comm.sum(edge_cut)) })
}

/// Returns the dual graph of a whole mesh, given by its corners (4 an element). Without `weights`
/// all elements count alike.
fn dual(corners: &[i32], weights: &[u32], elements: BlockDistribution, parts: usize) -> Result<Piece> {
    let offsets: Vec<i32> = (0..=corners.len() as i32 / 4).map(|e| 4 * e).collect();
    // Elements are neighbours when they share two corners: an edge.
    let dual = run_metis(|| metis::mesh_to_dual(&offsets, corners, 2)).map_err(failed)?;
    let rows = dual.xadj().windows(2).map(|ends| &dual.adjncy()[ends[0] as usize..ends[1] as usize]);
    let links = (0..).zip(rows).flat_map(|(element, row)| {
        let above = row.iter().map(|&neighbour| neighbour as u32).filter(move |&neighbour| neighbour > element);
        above.map(move |neighbour| ([element, neighbour], 1))
    });
    let vertex = |element: u64| {
        let rank = elements.owner(element);
        let weight = weights.get(element as usize).copied().unwrap_or(1);
        [rank as u32, (element - elements.range(rank).start) as u32, weight]
    };
    Ok(Piece { parts: 0..parts as u32, vertices: (0..elements.total()).map(vertex).collect(), links: links.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::partition::bisection::divide_alone;

    /// Returns the corners of an n x m grid of elements.
    fn grid(n: i32, m: i32) -> Vec<i32> {
        let node = |i, j| j * (n + 1) + i;
        (0..m)
            .flat_map(|j| (0..n).flat_map(move |i| [node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)]))
            .collect()
    }

    fn split(corners: &[i32], weights: &[u32], parts: usize) -> (Vec<u32>, u64) {
        let elements = BlockDistribution::new(corners.len() as u64 / 4, 1);
        divide_alone(dual(corners, weights, elements, parts).unwrap(), PartitionOptions::SEED)
    }

    #[test]
    fn halves_of_a_strip_are_cut_once_across() {
        let (parts, cut) = split(&grid(20, 2), &[], 2);
        assert_eq!((parts.iter().filter(|&&p| p == 0).count(), cut), (20, 2));
    }

    #[test]
    fn heavy_elements_make_a_small_part() {
        let weights: Vec<u32> = (0..40).map(|e| if e % 20 < 5 { 3 } else { 1 }).collect();
        let (parts, cut) = split(&grid(20, 2), &weights, 2);
        assert_eq!((parts.iter().filter(|&&p| p == parts[0]).count(), cut), (10, 2));
    }

    #[test]
    fn no_part_is_empty_where_elements_suffice() {
        for n in 1..8 {
            for m in 1..4 {
                for parts in 2..=(n * m) as usize {
                    let (part, _) = split(&grid(n, m), &[], parts);
                    for p in 0..parts as u32 {
                        assert!(part.contains(&p), "part {p} of {parts} of a {n} x {m} grid is empty");
                    }
                }
            }
        }
    }

    #[test]
    fn more_parts_than_elements_give_one_element_each() {
        assert_eq!(split(&grid(3, 1), &[], 7).0, [0, 1, 2]);
    }

    #[test]
    fn a_mesh_in_two_pieces_is_split_too() {
        let mut corners = grid(4, 4);
        corners.extend(grid(4, 4).iter().map(|n| n + 100));
        let (part, _) = split(&corners, &[], 3);
        assert!((0..3).all(|p| part.contains(&p)));
    }
}
