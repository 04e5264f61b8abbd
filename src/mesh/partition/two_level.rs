//! METIS on the graph of small blocks, for meshes whose dual graph is too
//! large for one rank.
//!
//! Each rank takes a stretch of a space-filling curve, cuts its elements into
//! blocks, and finds the edges between blocks; edges between ranks meet by
//! their corners. Rank 0 gets the blocks' weights and edges alone.

use crate::error::{Error, Result};
use crate::mesh::MeshSlab;
use crate::mesh::partition::edges::{Link, Matched, match_across_ranks, match_sides, merge, sides};
use crate::mesh::partition::graph::Rows;
use crate::mesh::partition::space_filling_curve::Stretch;
use crate::mesh::partition::{Partition, PartitionOptions, blocks};
use crate::parallel::Comm;

/// **Collective.**
///
/// # Errors
/// [`Error::TooLarge`] beyond METIS's 32-bit numbers, [`Error::Metis`].
pub fn partition(comm: &Comm, slab: &MeshSlab, split: &PartitionOptions) -> Result<Partition> {
    let size = blocks::size(slab.elements.total(), split.parts);
    // METIS counts the neighbours of all blocks, six on average, in 32 bits.
    let (count, limit) = (slab.elements.total() / size, i32::MAX as u64 / 16);
    if count > limit {
        return Err(Error::TooLarge { what: "blocks", count, limit });
    }
    let stretch = Stretch::gather(comm, slab, split.weights);
    let (local, links) = block_graph(comm, &stretch, size);
    let (of_block, edge_cut) = split_blocks(comm, local.weights, links, split)?;
    let parts: Vec<u32> = local.of.iter().map(|&block| of_block[block as usize]).collect();
    Ok(Partition { parts: stretch.send_back(comm, slab.elements, &parts), edge_cut })
}

/// The blocks of one rank.
struct LocalBlocks {
    /// Block of each element of the stretch.
    of: Vec<u32>,
    /// Weight of each block.
    weights: Vec<u64>,
}

/// The blocks of this rank, and their links by the numbers of blocks over all
/// ranks. **Collective.**
fn block_graph(comm: &Comm, stretch: &Stretch, size: u64) -> (LocalBlocks, Vec<Link>) {
    let Matched { pairs, mut open } = match_sides(sides(&stretch.corners));
    let once = |pair: [u32; 2]| (pair, 1);
    let (of, blocks) = blocks::build(stretch.ids.len(), pairs.iter().copied().map(once).collect(), size);
    let mut weights = vec![0; blocks];
    for (&block, &weight) in of.iter().zip(&stretch.weights) {
        weights[block as usize] += u64::from(weight);
    }
    let first = comm.exclusive_sum(blocks as u64) as u32;
    open.iter_mut().for_each(|side| side.of = first + of[side.of as usize]);
    let mut links: Vec<Link> = pairs.into_iter().map(|pair| once(pair.map(|e| first + of[e as usize]))).collect();
    links.extend(match_across_ranks(comm, open).into_iter().map(once));
    (LocalBlocks { of, weights }, merge(links))
}

/// The part of each block of this rank, and the edge cut. **Collective.**
fn split_blocks(comm: &Comm, weights: Vec<u64>, links: Vec<Link>, split: &PartitionOptions) -> Result<(Vec<u32>, u64)> {
    let gathered = comm.gather_at_root(weights);
    let links = comm.gather_at_root(links.into_iter().flat_map(|([a, b], n)| [a, b, n]).collect());
    let result = if comm.is_root() { split_gathered(&gathered.concat(), links, split) } else { Ok((Vec::new(), 0)) };
    let (part, edge_cut) = comm.agree(result)?;
    let mut rest = &part[..];
    let lists = gathered.iter().map(|weights| rest.split_off(..weights.len()).unwrap_or_default());
    let lists = lists.map(|list| list.iter().map(|&p| p as u32).collect()).collect();
    Ok((comm.scatter_from_root(lists), comm.broadcast(0, edge_cut)))
}

fn split_gathered(weights: &[u64], links: Vec<Vec<u32>>, split: &PartitionOptions) -> Result<(Vec<i32>, u64)> {
    // METIS adds up weights in 32 bits.
    let unit = weights.iter().sum::<u64>().div_ceil(1 << 30);
    let weights: Vec<i32> = weights.iter().map(|&w| (w / unit).max(1) as i32).collect();
    let links = links.iter().flat_map(|m| m.chunks_exact(3)).map(|l| ([l[0], l[1]], l[2])).collect();
    let edges = merge(links);
    let rows = Rows::new(weights.len(), &edges);
    drop(edges);
    let graph = rows.graph(Some(&weights));
    let part = graph.split(split.parts, split.seed)?;
    let cut = graph.cut(&part);
    Ok((part, cut))
}
