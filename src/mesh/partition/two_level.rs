//! METIS on the graph of small blocks, for meshes whose dual graph is too large for one rank.
//!
//! Each rank builds blocks from a segment of a space-filling curve and finds the edges between
//! them; edges between ranks are matched by their middle nodes. Rank 0 receives only the weights and the
//! edges of the blocks.

use crate::error::Result;
use crate::mesh::MeshSlab;
use crate::mesh::partition::edges::{Link, Matched, match_across_ranks, match_sides, sides};
use crate::mesh::partition::graph::{Rows, too_large};
use crate::mesh::partition::space_filling_curve::CurveSegment;
use crate::mesh::partition::{Partition, PartitionOptions, blocks};
use crate::parallel::Comm;

/// Partitions the graph of blocks. **Collective.**
///
/// # Errors
/// The mesh is too large for the 32-bit numbers of METIS, or METIS fails.
pub fn partition(comm: &Comm, slab: &MeshSlab, options: &PartitionOptions) -> Result<Partition> {
    let size = blocks::size(slab.elements.total(), options.parts);
    // METIS counts the neighbours of all blocks, six on average, in 32 bits.
    let (count, limit) = (slab.elements.total() / size, i32::MAX as u64 / 16);
    if count > limit {
        return Err(too_large("blocks", count, limit));
    }
    let segment = CurveSegment::gather(comm, slab, options.weights);
    let (local, links) = block_graph(comm, &segment, size);
    let (of_block, edge_cut) = partition_blocks(comm, local.weights, links, options)?;
    let parts: Vec<u32> = local.of.iter().map(|&block| of_block[block as usize]).collect();
    Ok(Partition { parts: segment.send_back(comm, slab.elements, &parts), edge_cut: Some(edge_cut) })
}

/// Blocks of one rank.
struct LocalBlocks {
    /// Block of each element of the segment.
    of: Vec<u32>,
    /// Weight of each block.
    weights: Vec<u64>,
}

/// Builds the blocks of this rank, and their links by global block numbers. **Collective.**
fn block_graph(comm: &Comm, segment: &CurveSegment, size: u64) -> (LocalBlocks, Vec<Link>) {
    let Matched { pairs, mut open } = match_sides(sides(&segment.middles));
    let once = |pair: [u32; 2]| (pair, 1);
    let elements = Rows::new(segment.ids.len(), pairs.iter().copied().map(once));
    drop(pairs);
    let (of, blocks) = blocks::build(&elements, size);
    let mut weights = vec![0; blocks];
    for (&block, &weight) in of.iter().zip(&segment.weights) {
        weights[block as usize] += u64::from(weight);
    }
    let first = comm.exclusive_sum(blocks as u64) as u32;
    open.iter_mut().for_each(|side| side.of = first + of[side.of as usize]);
    let between = Rows::new(blocks, elements.links().map(|(ends, n)| (ends.map(|e| of[e as usize]), n)));
    let mut links: Vec<Link> = between.links().map(|(ends, n)| (ends.map(|block| first + block), n)).collect();
    links.extend(match_across_ranks(comm, open).into_iter().map(once));
    (LocalBlocks { of, weights }, links)
}

/// Partitions the blocks of all ranks. Returns the part of each block of this rank, and the edge
/// cut. **Collective.**
fn partition_blocks(
    comm: &Comm,
    weights: Vec<u64>,
    links: Vec<Link>,
    options: &PartitionOptions,
) -> Result<(Vec<u32>, u64)> {
    let gathered = comm.gather_at_root(weights);
    let links = comm.gather_at_root(links.into_iter().flat_map(|([a, b], n)| [a, b, n]).collect());
    let result =
        if comm.is_root() { partition_gathered(&gathered.concat(), links, options) } else { Ok((Vec::new(), 0)) };
    let (part, edge_cut) = comm.agree(result)?;
    let mut rest = &part[..];
    let lists = gathered.iter().map(|weights| rest.split_off(..weights.len()).unwrap_or_default());
    let lists = lists.map(|list| list.iter().map(|&p| p as u32).collect()).collect();
    Ok((comm.scatter_from_root(lists), comm.broadcast(0, edge_cut)))
}

fn partition_gathered(weights: &[u64], links: Vec<Vec<u32>>, options: &PartitionOptions) -> Result<(Vec<i32>, u64)> {
    // METIS adds up weights in 32 bits.
    let unit = weights.iter().sum::<u64>().div_ceil(1 << 30);
    let weights: Vec<i32> = weights.iter().map(|&w| (w / unit).max(1) as i32).collect();
    let links = links.iter().flat_map(|m| m.chunks_exact(3)).map(|l| ([l[0], l[1]], l[2]));
    let rows = Rows::new(weights.len(), links);
    let graph = rows.graph(Some(&weights));
    let part = graph.partition(options.parts, options.seed)?;
    let cut = graph.cut(&part);
    Ok((part, cut))
}
