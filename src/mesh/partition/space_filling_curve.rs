//! Elements along a space-filling curve: each rank gets a segment of Hilbert's curve through the
//! centres of the elements.
//!
//! H. Sagan, *Space-Filling Curves*, Springer 1994, chapter 2.

use rayon::prelude::*;

use crate::mesh::LocalNumbers;
use crate::mesh::MeshSlab;
use crate::mesh::partition::curve_cuts::Curve;
use crate::mesh::partition::edges::hash;
use crate::mesh::partition::groups::Groups;
use crate::parallel::{BlockDistribution, BlockRequests, Comm, GlobalIndex, LocalIndex, Outgoing};

/// Elements whose blocks one rank builds, in the order of their groups and of the input: those in
/// one segment of the curve, or those of the slab of the rank.
pub struct Segment {
    /// Global number of each element.
    pub ids: Vec<GlobalIndex>,
    /// Middle nodes of the edges of each element.
    pub middles: Vec<[GlobalIndex; 4]>,
    /// Weight of each element.
    pub weights: Vec<u32>,
    /// Group of each element.
    pub groups: Vec<u32>,
}

/// Number of cells of the curve along each axis, as a power of two.
const ORDER: u8 = 26;

/// Element in a message: its group, its number, its position on the curve, its middle nodes, its
/// weight.
type Record = [u64; 8];
const GROUP: usize = 0;
const ID: usize = 1;
const KEY: usize = 2;
const WEIGHT: usize = 7;

/// Consecutive elements that are sent to one rank of a group, to save messages.
const TOGETHER: u64 = 1024;

impl Segment {
    /// Returns the elements of this rank's slab, all in group 0.
    pub fn of_slab(comm: &Comm, slab: &MeshSlab, weights: Option<&[u32]>) -> Self {
        let count = slab.connectivity.len();
        Self {
            ids: slab.elements.range(comm.rank()).collect(),
            middles: slab.connectivity.iter().map(|&[_, _, _, _, a, b, c, d]| [a, b, c, d]).collect(),
            weights: weights.map_or_else(|| vec![1; count], <[u32]>::to_vec),
            groups: vec![0; count],
        }
    }

    /// Sends every element of the slabs to the rank of its segment. The ranks of a group have its
    /// elements, by the share of its parts in the weight, in segments of about equal weight.
    /// Elements in one cell of the curve stay together. **Collective.**
    pub fn gather(comm: &Comm, slab: &MeshSlab, weights: Option<&[u32]>, groups: &Groups) -> Self {
        let mut records = records(comm, slab, weights);
        let curve = |records: &[Record]| Curve::new(records.iter().map(|record| (record[KEY], record[WEIGHT])));
        if groups.count() > 1 {
            let curve = curve(&records);
            let (wanted, slack) = groups.weights_below(comm.sum(curve.weight()));
            let cuts = curve.cut(comm, 1 << (2 * ORDER), &wanted, slack);
            records.iter_mut().for_each(|r| r[GROUP] = cuts.partition_point(|&cut| cut <= r[KEY]) as u64);
            // Any rank of the group: the curve is split there, and not by ranks that have elements
            // of many groups.
            records = send(comm, &records, |record| {
                let ranks = groups.ranks(record[GROUP] as usize);
                ranks.start + hash(record[ID] / TOGETHER, ranks.len())
            });
        }
        if groups.count() < comm.size() {
            let ranks = groups.ranks(groups.of_rank(comm.rank()));
            let starts = curve(&records).split(comm, ranks.clone());
            records =
                send(comm, &records, |record| ranks.start + starts.partition_point(|&start| start <= record[KEY]));
        }
        records.sort_unstable();
        Self {
            groups: records.iter().map(|r| r[GROUP] as u32).collect(),
            ids: records.iter().map(|r| r[ID]).collect(),
            middles: records.iter().map(|&[_, _, _, a, b, c, d, _]| [a, b, c, d]).collect(),
            weights: records.iter().map(|r| r[WEIGHT] as u32).collect(),
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

/// Returns the elements of the slab, all in group 0. **Collective.**
fn records(comm: &Comm, slab: &MeshSlab, weights: Option<&[u32]>) -> Vec<Record> {
    let keys = keys(comm, &centres(comm, slab));
    let first = slab.elements.range(comm.rank()).start;
    let elements = slab.connectivity.iter().zip(keys).enumerate();
    let record = |(i, (nodes, key)): (usize, (&[GlobalIndex; 8], u64))| {
        let weight = u64::from(weights.map_or(1, |weights| weights[i]));
        [0, first + i as GlobalIndex, key, nodes[4], nodes[5], nodes[6], nodes[7], weight]
    };
    elements.map(record).collect()
}

/// Sends each element to a rank, and returns those that come to this one. **Collective.**
fn send(comm: &Comm, records: &[Record], rank_of: impl Fn(&Record) -> usize) -> Vec<Record> {
    let mut outgoing = Outgoing::with_capacity(records.iter().map(&rank_of), size_of::<Record>() / size_of::<u64>());
    for record in records {
        outgoing.to(rank_of(record)).extend(record);
    }
    let incoming = comm.sparse_exchange(outgoing);
    incoming.iter().flat_map(|(_, message)| message.as_chunks().0).copied().collect()
}

/// Returns the middle (m) between corners 0 and 2 of each element of the slab. **Collective.**
fn centres(comm: &Comm, slab: &MeshSlab) -> Vec<[f64; 2]> {
    let mut numbers = LocalNumbers::with_capacity(slab.connectivity.len());
    let ends: Vec<[LocalIndex; 2]> =
        slab.connectivity.iter().map(|nodes| [nodes[0], nodes[2]].map(|node| numbers.add(node))).collect();
    let requests = BlockRequests::new(comm, slab.nodes, numbers.ids().iter().copied());
    let points = requests.answer_rows(comm, |i| slab.coordinates[i]);
    let middle = |[a, b]: [[f64; 2]; 2]| [0, 1].map(|axis| 0.5 * (a[axis] + b[axis]));
    ends.into_iter().map(|ends| middle(ends.map(|end| points[end as usize]))).collect()
}

/// Returns the position of each point on the curve through the square around all points. Points
/// that are not finite, an error that is found later, get any position. **Collective.**
fn keys(comm: &Comm, points: &[[f64; 2]]) -> Vec<u64> {
    let finite = || points.iter().filter(|p| p[0].is_finite() && p[1].is_finite());
    let most = |sign: f64, axis: usize| finite().fold(f64::NEG_INFINITY, |most, p| most.max(sign * p[axis]));
    let ends = comm.max_all(&[most(-1.0, 0), most(-1.0, 1), most(1.0, 0), most(1.0, 1)]);
    let (low, high) = ([-ends[0], -ends[1]], [ends[2], ends[3]]);
    let cells = f64::from(1_u32 << ORDER);
    let scale = cells / (high[0] - low[0]).max(high[1] - low[1]);
    let cell = |value: f64, low: f64| ((value - low) * scale).min(cells - 1.0) as u32;
    points.par_iter().map(|p| fast_hilbert::xy2h(cell(p[0], low[0]), cell(p[1], low[1]), ORDER)).collect()
}
