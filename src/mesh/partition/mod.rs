//! Elements to ranks.
//!
//! Plain METIS on one rank as long as the dual graph fits there; beyond, two
//! levels: small blocks of elements along a space-filling curve, made by all
//! ranks at once, and METIS on the graph of the blocks.

mod blocks;
mod edges;
mod graph;
mod metis;
mod space_filling_curve;
mod two_level;

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::mesh::{MOST_ON_A_RANK, MeshSlab};
use crate::parallel::Comm;

/// From this many elements on, [`Partitioner::Auto`] takes two levels: the dual
/// graph and METIS's own copies of it take about 300 bytes an element.
pub const TWO_LEVEL: u64 = 100_000;

/// Methods of partitioning a mesh.
// The docs of the variants are the help of --partitioner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Partitioner {
    /// metis below 100,000 elements, two-level from there on
    #[default]
    Auto,
    /// METIS on the graph of all elements, on one rank
    Metis,
    /// METIS on the graph of small blocks of elements, which all ranks make
    TwoLevel,
}

/// What to split a mesh into, and how.
#[derive(Debug, Clone)]
pub struct PartitionOptions<'a> {
    /// Number of parts.
    pub parts: usize,
    /// The method.
    pub partitioner: Partitioner,
    /// Seed of METIS.
    pub seed: i32,
    /// Weight of each element of this rank's slab, positive and at most 2^30 in
    /// all; none where all count alike.
    pub weights: Option<&'a [u32]>,
}

impl PartitionOptions<'_> {
    /// Seed where none is asked for.
    pub const SEED: i32 = 1;

    /// One part a rank, all elements alike.
    pub fn ranks(comm: &Comm, partitioner: Partitioner) -> Self {
        Self { parts: comm.size(), partitioner, seed: Self::SEED, weights: None }
    }
}

/// The part of every element of a slab, and what the whole partition costs.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Part of each element of this rank's slab.
    pub parts: Vec<u32>,
    /// Number of pairs of neighbouring elements in different parts.
    pub edge_cut: u64,
}

/// Splits the elements, every part getting some where there are enough. The
/// same mesh, number of parts and rank count always give the same partition.
/// **Collective.**
///
/// # Errors
/// [`Error::CrowdedRank`], [`Error::TooLarge`] beyond METIS's 32-bit numbers,
/// [`Error::Metis`].
pub fn partition(comm: &Comm, slab: &MeshSlab, split: &PartitionOptions) -> Result<Partition> {
    let (elements, ranks, limit) = (slab.elements.total(), comm.size(), MOST_ON_A_RANK);
    if elements / ranks as u64 >= limit {
        return Err(Error::CrowdedRank { elements, ranks, limit });
    }
    if split.parts == 1 {
        return Ok(Partition { parts: vec![0; slab.connectivity.len()], edge_cut: 0 });
    }
    match split.partitioner {
        Partitioner::Metis => metis::partition(comm, slab, split),
        Partitioner::Auto if elements < TWO_LEVEL => metis::partition(comm, slab, split),
        _ => two_level::partition(comm, slab, split),
    }
}
