//! Values at the nodes of a named boundary, in their order along it.

use rustc_hash::FxHashMap;

use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::parallel::Comm;
use crate::post::probe::{NodeColumn, ProbeRow};
use crate::quad8::edge_gauss;

/// Edge of a boundary, of which rank 0 gathers all.
struct Edge {
    /// Place in the order of the elements and their sides.
    key: u64,
    /// Global numbers of the two corners.
    corners: [u64; 2],
    /// Positions (m) of corner, middle and corner.
    points: [[f64; 2]; 3],
    /// Values of the columns at the three nodes, one node after the other.
    values: Vec<f64>,
}

/// Samples the columns at the nodes of a boundary on rank 0. Each piece starts at an end of its
/// curve, or on a closed curve at the first edge in the order of the elements; its distances start
/// at 0. **Collective.**
pub fn sample(comm: &Comm, mesh: &LocalMesh, columns: &[NodeColumn], boundary: u16) -> Vec<ProbeRow> {
    let mut edges = gather(comm, mesh, columns, boundary);
    edges.sort_unstable_by_key(|edge| edge.key);
    rows(&edges)
}

/// Gathers the edges of a boundary on rank 0. **Collective.**
fn gather(comm: &Comm, mesh: &LocalMesh, columns: &[NodeColumn], boundary: u16) -> Vec<Edge> {
    let is_mine = |edge: &&BoundaryEdge| edge.boundary == boundary && (edge.element as usize) < mesh.own_elements;
    let (mut numbers, mut values) = (Vec::new(), Vec::new());
    for edge in mesh.boundary.iter().filter(is_mine) {
        let nodes = edge.nodes(mesh).map(|node| node as usize);
        let key = 4 * mesh.element_ids[edge.element as usize] + u64::from(edge.side);
        numbers.extend([key, mesh.node_ids[nodes[0]], mesh.node_ids[nodes[2]]]);
        values.extend(nodes.iter().flat_map(|&node| mesh.coordinates[node]));
        values.extend(nodes.iter().flat_map(|&node| columns.iter().map(move |column| (column.value)(node))));
    }
    let numbers = comm.gather_at_root(numbers).concat();
    let values = comm.gather_at_root(values).concat();
    let edge = |(&[key, from, to], values): (&[u64; 3], &[f64])| {
        let (points, values) = values.split_at(6);
        let point = |i: usize| [points[2 * i], points[2 * i + 1]];
        Edge { key, corners: [from, to], points: [0, 1, 2].map(point), values: values.to_vec() }
    };
    numbers.as_chunks::<3>().0.iter().zip(values.chunks_exact(6 + 3 * columns.len())).map(edge).collect()
}

/// Connects the edges to curves and returns the rows of their nodes.
fn rows(edges: &[Edge]) -> Vec<ProbeRow> {
    let mut at_node: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for (i, edge) in edges.iter().enumerate() {
        edge.corners.iter().for_each(|&node| at_node.entry(node).or_default().push(i));
    }
    let is_end = |node: u64| at_node[&node].len() != 2;
    let mut is_done = vec![false; edges.len()];
    let mut rows = Vec::new();
    // Curves with an end first, in the direction of their edges where possible; then closed ones.
    type Start<'a> = &'a dyn Fn(&Edge) -> Option<u64>;
    let starts: [Start; 3] = [
        &|edge| Some(edge.corners[0]).filter(|&node| is_end(node)),
        &|edge| Some(edge.corners[1]).filter(|&node| is_end(node)),
        &|edge| Some(edge.corners[0]),
    ];
    for start in starts {
        for first in 0..edges.len() {
            let Some(mut node) = start(&edges[first]).filter(|_| !is_done[first]) else { continue };
            let (mut next, mut distance) = (Some(first), 0.0);
            while let Some(i) = next {
                is_done[i] = true;
                let steps = steps(&edges[i], node);
                let skipped = if i == first { 0 } else { 1 };
                rows.extend(
                    steps.iter().skip(skipped).map(|(row, at)| ProbeRow { distance: distance + at, ..row.clone() }),
                );
                distance += steps[2].1;
                let [from, to] = edges[i].corners;
                node = if node == from { to } else { from };
                let others = if is_end(node) { &[][..] } else { &at_node[&node] };
                next = others.iter().copied().find(|&other| !is_done[other]);
            }
        }
    }
    rows
}

/// Returns the rows of the three nodes of an edge and their distances (m) along it from the corner
/// `from`.
fn steps(edge: &Edge, from: u64) -> [(ProbeRow, f64); 3] {
    let order = if edge.corners[0] == from { [0, 1, 2] } else { [2, 1, 0] };
    let [a, m, b] = order.map(|i| edge.points[i]);
    // The half of a quadratic edge is a quadratic edge.
    let quarter = [0, 1].map(|axis| 0.375 * a[axis] + 0.75 * m[axis] - 0.125 * b[axis]);
    let length = |nodes: [[f64; 2]; 3]| edge_gauss(&nodes).iter().map(|point| point.length).sum::<f64>();
    let distances = [0.0, length([a, quarter, m]), length([a, m, b])];
    let width = edge.values.len() / 3;
    [0, 1, 2].map(|k| {
        let i = order[k];
        let values = edge.values[i * width..(i + 1) * width].to_vec();
        (ProbeRow { probe: 0, point: edge.points[i], values, distance: 0.0 }, distances[k])
    })
}
