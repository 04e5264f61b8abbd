//! Elements along a space-filling curve: each rank gets a segment of Hilbert's curve through the
//! centres of the elements.
//!
//! H. Sagan, *Space-Filling Curves*, Springer 1994, chapter 2. The ends of the segments are found
//! by bisection on all of them at once, as in V. Kale, S. Krishnan, *A Comparison Based Parallel
//! Sorting Algorithm*, ICPP 1993.

use rayon::prelude::*;

use crate::mesh::MeshSlab;
use crate::mesh::node_numbers::NodeNumbers;
use crate::parallel::{BlockDistribution, BlockRequests, Comm, GlobalIndex, LocalIndex, Outgoing};

/// Elements in one segment of the curve, in the order of the input.
pub struct CurveSegment {
    /// Global number of each element.
    pub ids: Vec<GlobalIndex>,
    /// Middle nodes of the edges of each element.
    pub middles: Vec<[GlobalIndex; 4]>,
    /// Weight of each element.
    pub weights: Vec<u32>,
}

/// Number of cells of the curve along each axis, as a power of two.
const ORDER: u8 = 26;
/// Numbers in the message of an element: the element, its middle nodes, its weight.
const RECORD: usize = 6;

impl CurveSegment {
    /// Sends every element of the slabs to the rank of its segment. Segments have equal numbers of
    /// elements, except that elements in one cell of the curve stay together. **Collective.**
    pub fn gather(comm: &Comm, slab: &MeshSlab, weights: Option<&[u32]>) -> Self {
        let keys = keys(comm, &centres(comm, slab));
        let starts = starts(comm, keys.clone(), slab.elements);
        let first = slab.elements.range(comm.rank()).start;
        let ranks: Vec<usize> = keys.iter().map(|key| starts.partition_point(|start| start <= key)).collect();
        let mut outgoing = Outgoing::with_capacity(ranks.iter().copied(), RECORD);
        for (i, (nodes, rank)) in slab.connectivity.iter().zip(ranks).enumerate() {
            let message = outgoing.to(rank);
            let weight = GlobalIndex::from(weights.map_or(1, |w| w[i]));
            message.extend([first + i as GlobalIndex, nodes[4], nodes[5], nodes[6], nodes[7], weight]);
        }
        let incoming = comm.sparse_exchange(outgoing);
        let records = || incoming.iter().flat_map(|(_, message)| message.as_chunks::<RECORD>().0);
        Self {
            ids: records().map(|r| r[0]).collect(),
            middles: records().map(|r| [r[1], r[2], r[3], r[4]]).collect(),
            weights: records().map(|r| r[5] as u32).collect(),
        }
    }

    /// Sends a value for each element of the segment to the slab that contains the element.
    /// **Collective.**
    pub fn send_back(&self, comm: &Comm, elements: BlockDistribution, values: &[u32]) -> Vec<u32> {
        let mut outgoing = Outgoing::with_capacity(self.ids.iter().map(|&id| elements.owner(id)), 2);
        for (&id, &value) in self.ids.iter().zip(values) {
            outgoing.to(elements.owner(id)).extend([id, GlobalIndex::from(value)]);
        }
        let range = elements.range(comm.rank());
        let mut of_slab = vec![0; (range.end - range.start) as usize];
        for pair in comm.sparse_exchange(outgoing).iter().flat_map(|(_, message)| message.as_chunks::<2>().0) {
            of_slab[(pair[0] - range.start) as usize] = pair[1] as u32;
        }
        of_slab
    }
}

/// Returns the middle (m) between corners 0 and 2 of each element of the slab. **Collective.**
fn centres(comm: &Comm, slab: &MeshSlab) -> Vec<[f64; 2]> {
    let mut numbers = NodeNumbers::with_capacity(slab.connectivity.len());
    let ends: Vec<[LocalIndex; 2]> =
        slab.connectivity.iter().map(|nodes| [nodes[0], nodes[2]].map(|node| numbers.add(node))).collect();
    let requests = BlockRequests::new(comm, slab.nodes, numbers.ids().iter().copied());
    let [x, y] = [0, 1].map(|axis| requests.answer(comm, |i| slab.coordinates[i][axis]));
    let middle = |list: &[f64], ends: [LocalIndex; 2]| 0.5 * (list[ends[0] as usize] + list[ends[1] as usize]);
    ends.into_iter().map(|ends| [middle(&x, ends), middle(&y, ends)]).collect()
}

/// Returns the position of each point on the curve through the square around all points. Points
/// that are not finite, an error that is found later, get any position. **Collective.**
fn keys(comm: &Comm, points: &[[f64; 2]]) -> Vec<u64> {
    let finite = || points.iter().filter(|p| p[0].is_finite() && p[1].is_finite());
    let low = [0, 1].map(|axis| comm.min(finite().fold(f64::INFINITY, |low, p| low.min(p[axis]))));
    let high = [0, 1].map(|axis| comm.max(finite().fold(f64::NEG_INFINITY, |high, p| high.max(p[axis]))));
    let cells = f64::from(1_u32 << ORDER);
    let scale = cells / (high[0] - low[0]).max(high[1] - low[1]);
    let cell = |value: f64, low: f64| ((value - low) * scale).min(cells - 1.0) as u32;
    points.par_iter().map(|p| fast_hilbert::xy2h(cell(p[0], low[0]), cell(p[1], low[1]), ORDER)).collect()
}

/// Returns the first key of each segment but the first. **Collective.**
fn starts(comm: &Comm, mut keys: Vec<u64>, elements: BlockDistribution) -> Vec<u64> {
    keys.sort_unstable();
    let wanted: Vec<u64> = (1..comm.size()).map(|rank| elements.range(rank).start).collect();
    // Below `low` lie at most as many elements as wanted, below `high` more.
    let mut low = vec![0_u64; wanted.len()];
    let mut high = vec![1_u64 << (2 * ORDER); wanted.len()];
    for _ in 0..2 * ORDER {
        let middle: Vec<u64> = low.iter().zip(&high).map(|(low, high)| (low + high) / 2).collect();
        let below: Vec<u64> = middle.iter().map(|m| keys.partition_point(|key| key < m) as u64).collect();
        for (i, below) in comm.sum_all(&below).into_iter().enumerate() {
            let end = if below <= wanted[i] { &mut low[i] } else { &mut high[i] };
            *end = middle[i];
        }
    }
    low
}
