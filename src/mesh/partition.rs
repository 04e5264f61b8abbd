//! Elements to ranks: METIS k-way on the dual graph.
//!
//! G. Karypis, V. Kumar, *Multilevel k-way Partitioning Scheme for Irregular
//! Graphs*, J. Parallel Distrib. Comput. 48 (1998).

use metis::option::{Contig, Seed};

use super::MeshSlab;
use crate::error::{Error, Result};
use crate::parallel::Comm;

/// The rank of every element of a slab, and what the whole partition costs.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Rank of each element of this rank's slab.
    pub parts: Vec<u32>,
    /// Number of pairs of neighbouring elements on different ranks.
    pub edge_cut: u64,
}

/// Splits the elements over the ranks, every rank getting some where there are
/// enough. Rank 0 gathers the corners of the elements, which METIS needs, and
/// nothing else. The same mesh and rank count always give the same partition.
/// **Collective.**
///
/// # Errors
/// [`Error::TooLarge`] beyond METIS's 32-bit numbers, [`Error::Metis`].
pub fn partition(comm: &Comm, slab: &MeshSlab) -> Result<Partition> {
    let elements = slab.elements.total();
    if comm.size() == 1 {
        return Ok(Partition { parts: vec![0; elements as usize], edge_cut: 0 });
    }
    for (what, count, limit) in
        [("elements", elements, i32::MAX as u64 / 4), ("nodes", slab.nodes.total(), i32::MAX as u64)]
    {
        if count > limit {
            return Err(Error::TooLarge { what, count, limit });
        }
    }
    let corners = slab.connectivity.iter().flat_map(|nodes| nodes[..4].iter().map(|&n| n as i32)).collect();
    let gathered = comm.gather_at_root(corners);
    let split = if comm.is_root() { split(&gathered.concat(), comm.size()) } else { Ok((Vec::new(), 0)) };
    let (parts, edge_cut) = comm.agree(split)?;
    let mut lists = Vec::new();
    if comm.is_root() {
        for rank in 0..comm.size() {
            let range = slab.elements.range(rank);
            lists.push(parts[range.start as usize..range.end as usize].to_vec());
        }
    }
    Ok(Partition { parts: comm.scatter_from_root(lists), edge_cut: comm.broadcast(0, edge_cut) })
}

/// Parts and edge cut for the corners (4 an element) of a whole mesh.
fn split(corners: &[i32], parts: usize) -> Result<(Vec<u32>, u64)> {
    let elements = corners.len() / 4;
    let offsets: Vec<i32> = (0..=elements as i32).map(|e| 4 * e).collect();
    // Elements are neighbours when they share two corners: an edge.
    let mut dual = metis::mesh_to_dual(&offsets, corners, 2).map_err(failed)?;
    let (xadj, adjncy) = dual.as_mut();

    let mut part = vec![0; elements];
    if parts >= elements {
        part = (0..elements as i32).collect();
    } else {
        let run = |contiguous: bool, part: &mut Vec<i32>| {
            metis::Graph::new(1, parts as i32, xadj, adjncy)
                .map_err(metis::Error::from)?
                .set_option(Seed(1))
                .set_option(Contig(contiguous))
                .part_kway(part)
        };
        // Where the mesh has several pieces METIS complains about contiguous parts, on stdout.
        let contiguous = is_connected(xadj, adjncy);
        run(contiguous, &mut part).or_else(|_| run(false, &mut part)).map_err(failed)?;
        fill_empty(&mut part, parts);
    }
    let cut = (0..elements)
        .flat_map(|e| adjncy[xadj[e] as usize..xadj[e + 1] as usize].iter().map(move |&n| (e, n as usize)))
        .filter(|&(e, n)| e < n && part[e] != part[n])
        .count();
    Ok((part.into_iter().map(|p| p as u32).collect(), cut as u64))
}

/// Whether the graph is in one piece.
fn is_connected(xadj: &[i32], adjncy: &[i32]) -> bool {
    let mut seen = vec![false; xadj.len() - 1];
    let mut front = vec![0];
    seen[0] = true;
    let mut count = 0;
    while let Some(e) = front.pop() {
        count += 1;
        for &n in &adjncy[xadj[e] as usize..xadj[e + 1] as usize] {
            if !std::mem::replace(&mut seen[n as usize], true) {
                front.push(n as usize);
            }
        }
    }
    count == seen.len()
}

/// METIS leaves parts of tiny graphs empty: each takes an element of the part
/// that has most.
fn fill_empty(part: &mut [i32], parts: usize) {
    let mut sizes = vec![0_usize; parts];
    part.iter().for_each(|&p| sizes[p as usize] += 1);
    for empty in 0..parts {
        if sizes[empty] > 0 {
            continue;
        }
        let Some(fullest) = (0..parts).max_by_key(|&p| (sizes[p], std::cmp::Reverse(p))) else { return };
        if let Some(p) = part.iter_mut().find(|p| **p == fullest as i32) {
            *p = empty as i32;
            sizes[fullest] -= 1;
            sizes[empty] += 1;
        }
    }
}

fn failed(cause: metis::Error) -> Error {
    Error::Metis { cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Corners of an n x m grid of elements.
    fn grid(n: i32, m: i32) -> Vec<i32> {
        let node = |i, j| j * (n + 1) + i;
        (0..m)
            .flat_map(|j| (0..n).flat_map(move |i| [node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)]))
            .collect()
    }

    #[test]
    fn halves_of_a_strip_are_cut_once_across() {
        let (parts, cut) = split(&grid(20, 2), 2).unwrap();
        assert_eq!((parts.iter().filter(|&&p| p == 0).count(), cut), (20, 2));
    }

    #[test]
    fn no_part_is_empty_where_elements_suffice() {
        for n in 1..8 {
            for m in 1..4 {
                for parts in 2..=(n * m) as usize {
                    let (part, _) = split(&grid(n, m), parts).unwrap();
                    for p in 0..parts as u32 {
                        assert!(part.contains(&p), "part {p} of {parts} of a {n} x {m} grid is empty");
                    }
                }
            }
        }
    }

    #[test]
    fn more_parts_than_elements_give_one_element_each() {
        assert_eq!(split(&grid(3, 1), 7).unwrap().0, [0, 1, 2]);
    }

    #[test]
    fn a_mesh_in_two_pieces_is_split_too() {
        let mut corners = grid(4, 4);
        corners.extend(grid(4, 4).iter().map(|n| n + 100));
        let (part, _) = split(&corners, 3).unwrap();
        assert!((0..3).all(|p| part.contains(&p)));
    }
}
