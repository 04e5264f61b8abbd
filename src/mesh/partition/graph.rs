//! METIS k-way partitioning of a graph on one rank.
//!
//! G. Karypis, V. Kumar, *Multilevel k-way Partitioning Scheme for Irregular
//! Graphs*, J. Parallel Distrib. Comput. 48 (1998).

use metis::option::{Contig, Seed};

use crate::error::{Error, Result};
use crate::mesh::partition::edges::Link;

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
    pub fn around(&self, vertex: usize) -> std::ops::Range<usize> {
        self.offsets[vertex] as usize..self.offsets[vertex + 1] as usize
    }

    /// Returns the weight of the edge to the neighbour at this position.
    pub fn edge_weight(&self, at: usize) -> i32 {
        self.edge_weights.map_or(1, |weights| weights[at])
    }

    /// Partitions the graph and returns the part of each vertex. No part is empty where there are
    /// enough vertices. Parts of a connected graph are connected where METIS succeeds.
    ///
    /// # Errors
    /// METIS fails.
    pub fn partition(&self, parts: usize, seed: i32) -> Result<Vec<i32>> {
        if parts >= self.len() {
            return Ok((0..self.len() as i32).collect());
        }
        // For a graph of several components METIS prints an error about contiguous parts to stdout.
        let contiguous = self.is_connected();
        let mut part = self.run(parts, seed, contiguous).or_else(|_| self.run(parts, seed, false))?;
        fill_empty(&mut part, parts);
        Ok(part)
    }

    /// Runs METIS, which may leave parts empty.
    fn run(&self, parts: usize, seed: i32, contiguous: bool) -> Result<Vec<i32>> {
        let mut part = vec![0; self.len()];
        let graph = metis::Graph::new(1, parts as i32, self.offsets, self.neighbours);
        let mut graph = graph.map_err(|e| failed(e.into()))?.set_option(Seed(seed)).set_option(Contig(contiguous));
        if let Some(weights) = self.vertex_weights {
            graph = graph.set_vwgt(weights);
        }
        if let Some(weights) = self.edge_weights {
            graph = graph.set_adjwgt(weights);
        }
        graph.part_kway(&mut part).map_err(failed)?;
        Ok(part)
    }

    /// Returns the weight of all edges between different parts.
    pub fn cut(&self, part: &[i32]) -> u64 {
        let ends = (0..self.len()).flat_map(|v| self.around(v).map(move |at| (v, at)));
        let cut = ends.filter(|&(v, at)| {
            let neighbour = self.neighbours[at] as usize;
            v < neighbour && part[v] != part[neighbour]
        });
        cut.map(|(_, at)| self.edge_weight(at) as u64).sum()
    }

    fn is_connected(&self) -> bool {
        let mut seen = vec![false; self.len()];
        let mut front = vec![0];
        seen[0] = true;
        let mut count = 0;
        while let Some(v) = front.pop() {
            count += 1;
            for &n in &self.neighbours[self.around(v)] {
                if !std::mem::replace(&mut seen[n as usize], true) {
                    front.push(n as usize);
                }
            }
        }
        count == seen.len()
    }
}

/// Moves a vertex of the largest part to each empty one: METIS leaves parts of tiny graphs empty.
fn fill_empty(part: &mut [i32], parts: usize) {
    let mut sizes = vec![0_usize; parts];
    part.iter().for_each(|&p| sizes[p as usize] += 1);
    for empty in 0..parts {
        if sizes[empty] > 0 {
            continue;
        }
        let Some(fullest) = (0..parts).max_by_key(|&p| (sizes[p], std::cmp::Reverse(p))) else { return };
        if let Some(p) = part.iter_mut().find(|p| **p == fullest as i32) {
            *p = empty as i32;
            sizes[fullest] -= 1;
            sizes[empty] += 1;
        }
    }
}

/// Converts an error of METIS.
pub fn failed(cause: metis::Error) -> Error {
    Error::internal(format!("METIS failed: {cause}"))
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
    pub fn new(vertices: usize, links: impl Iterator<Item = Link> + Clone) -> Self {
        let links = links.filter(|([a, b], _)| a != b);
        let mut ends = vec![0_u32; vertices + 1];
        for vertex in links.clone().flat_map(|(pair, _)| pair) {
            ends[vertex as usize + 1] += 1;
        }
        for v in 0..vertices {
            ends[v + 1] += ends[v];
        }
        let mut entries = vec![(0_u32, 0_u32); ends[vertices] as usize];
        // Each entry moves the end of its row, from the start of the row onwards.
        for ([a, b], weight) in links {
            for (from, to) in [(a, b), (b, a)] {
                let end = &mut ends[from as usize];
                entries[*end as usize] = (to, weight);
                *end += 1;
            }
        }
        let mut rows = Self::with_capacity(vertices, entries.len());
        let mut start = 0;
        for &end in &ends[..vertices] {
            rows.push(&mut entries[start..end as usize]);
            start = end as usize;
        }
        rows
    }

    fn with_capacity(vertices: usize, entries: usize) -> Self {
        let mut offsets = Vec::with_capacity(vertices + 1);
        offsets.push(0);
        Self { offsets, neighbours: Vec::with_capacity(entries), weights: Vec::with_capacity(entries) }
    }

    /// Appends a row of (neighbour, weight) in any order.
    fn push(&mut self, entries: &mut [(u32, u32)]) {
        entries.sort_unstable();
        for same in entries.chunk_by(|a, b| a.0 == b.0) {
            self.neighbours.push(same[0].0 as i32);
            self.weights.push(same.iter().map(|entry| entry.1).sum::<u32>() as i32);
        }
        self.offsets.push(self.neighbours.len() as i32);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Vertices in a row.
    fn path(n: u32) -> Rows {
        Rows::new(n as usize, (1..n).map(|v| ([v - 1, v], 1)))
    }

    #[test]
    fn heavy_vertices_get_a_part_of_their_own() {
        let weights = [1, 1, 1, 1, 1, 1, 6, 6];
        let rows = path(8);
        let graph = rows.graph(Some(&weights));
        let part = graph.partition(3, 1).unwrap();
        assert_eq!(graph.cut(&part), 2);
        assert!((0..6).all(|v| part[v] == part[0]), "{part:?}");
    }

    #[test]
    fn light_edges_are_cut() {
        let edges = [([0, 1], 9), ([1, 2], 1), ([2, 3], 9)];
        let rows = Rows::new(4, edges.into_iter());
        let graph = rows.graph(None);
        assert_eq!(graph.cut(&graph.partition(2, 1).unwrap()), 1);
    }

    #[test]
    fn a_graph_in_two_pieces_is_split_too() {
        let mut edges: Vec<_> = (1..20).map(|v| ([v - 1, v], 1)).collect();
        edges.remove(9);
        let part = Rows::new(20, edges.into_iter()).graph(None).partition(3, 1).unwrap();
        assert!((0..3).all(|p| part.contains(&p)));
    }

    #[test]
    fn links_are_added_up_whichever_way_round() {
        let rows = Rows::new(4, [([2, 1], 1), ([1, 2], 4), ([3, 3], 1), ([0, 1], 1)].into_iter());
        assert_eq!(rows.links().collect::<Vec<_>>(), [([0, 1], 1), ([1, 2], 5)]);
        assert_eq!(rows.neighbours, [1, 0, 2, 1]);
    }
}
