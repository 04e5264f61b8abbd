//! METIS on graphs of small blocks, for meshes whose dual graph is too large for one rank.
//!
//! Each rank builds blocks from its slab, if most neighbours are there, or else from a segment of a
//! space-filling curve, and finds the edges between them; edges between ranks are matched by their
//! middle nodes. The parts are in groups, each of which starts on one rank, so that no rank
//! receives the blocks of all others.

use std::ops::Range;

use crate::error::Result;
use crate::mesh::MeshSlab;
use crate::mesh::partition::bisection::{Piece, divide};
use crate::mesh::partition::edges::{Link, Matched, Side, match_across_ranks, match_sides, sides};
use crate::mesh::partition::graph::{Rows, too_large};
use crate::mesh::partition::groups::Groups;
use crate::mesh::partition::space_filling_curve::Segment;
use crate::mesh::partition::{Partition, PartitionOptions, blocks};
use crate::parallel::{Comm, Outgoing, concat};

/// Largest number of sides without a partner in a slab, for the root of its number of elements,
/// with which the blocks are built there: a square has 4, a strip of 20 x 1 has 9.
const COMPACT: f64 = 16.0;

/// Partitions the graphs of blocks. **Collective.**
///
/// # Errors
/// The mesh is too large for 32-bit numbers of blocks, or METIS fails.
pub fn partition(comm: &Comm, slab: &MeshSlab, options: &PartitionOptions) -> Result<Partition> {
    let groups = Groups::new(slab.elements.total(), options.parts, comm.size());
    let size = blocks::size(slab.elements.total(), options.parts, groups.count());
    let (count, limit) = (slab.elements.total() / size, u64::from(u32::MAX));
    if count > limit {
        return Err(too_large("blocks", count, limit));
    }
    let (segment, matched) = matched_segment(comm, slab, options.weights, &groups);
    let blocks = block_graph(comm, &segment, matched, size);
    let pieces = gather_groups(comm, &groups, &blocks);
    let rank_of = |part| groups.rank_of(part);
    let (of_block, in_groups) = divide(comm, pieces, rank_of, blocks.blocks.len(), options.seed)?;
    let parts: Vec<u32> = blocks.of.iter().map(|&block| of_block[block as usize]).collect();
    let edge_cut = comm.sum(blocks.between_groups + in_groups);
    Ok(Partition { parts: segment.send_back(comm, slab.elements, &parts), edge_cut: Some(edge_cut) })
}

/// Returns the elements whose blocks this rank builds, and their pairs. **Collective.**
fn matched_segment(comm: &Comm, slab: &MeshSlab, weights: Option<&[u32]>, groups: &Groups) -> (Segment, Matched<u32>) {
    let matched = |segment: Segment| {
        let matched = match_sides(sides(&segment.middles));
        (segment, matched)
    };
    if groups.count() == 1 {
        let (segment, matched) = matched(Segment::of_slab(comm, slab, weights));
        let outline = matched.open.len() as f64 / (segment.ids.len().max(1) as f64).sqrt();
        if comm.max(outline) <= COMPACT {
            return (segment, matched);
        }
    }
    matched(Segment::gather(comm, slab, weights, groups))
}

/// Blocks of one rank.
struct LocalBlocks {
    /// Block of each element of the segment.
    of: Vec<u32>,
    /// Group and weight of each block, in the order of the groups.
    blocks: Vec<[u32; 2]>,
    /// Global number of the first block.
    first: u32,
    /// Links inside a group, by global block numbers.
    links: Vec<Link>,
    /// Number of edges between elements of different groups.
    between_groups: u64,
}

/// Builds the blocks of this rank and finds their links. **Collective.**
fn block_graph(comm: &Comm, segment: &Segment, matched: Matched<u32>, size: u64) -> LocalBlocks {
    let Matched { mut pairs, open } = matched;
    let group = |element: u32| segment.groups[element as usize];
    let all = pairs.len();
    pairs.retain(|&[a, b]| group(a) == group(b));
    let mut between_groups = (all - pairs.len()) as u64;
    let elements = Rows::new(segment.ids.len(), pairs.iter().map(|&pair| (pair, 1)));
    drop(pairs);
    let (of, count) = blocks::build(&elements, size);
    let mut blocks = vec![[0; 2]; count];
    for ((&block, &weight), &group) in of.iter().zip(&segment.weights).zip(&segment.groups) {
        let [of_block, sum] = &mut blocks[block as usize];
        *of_block = group;
        *sum += weight;
    }
    let first = comm.exclusive_sum(count as u64) as u32;
    let mut links: Vec<Link> =
        elements.merged(&of, count).links().map(|(ends, n)| (ends.map(|block| first + block), n)).collect();
    let open = open.into_iter().map(|Side { middle, of: element }| {
        let block = first + of[element as usize];
        Side { middle, of: u64::from(group(element)) << 32 | u64::from(block) }
    });
    for ends in match_across_ranks(comm, open.collect()) {
        let [a, b] = ends.map(|of| of >> 32);
        if a == b {
            links.push((ends.map(|of| of as u32), 1));
        } else {
            between_groups += 1;
        }
    }
    LocalBlocks { of, blocks, first, links, between_groups }
}

/// Gathers the blocks and the links of each group on its first rank. **Collective.**
fn gather_groups(comm: &Comm, groups: &Groups, local: &LocalBlocks) -> Vec<Piece> {
    let leader = groups.leader(groups.of_rank(comm.rank()));
    let to_leader = |values: Vec<u32>| comm.sparse_exchange(Outgoing::from(vec![(leader, values)]));
    let blocks = to_leader(local.blocks.as_flattened().to_vec());
    let links = concat(to_leader(local.links.iter().flat_map(|&([a, b], n)| [a, b, n]).collect()));
    let mut vertices = Vec::new();
    for (rank, blocks) in &blocks {
        let numbered = (0..).zip(blocks.as_chunks::<2>().0);
        vertices.extend(numbered.map(|(number, &[group, weight])| (group, [*rank as u32, number, weight])));
    }
    // The first block of a group is on its first rank.
    let mut start = local.first;
    let (mut starts, mut pieces) = (Vec::new(), Vec::new());
    for vertices in vertices.chunk_by(|a, b| a.0 == b.0) {
        starts.push(start);
        start += vertices.len() as u32;
        pieces.push(piece(groups.parts(vertices[0].0 as usize), vertices.iter().map(|&(_, vertex)| vertex)));
    }
    for &[a, b, n] in links.as_chunks().0 {
        let group = starts.partition_point(|&start| start <= a) - 1;
        pieces[group].links.push(([a, b].map(|block| block - starts[group]), n));
    }
    pieces
}

/// Returns a piece without links.
fn piece(parts: Range<usize>, vertices: impl Iterator<Item = [u32; 3]> + Clone) -> Piece {
    // METIS adds up weights in 32 bits.
    let unit = vertices.clone().map(|[_, _, weight]| u64::from(weight)).sum::<u64>().div_ceil(1 << 30);
    let scaled = vertices.map(|[rank, number, weight]| [rank, number, (u64::from(weight) / unit).max(1) as u32]);
    Piece { parts: parts.start as u32..parts.end as u32, vertices: scaled.collect(), links: Vec::new() }
}
