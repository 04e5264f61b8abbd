//! METIS on the dual graph of all elements, on rank 0.

use crate::error::Result;
use crate::mesh::MeshSlab;
use crate::mesh::partition::graph::{Graph, failed, too_large};
use crate::mesh::partition::{Partition, PartitionOptions};
use crate::parallel::{BlockDistribution, Comm};

/// Gathers the corners and the weights of all elements on rank 0 and partitions their dual graph.
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
    let weights = options.weights.unwrap_or_default().iter().map(|&w| w as i32).collect();
    let weights = comm.gather_at_root(weights).concat();
    let result = if comm.is_root() { partition_dual(&corners, &weights, options) } else { Ok((Vec::new(), 0)) };
    let (parts, edge_cut) = comm.agree(result)?;
    let lists = if comm.is_root() { by_slab(&parts, slab.elements, comm.size()) } else { Vec::new() };
    Ok(Partition { parts: comm.scatter_from_root(lists), edge_cut: Some(comm.broadcast(0, edge_cut)) })
}

/// Partitions the dual graph of a whole mesh, given by its corners (4 an element). Without
/// `weights` all elements count alike. Returns parts and edge cut.
fn partition_dual(corners: &[i32], weights: &[i32], options: &PartitionOptions) -> Result<(Vec<i32>, u64)> {
    let elements = corners.len() / 4;
    let offsets: Vec<i32> = (0..=elements as i32).map(|e| 4 * e).collect();
    // Elements are neighbours when they share two corners: an edge.
    let dual = metis::mesh_to_dual(&offsets, corners, 2).map_err(failed)?;
    let vertex_weights = (!weights.is_empty()).then_some(weights);
    let graph = Graph { offsets: dual.xadj(), neighbours: dual.adjncy(), vertex_weights, edge_weights: None };
    let part = graph.partition(options.parts, options.seed)?;
    let cut = graph.cut(&part);
    Ok((part, cut))
}

/// Splits a list over all elements into the parts of the slabs.
fn by_slab(parts: &[i32], elements: BlockDistribution, ranks: usize) -> Vec<Vec<u32>> {
    let entries = |rank| &parts[elements.range(rank).start as usize..elements.range(rank).end as usize];
    (0..ranks).map(|rank| entries(rank).iter().map(|&p| p as u32).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::partition::Partitioner;

    /// Returns the corners of an n x m grid of elements.
    fn grid(n: i32, m: i32) -> Vec<i32> {
        let node = |i, j| j * (n + 1) + i;
        (0..m)
            .flat_map(|j| (0..n).flat_map(move |i| [node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)]))
            .collect()
    }

    fn split(corners: &[i32], weights: &[i32], parts: usize) -> (Vec<i32>, u64) {
        let options =
            PartitionOptions { parts, partitioner: Partitioner::Metis, seed: PartitionOptions::SEED, weights: None };
        partition_dual(corners, weights, &options).unwrap()
    }

    #[test]
    fn halves_of_a_strip_are_cut_once_across() {
        let (parts, cut) = split(&grid(20, 2), &[], 2);
        assert_eq!((parts.iter().filter(|&&p| p == 0).count(), cut), (20, 2));
    }

    #[test]
    fn heavy_elements_make_a_small_part() {
        let weights: Vec<i32> = (0..40).map(|e| if e % 20 < 5 { 3 } else { 1 }).collect();
        let (parts, cut) = split(&grid(20, 2), &weights, 2);
        assert_eq!((parts.iter().filter(|&&p| p == parts[0]).count(), cut), (10, 2));
    }

    #[test]
    fn no_part_is_empty_where_elements_suffice() {
        for n in 1..8 {
            for m in 1..4 {
                for parts in 2..=(n * m) as usize {
                    let (part, _) = split(&grid(n, m), &[], parts);
                    for p in 0..parts as i32 {
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
