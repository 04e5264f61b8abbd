//! Partitioning of the elements.
//!
//! METIS bisects the dual graph again and again where it fits on one rank. Larger meshes are
//! partitioned on two levels: all ranks build small blocks of elements, in their slabs or along a
//! space-filling curve, and METIS bisects the graph of the blocks, for each group of at most 256
//! parts on its own ranks.

mod bisection;
mod blocks;
mod curve_cuts;
mod edges;
mod graph;
mod groups;
mod metis;
mod space_filling_curve;
mod two_level;

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::mesh::partition::bisection::TRIALS;
use crate::mesh::partition::groups::Groups;
use crate::mesh::{MOST_ON_A_RANK, MeshSlab};
use crate::parallel::Comm;

/// Number of elements from which [`Partitioner::Auto`] uses two levels: the dual graph and the
/// copies of METIS take about 300 bytes an element.
pub const TWO_LEVEL: u64 = 100_000;

/// Methods of partitioning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Partitioner {
    /// metis below 100,000 elements, two-level from there on
    #[default]
    Auto,
    /// METIS on the graph of all elements, at first on one rank
    Metis,
    /// METIS on the graph of small blocks of elements, which all ranks make
    TwoLevel,
}

/// Options of partitioning.
#[derive(Debug, Clone)]
pub struct PartitionOptions<'a> {
    /// Number of parts.
    pub parts: usize,
    /// Method.
    pub partitioner: Partitioner,
    /// Seed of METIS.
    pub seed: i32,
    /// Weight of each element of this rank's slab, positive, with a sum over all ranks of at most
    /// 2^30; none where all count alike.
    pub weights: Option<&'a [u32]>,
}

impl PartitionOptions<'_> {
    /// Default seed.
    pub const SEED: i32 = 1;

    /// Returns options for one part a rank, all elements alike.
    pub fn ranks(comm: &Comm, partitioner: Partitioner) -> Self {
        Self { parts: comm.size(), partitioner, seed: Self::SEED, weights: None }
    }
}

/// Part of every element of a slab, and the edge cut of the partition.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Part of each element of this rank's slab.
    pub parts: Vec<u32>,
    /// Number of pairs of neighbouring elements in different parts, if known.
    pub edge_cut: Option<u64>,
}

/// Graphs that METIS divides, each at first on a rank of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MetisGraphs {
    /// Number of graphs.
    pub count: u64,
    /// Vertices of one: elements, or blocks of them.
    pub vertices: u64,
    /// Whether vertices are blocks.
    pub has_blocks: bool,
    /// Most parts of one.
    pub parts: u64,
    /// Bisections of one in the first round, each on a rank of its own.
    pub trials: u64,
}

impl MetisGraphs {
    /// Returns the graphs of [`Partitioner::Auto`].
    pub fn new(elements: u64, parts: usize) -> Self {
        let has_blocks = elements >= TWO_LEVEL && parts > 1;
        let count = if has_blocks { Groups::new(elements, parts, parts).count() } else { 1 };
        let blocks = if has_blocks { elements / blocks::size(elements, parts, count) } else { elements };
        let vertices = if parts > 1 { blocks / count as u64 } else { 0 };
        let parts = parts.div_ceil(count) as u64;
        Self { count: count as u64, vertices, has_blocks, parts, trials: parts.min(u64::from(TRIALS)) }
    }

    /// Returns the rounds of bisections that divide one into its parts.
    pub fn rounds(&self) -> u32 {
        self.parts.next_power_of_two().ilog2()
    }
}

/// Partitions the elements; no part is empty where there are enough. The same mesh, number of parts
/// and number of ranks always give the same partition. **Collective.**
///
/// # Errors
/// There are too many elements for the ranks or for the 32-bit numbers of METIS, or METIS fails.
pub fn partition(comm: &Comm, slab: &MeshSlab, options: &PartitionOptions) -> Result<Partition> {
    let (elements, ranks, limit) = (slab.elements.total(), comm.size(), MOST_ON_A_RANK);
    if elements / ranks as u64 >= limit {
        return Err(crowded_rank(elements, ranks, limit));
    }
    if options.parts == 1 {
        return Ok(Partition { parts: vec![0; slab.connectivity.len()], edge_cut: Some(0) });
    }
    match options.partitioner {
        Partitioner::Metis => metis::partition(comm, slab, options),
        Partitioner::Auto if elements < TWO_LEVEL => metis::partition(comm, slab, options),
        _ => two_level::partition(comm, slab, options),
    }
}

fn crowded_rank(elements: u64, ranks: usize, limit: u64) -> Error {
    Error::input(format!(
        "{elements} elements on {ranks} ranks are more than the {limit} a rank that can be numbered: use more ranks"
    ))
}
