//! Bisection of a graph by METIS.
//!
//! G. Karypis, V. Kumar, *A Fast and High Quality Multilevel Scheme for Partitioning Irregular
//! Graphs*, SIAM J. Sci. Comput. 20 (1998).

use std::ops::Range;

use metis::option::Seed;

use crate::error::{Error, Result};
use crate::mesh::partition::edges::Link;
use crate::parallel::{Keyed, group_by_key, loops};
use crate::system::run_metis;

/// Undirected graph in compressed rows, as METIS reads it.
#[derive(Clone, Copy)]
pub struct Graph<'a> {
    /// Start of the neighbours of each vertex, and the end of the last ones.
    pub offsets: &'a [i32],
    /// Neighbours of all vertices.
    pub neighbours: &'a [i32],
    /// Weight of each vertex; all 1 without.
    pub vertex_weights: Option<&'a [i32]>,
    /// Weight of the edge to each neighbour; all 1 without.
    pub edge_weights: Option<&'a [i32]>,
}

impl Graph<'_> {
    /// Returns the number of vertices.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Returns the positions of the neighbours of a vertex.
    pub fn around(&self, vertex: usize) -> Range<usize> {
        self.offsets[vertex] as usize..self.offsets[vertex + 1] as usize
    }

    /// Returns the weight of the edge to the neighbour at this position.
    pub fn edge_weight(&self, at: usize) -> i32 {
        self.edge_weights.map_or(1, |weights| weights[at])
    }

    /// Divides the vertices between the lower half of so many parts and the other ones, by the
    /// weight. Returns 0 or 1 for each vertex. Either half has as many vertices as parts where
    /// there are enough.
    ///
    /// # Errors
    /// METIS fails.
    pub fn bisect(&self, parts: usize, seed: i32) -> Result<Vec<i32>> {
        let low = parts / 2;
        if self.len() <= parts {
            return Ok((0..self.len()).map(|vertex| i32::from(vertex >= low)).collect());
        }
        let share = low as f32 / parts as f32;
        let shares = [share, 1.0 - share];
        let graph = metis::Graph::new(1, 2, self.offsets, self.neighbours).map_err(|e| failed(e.into()))?;
        let mut graph = graph.set_tpwgts(&shares).set_option(Seed(seed));
        if let Some(weights) = self.vertex_weights {
            graph = graph.set_vwgt(weights);
        }
        if let Some(weights) = self.edge_weights {
            graph = graph.set_adjwgt(weights);
        }
        let mut side = vec![0; self.len()];
        run_metis(|| graph.part_recursive(&mut side)).map_err(failed)?;
        fill(&mut side, [low, parts - low]);
        Ok(side)
    }

    /// Returns the weight of all edges between the two sides.
    pub fn cut(&self, side: &[i32]) -> u64 {
        let ends = (0..self.len()).flat_map(|v| self.around(v).map(move |at| (v, at)));
        let cut = ends.filter(|&(v, at)| {
            let neighbour = self.neighbours[at] as usize;
            v < neighbour && side[v] != side[neighbour]
        });
        cut.map(|(_, at)| self.edge_weight(at) as u64).sum()
    }
}

/// Moves vertices to a side with fewer than that of `fewest`: METIS may leave too few of a tiny
/// graph.
fn fill(side: &mut [i32], fewest: [usize; 2]) {
    for (to, fewest) in (0..).zip(fewest) {
        let count = side.iter().filter(|&&s| s == to).count();
        let others = side.iter_mut().filter(|s| **s != to);
        others.take(fewest.saturating_sub(count)).for_each(|s| *s = to);
    }
}

/// Converts an error of METIS, which takes SIGTERM for an error of its own.
pub fn failed(cause: metis::Error) -> Error {
    let hint = if matches!(cause, metis::Error::Other) { ", as it does where a SIGTERM ends the job" } else { "" };
    Error::internal(format!("METIS failed{hint}: {cause}"))
}

/// Returns the error of more items than the 32-bit numbers of METIS can count.
pub fn too_large(what: &str, count: u64, limit: u64) -> Error {
    Error::input(format!(
        "the mesh has {count} {what}, more than the {limit} that METIS with 32-bit numbers takes: \
         start from a coarser mesh and use --refine"
    ))
}

/// Rows of an undirected graph, built from its edges.
pub struct Rows {
    offsets: Vec<i32>,
    neighbours: Vec<i32>,
    weights: Vec<i32>,
}

impl Rows {
    /// Builds the rows of a graph, ascending, from the links between its vertices. Links of the
    /// same pair are one edge with the sum of their weights; links within a vertex are left out.
    pub fn new(vertices: usize, links: impl Iterator<Item = Link> + Clone + Sync) -> Self {
        let (starts, mut entries) = group_by_key(&Ends(links), vertices, loops::worthwhile_threads(vertices));
        let mut rows = Self::with_capacity(vertices, entries.len());
        for ends in starts.windows(2) {
            rows.push(&mut entries[ends[0] as usize..ends[1] as usize]);
        }
        rows
    }

    fn with_capacity(vertices: usize, entries: usize) -> Self {
        let mut offsets = Vec::with_capacity(vertices + 1);
        offsets.push(0);
        Self { offsets, neighbours: Vec::with_capacity(entries), weights: Vec::with_capacity(entries) }
    }

    /// Appends a row of [neighbour, weight] in any order.
    fn push(&mut self, entries: &mut [[u32; 2]]) {
        entries.sort_unstable();
        let start = self.neighbours.len();
        for &[neighbour, weight] in &*entries {
            let is_same = self.neighbours[start..].last() == Some(&(neighbour as i32));
            match self.weights.last_mut().filter(|_| is_same) {
                Some(sum) => *sum += weight as i32,
                None => {
                    self.neighbours.push(neighbour as i32);
                    self.weights.push(weight as i32);
                }
            }
        }
        self.offsets.push(self.neighbours.len() as i32);
    }

    /// Merges vertices. `of` has the new vertex of each vertex, below `count`. Edges between the same
    /// new vertices become one with the sum of their weights, and edges within one are left out.
    pub fn merged(&self, of: &[u32], count: usize) -> Self {
        let (starts, members) = group_by_key(&Members(of), count, loops::worthwhile_threads(of.len()));
        let graph = self.graph(None);
        let mut rows = Self::with_capacity(count, graph.neighbours.len() / 2);
        let mut entries: Vec<[u32; 2]> = Vec::new();
        for (vertex, ends) in (0..).zip(starts.windows(2)) {
            entries.clear();
            for &member in &members[ends[0] as usize..ends[1] as usize] {
                for at in graph.around(member as usize) {
                    let neighbour = of[graph.neighbours[at] as usize];
                    if neighbour != vertex {
                        entries.push([neighbour, graph.edge_weight(at) as u32]);
                    }
                }
            }
            rows.push(&mut entries);
        }
        rows
    }

    /// Returns each edge once, the lower vertex first, ascending.
    pub fn links(&self) -> impl Iterator<Item = Link> + Clone + '_ {
        let rows = self.offsets.windows(2).map(|ends| ends[0] as usize..ends[1] as usize);
        rows.zip(0..).flat_map(move |(row, vertex)| {
            let entries = row.map(move |at| ([vertex, self.neighbours[at] as u32], self.weights[at] as u32));
            entries.filter(|([a, b], _)| a < b)
        })
    }

    /// Returns the graph, with these weights of its vertices.
    pub fn graph<'a>(&'a self, vertex_weights: Option<&'a [i32]>) -> Graph<'a> {
        Graph {
            offsets: &self.offsets,
            neighbours: &self.neighbours,
            vertex_weights,
            edge_weights: Some(&self.weights),
        }
    }
}

/// The other vertex and the weight of each link, by its vertices; no links within a vertex.
struct Ends<L>(L);

impl<L: Iterator<Item = Link> + Clone + Sync> Keyed for Ends<L> {
    type Item = [u32; 2];

    fn visit(&self, vertices: Range<usize>, mut put: impl FnMut(usize, Self::Item)) {
        for ([a, b], weight) in self.0.clone().filter(|([a, b], _)| a != b) {
            for (from, to) in [(a as usize, b), (b as usize, a)] {
                if vertices.contains(&from) {
                    put(from, [to, weight]);
                }
            }
        }
    }
}

/// Vertices by the new vertex of each.
struct Members<'a>(&'a [u32]);

impl Keyed for Members<'_> {
    type Item = u32;

    fn visit(&self, merged: Range<usize>, mut put: impl FnMut(usize, u32)) {
        for (vertex, &of) in (0..).zip(self.0) {
            if merged.contains(&(of as usize)) {
                put(of as usize, vertex);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_a_vertex_for_each_part() {
        let mut side = [0, 0, 1, 0, 0];
        fill(&mut side, [2, 3]);
        assert_eq!(side, [1, 1, 1, 0, 0]);
        let rows = Rows::new(4, [([0, 1], 1), ([1, 2], 1), ([2, 3], 1)].into_iter());
        assert_eq!(rows.graph(Some(&[100, 1, 1, 1])).bisect(3, 1).unwrap().iter().sum::<i32>(), 3);
    }

    #[test]
    fn merged_vertices_have_the_edges_of_their_members() {
        let rows = Rows::new(5, [([0, 1], 1), ([1, 2], 2), ([2, 3], 3), ([0, 3], 4), ([3, 4], 5)].into_iter());
        let merged = rows.merged(&[1, 0, 0, 1, 2], 4);
        assert_eq!(merged.links().collect::<Vec<_>>(), [([0, 1], 4), ([1, 2], 5)]);
        assert_eq!(merged.graph(None).len(), 4);
    }

    #[test]
    fn links_are_added_up_whichever_way_round() {
        let rows = Rows::new(4, [([2, 1], 1), ([1, 2], 4), ([3, 3], 1), ([0, 1], 1)].into_iter());
        assert_eq!(rows.links().collect::<Vec<_>>(), [([0, 1], 1), ([1, 2], 5)]);
        assert_eq!(rows.neighbours, [1, 0, 2, 1]);
    }
}
