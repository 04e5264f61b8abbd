//! Refinement of a partition: boundary vertices move between parts.
//!
//! METIS 5.2 stops where no single move shortens the cut. From there, a local search accepts moves
//! that lengthen it for a while: the multi-try FM of P. Sanders, C. Schulz, *Engineering Multilevel
//! Graph Partitioning Algorithms*, ESA 2011.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::mesh::partition::graph::Graph;

/// Passes over the boundary.
const PASSES: usize = 2;
/// Moves without a shorter cut after which a search ends.
const PATIENCE: usize = 40;
/// Largest excess of a part over the mean load.
const EXCESS: f64 = 0.03;

/// Shortens the edge cut of a partition. No part becomes empty, or heavier than both the largest
/// one before and the limit: the mean load and one row of elements along a side of a square part,
/// at most 3 %.
pub fn refine(graph: &Graph, part: &mut [i32], parts: usize) {
    let mut search = Search::new(graph, part, parts);
    for pass in 0..PASSES {
        let mut gain = 0;
        for i in 0..graph.len() {
            let seed = if pass % 2 == 0 { i } else { graph.len() - 1 - i };
            if search.is_at_boundary(seed) {
                gain += search.run(seed);
            }
        }
        if gain == 0 {
            break;
        }
    }
}

/// Vertex that may move, ordered by gain.
type Candidate = (i64, Reverse<usize>);

/// Local searches for moves that shorten the cut.
struct Search<'a> {
    graph: &'a Graph<'a>,
    part: &'a mut [i32],
    /// Weight of each part.
    loads: Vec<i64>,
    /// Largest weight of a part.
    limit: i64,
    /// Last search that moved each vertex.
    moved: Vec<u32>,
    /// Number of this search.
    number: u32,
    candidates: BinaryHeap<Candidate>,
    /// Other parts around a vertex, with the weight of its edges to them.
    shared: Vec<(i32, i64)>,
    /// Moved vertices of this search, with their parts before.
    moves: Vec<(usize, i32)>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph<'a>, part: &'a mut [i32], parts: usize) -> Self {
        let mut loads = vec![0; parts];
        for (v, &p) in part.iter().enumerate() {
            loads[p as usize] += graph.vertex_weight(v);
        }
        let mean = loads.iter().sum::<i64>() as f64 / parts as f64;
        let limit = mean.ceil().max(mean + mean.sqrt().min(EXCESS * mean)) as i64;
        let moved = vec![0; graph.len()];
        let (candidates, shared, moves) = (BinaryHeap::new(), Vec::new(), Vec::new());
        Self { graph, part, loads, limit, moved, number: 0, candidates, shared, moves }
    }

    fn neighbours(&self, v: usize) -> impl Iterator<Item = usize> + use<'a> {
        let graph = self.graph;
        graph.around(v).map(|at| graph.neighbours[at] as usize)
    }

    fn is_at_boundary(&self, v: usize) -> bool {
        self.neighbours(v).any(|n| self.part[n] != self.part[v])
    }

    /// Searches from a vertex and keeps the moves up to the shortest cut. Returns by how much the
    /// cut is shorter.
    fn run(&mut self, seed: usize) -> i64 {
        self.number += 1;
        self.candidates.clear();
        self.moves.clear();
        self.push(seed);
        let (mut gain, mut best, mut kept) = (0, 0, 0);
        while self.moves.len() < kept + PATIENCE {
            let Some((expected, Reverse(v))) = self.candidates.pop() else { break };
            if self.moved[v] == self.number {
                continue;
            }
            let Some((real, to)) = self.best_move(v) else { continue };
            if real < expected {
                self.candidates.push((real, Reverse(v)));
                continue;
            }
            self.moves.push((v, self.part[v]));
            self.moved[v] = self.number;
            self.assign(v, to);
            gain += real;
            if gain > best {
                (best, kept) = (gain, self.moves.len());
            }
            self.neighbours(v).for_each(|n| self.push(n));
        }
        while self.moves.len() > kept {
            if let Some((v, before)) = self.moves.pop() {
                self.assign(v, before);
            }
        }
        best
    }

    /// Makes a vertex a candidate, unless it has moved in this search or cannot move.
    fn push(&mut self, v: usize) {
        if self.moved[v] != self.number
            && let Some((gain, _)) = self.best_move(v)
        {
            self.candidates.push((gain, Reverse(v)));
        }
    }

    /// Returns the move that shortens the cut most: by how much, and the part, the lightest of
    /// several.
    fn best_move(&mut self, v: usize) -> Option<(i64, i32)> {
        let (home, weight) = (self.part[v], self.graph.vertex_weight(v));
        let mut at_home = 0;
        self.shared.clear();
        for at in self.graph.around(v) {
            let (part, edge) = (self.part[self.graph.neighbours[at] as usize], i64::from(self.graph.edge_weight(at)));
            if part == home {
                at_home += edge;
            } else if let Some((_, sum)) = self.shared.iter_mut().find(|(other, _)| *other == part) {
                *sum += edge;
            } else {
                self.shared.push((part, edge));
            }
        }
        let left = self.loads[home as usize] - weight;
        let has_room = |load: i64| left > 0 && load + weight <= self.limit.max(left);
        let parts = self.shared.iter().map(|&(part, edges)| (edges, Reverse((self.loads[part as usize], part))));
        let best = parts.filter(|(_, Reverse((load, _)))| has_room(*load)).max();
        best.map(|(edges, Reverse((_, part)))| (edges - at_home, part))
    }

    /// Moves a vertex to a part.
    fn assign(&mut self, v: usize, part: i32) {
        let weight = self.graph.vertex_weight(v);
        self.loads[self.part[v] as usize] -= weight;
        self.loads[part as usize] += weight;
        self.part[v] = part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::partition::graph::Rows;

    /// A 12 x 12 grid.
    fn grid() -> Rows {
        let n = 12;
        let right = (0..n * n).filter(|v| v % n + 1 < n).map(|v| ([v, v + 1], 1));
        Rows::new((n * n) as usize, right.chain((0..n * n - n).map(|v| ([v, v + n], 1))))
    }

    #[test]
    fn bumps_and_dents_go_where_no_single_move_shortens_the_cut() {
        let is_upper = |v: i32| match (v / 12, v % 12) {
            (6..8, 5..7) => false,
            (4..6, 0..2) => true,
            (row, _) => row >= 6,
        };
        let mut part: Vec<i32> = (0..144).map(|v| i32::from(is_upper(v))).collect();
        let rows = grid();
        let graph = rows.graph(None);
        assert_eq!(graph.cut(&part), 18);
        refine(&graph, &mut part, 2);
        assert_eq!(graph.cut(&part), 12);
        assert!((70..=74).contains(&part.iter().sum::<i32>()));
    }

    #[test]
    fn no_part_becomes_empty() {
        let rows = Rows::new(3, [([0, 1], 1), ([1, 2], 1)].into_iter());
        let mut part = vec![0, 1, 0];
        refine(&rows.graph(None), &mut part, 2);
        assert!(part.contains(&0) && part.contains(&1), "{part:?}");
    }
}
