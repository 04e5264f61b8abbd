//! Nodes that coincide with another node: invisible tears of a mesh.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::mesh::LocalMesh;
use crate::parallel::{Comm, GlobalIndex, Outgoing, concat};
use crate::quad8::EDGES;
use crate::system::show_point;

/// Largest distance of coinciding nodes over the length of the shortest boundary edge.
const TOLERANCE: f64 = 1e-6;

/// Nodes that coincide with another node of a lower number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duplicates {
    /// Number of these nodes.
    pub count: u64,
    /// The corner of their bounding box with the smallest coordinates (m).
    pub low: [f64; 2],
    /// The corner with the largest coordinates (m).
    pub high: [f64; 2],
}

impl Duplicates {
    const NONE: Self = Self { count: 0, low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };

    /// Returns a warning with the remedy, if there are any.
    pub fn warning(&self) -> Option<String> {
        let Self { count, low, high } = *self;
        let lie = if count == 1 { "node lies" } else { "nodes lie" };
        (count > 0).then(|| {
            format!(
                "{count} {lie} at the place of another one, from {} to {}: the parts of the mesh have no common nodes \
                 there, so nothing flows across; where that is not meant join them, in Gmsh by Coherence or \
                 BooleanFragments before meshing",
                show_point(low),
                show_point(high)
            )
        })
    }
}

/// Finds the nodes of `free` edges (element, side) that coincide with another one. In a conforming
/// mesh no other nodes can. **Collective.**
pub fn find_duplicates(comm: &Comm, mesh: &LocalMesh, free: &[(usize, usize)]) -> Duplicates {
    let reach = TOLERANCE * shortest_edge(comm, mesh, free);
    if !(reach > 0.0 && reach.is_finite()) {
        return Duplicates::NONE;
    }
    let (mut outgoing_cells, mut outgoing_points) = (Outgoing::new(), Outgoing::new());
    for node in owned_nodes(mesh, free) {
        let (id, point) = (mesh.node_ids[node], mesh.coordinates[node]);
        // Coordinates that are not finite are an error of another check.
        if !point.iter().all(|v| v.is_finite()) {
            continue;
        }
        for cell in cells(point, reach) {
            let rank = hash_rank(cell, comm.size());
            outgoing_cells.to(rank).extend([cell[0] as GlobalIndex, cell[1] as GlobalIndex, id]);
            outgoing_points.to(rank).extend(point);
        }
    }
    let (cells, points) = (comm.sparse_exchange(outgoing_cells), comm.sparse_exchange(outgoing_points));
    let (cells, points) = (concat(cells), concat(points));
    let (mut low, mut high) = (Duplicates::NONE.low, Duplicates::NONE.high);
    let mut found = Outgoing::new();
    for (id, point) in coincident(cells.as_chunks::<3>().0, points.as_chunks::<2>().0, reach) {
        // A pair may be in several cells: one rank counts each node.
        found.to((id % comm.size() as u64) as usize).push(id);
        for axis in 0..2 {
            (low[axis], high[axis]) = (point[axis].min(low[axis]), point[axis].max(high[axis]));
        }
    }
    let distinct: FxHashSet<GlobalIndex> = concat(comm.sparse_exchange(found)).into_iter().collect();
    let (low, high) = (comm.min_all(&low), comm.max_all(&high));
    Duplicates { count: comm.sum(distinct.len() as u64), low: [low[0], low[1]], high: [high[0], high[1]] }
}

/// Returns the owned nodes of edges.
fn owned_nodes(mesh: &LocalMesh, edges: &[(usize, usize)]) -> Vec<usize> {
    let nodes = edges.iter().flat_map(|&(element, side)| EDGES[side].map(|i| mesh.elements[element][i] as usize));
    let mut owned: Vec<usize> = nodes.filter(|&node| node < mesh.owned_nodes).collect();
    owned.sort_unstable();
    owned.dedup();
    owned
}

/// Returns the length (m), from end to end, of the shortest edge with a positive one.
/// **Collective.**
fn shortest_edge(comm: &Comm, mesh: &LocalMesh, edges: &[(usize, usize)]) -> f64 {
    let length = |&(element, side): &(usize, usize)| {
        let [a, _, b] = EDGES[side];
        let [[xa, ya], [xb, yb]] = [a, b].map(|i| mesh.coordinates[mesh.elements[element][i] as usize]);
        (xb - xa).hypot(yb - ya)
    };
    let lengths = edges.iter().map(length).filter(|&length| length > 0.0);
    comm.min(lengths.fold(f64::INFINITY, f64::min))
}

/// Returns the grid cells within reach of a point: at most four, and mostly one, since a cell is
/// much wider than the reach.
fn cells([x, y]: [f64; 2], reach: f64) -> Vec<[i64; 2]> {
    let width = 64.0 * reach;
    let of = |v: f64| [((v - reach) / width).floor() as i64, ((v + reach) / width).floor() as i64];
    let ([left, right], [below, above]) = (of(x), of(y));
    let mut cells = vec![[left, below], [right, below], [left, above], [right, above]];
    cells.sort_unstable();
    cells.dedup();
    cells
}

/// Returns the rank that compares the points of a cell.
fn hash_rank([i, j]: [i64; 2], ranks: usize) -> usize {
    let mixed = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (j as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    ((mixed >> 32) % ranks as u64) as usize
}

/// Returns the nodes of each cell that coincide with one of a lower number, with their points.
fn coincident(records: &[[GlobalIndex; 3]], points: &[[f64; 2]], reach: f64) -> Vec<(GlobalIndex, [f64; 2])> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_unstable_by_key(|&i| records[i]);
    let mut first: FxHashMap<[GlobalIndex; 2], Vec<[f64; 2]>> = FxHashMap::default();
    let mut found = Vec::new();
    for i in order {
        let ([a, b, id], [x, y]) = (records[i], points[i]);
        let places = first.entry([a, b]).or_default();
        if places.iter().any(|[px, py]| (px - x).hypot(py - y) <= reach) {
            found.push((id, [x, y]));
        } else {
            places.push([x, y]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_across_the_line_between_cells_meet() {
        let reach = 0.1;
        let [a, b] = [6.4 - 0.04, 6.4 + 0.04].map(|x| cells([x, 1.0], reach));
        assert!(a.iter().any(|cell| b.contains(cell)));
        assert_eq!(cells([3.2, 3.2], reach), [[0, 0]]);
    }

    #[test]
    fn of_three_nodes_in_one_place_two_are_too_many() {
        let records = [[0, 0, 7], [0, 0, 3], [0, 0, 5], [0, 1, 9]];
        let mut found = coincident(&records, &[[1.0, 1.0]; 4], 0.1);
        found.sort_unstable_by_key(|(id, _)| *id);
        assert_eq!(found, [(5, [1.0; 2]), (7, [1.0; 2])]);
    }
}
