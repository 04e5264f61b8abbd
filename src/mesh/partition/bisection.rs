//! Recursive bisection: some ranks bisect a graph by METIS, each with a seed of its own, and the
//! ranks of the parts go on with the halves of the best bisection.
//!
//! All rounds together take about twice as long as the first one, whatever the number of parts: the
//! graphs of a round have half as many vertices as those before, and different ranks bisect them.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::mesh::partition::edges::Link;
use crate::mesh::partition::graph::Rows;
use crate::parallel::{Comm, Outgoing};

/// Most bisections of a graph to choose from.
pub const TRIALS: u32 = 8;

/// Graph that becomes some consecutive parts.
#[derive(Debug, Default)]
pub struct Piece {
    /// The parts.
    pub parts: Range<u32>,
    /// Vertices: the rank that has each, its number there, and its weight.
    pub vertices: Vec<[u32; 3]>,
    /// Edges between the vertices, by their positions.
    pub links: Vec<Link>,
}

impl Piece {
    /// Returns the rank of each trial, where the largest piece of all had so many parts. A rank has
    /// several trials where all together take at most half as long as one of the largest piece.
    fn ranks(&self, largest: u32, rank_of: impl Fn(u32) -> usize) -> impl Iterator<Item = usize> {
        let trials = TRIALS.min((self.parts.len() as u32).max(largest / 2));
        self.parts.clone().cycle().take(trials as usize).map(rank_of)
    }

    /// Returns the ranks with trials.
    fn trial_ranks(&self, largest: u32, rank_of: impl Fn(u32) -> usize) -> Vec<usize> {
        let mut ranks: Vec<usize> = self.ranks(largest, rank_of).take(self.parts.len()).collect();
        ranks.dedup();
        ranks
    }

    /// Returns the best of the trials with these numbers.
    fn bisect(&self, trials: impl Iterator<Item = usize>, seed: i32) -> Result<Option<Trial>> {
        let weights: Vec<i32> = self.vertices.iter().map(|&[_, _, weight]| weight as i32).collect();
        let rows = Rows::new(self.vertices.len(), self.links.iter().copied());
        let graph = rows.graph(Some(&weights));
        let mut best: Option<Trial> = None;
        for number in trials {
            let side = graph.bisect(self.parts.len(), seed.wrapping_add(number as i32))?;
            let rating = [self.excess(&side), graph.cut(&side), number as u64];
            if best.as_ref().is_none_or(|best| rating < best.rating) {
                best = Some(Trial { rating, side });
            }
        }
        Ok(best)
    }

    /// Returns the thousandths by which the weight of the lower half of the parts differs from its
    /// share: at least one, which METIS takes for even.
    fn excess(&self, side: &[i32]) -> u64 {
        let weights = self.vertices.iter().map(|vertex| u64::from(vertex[2]));
        let below: u64 = weights.clone().zip(side).filter(|&(_, &side)| side == 0).map(|(weight, _)| weight).sum();
        let parts = self.parts.len() as u64;
        let share = weights.sum::<u64>() * (parts / 2) / parts;
        (1000 * below.abs_diff(share) / share.max(1)).max(1)
    }

    /// Splits the graph with its parts.
    fn split(&self, side: &[i32]) -> [Self; 2] {
        let Range { start, end } = self.parts;
        let middle = start + (end - start) / 2;
        let mut halves = [start..middle, middle..end].map(|parts| Self { parts, ..Self::default() });
        let mut position = Vec::with_capacity(side.len());
        for (&vertex, &side) in self.vertices.iter().zip(side) {
            let vertices = &mut halves[side as usize].vertices;
            position.push(vertices.len() as u32);
            vertices.push(vertex);
        }
        for &(ends, weight) in &self.links {
            let [a, b] = ends.map(|vertex| side[vertex as usize]);
            if a == b {
                halves[a as usize].links.push((ends.map(|vertex| position[vertex as usize]), weight));
            }
        }
        halves
    }

    /// Appends the piece to a message.
    fn write(&self, message: &mut Vec<u32>) {
        message.extend([self.parts.start, self.parts.end, self.vertices.len() as u32, self.links.len() as u32]);
        message.extend(self.vertices.as_flattened());
        message.extend(self.links.iter().flat_map(|&([a, b], weight)| [a, b, weight]));
    }

    /// Takes the next piece from a message.
    fn read(message: &mut &[u32]) -> Option<Self> {
        let &[start, end, vertices, links] = message.split_off(..4)?.as_chunks().0.first()?;
        let vertices = message.split_off(..3 * vertices as usize)?.as_chunks().0.to_vec();
        let links = message.split_off(..3 * links as usize)?.as_chunks().0.iter();
        Some(Self { parts: start..end, vertices, links: links.map(|&[a, b, weight]| ([a, b], weight)).collect() })
    }
}

/// Bisection of a piece.
struct Trial {
    /// Its excess, its edge cut and the number of the trial: less is better.
    rating: [u64; 3],
    /// Side of each vertex.
    side: Vec<i32>,
}

/// Bisects the pieces of all ranks again and again, until each is a part. `rank_of` names a rank
/// for each part. Returns the part of each of the `count` vertices of this rank, and the weight of
/// the edges that were cut here. **Collective.**
///
/// # Errors
/// METIS fails.
pub fn divide(
    comm: &Comm,
    mut pieces: Vec<Piece>,
    rank_of: impl Fn(u32) -> usize,
    count: usize,
    seed: i32,
) -> Result<(Vec<u32>, u64)> {
    let largest = comm.max(pieces.iter().map(|piece| piece.parts.len() as u32).max().unwrap_or(1));
    let mut edge_cut = 0;
    for _ in 0..largest.next_power_of_two().ilog2() {
        let (parts, larger): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|piece| piece.parts.len() == 1);
        pieces = parts;
        let ranks = |piece: &Piece| piece.trial_ranks(largest, &rank_of);
        let larger = exchange(comm, larger, ranks);
        let of_rank = |piece: &Piece| {
            let trials = piece.ranks(largest, &rank_of).enumerate();
            piece.bisect(trials.filter(|&(_, rank)| rank == comm.rank()).map(|(number, _)| number), seed)
        };
        let trials = comm.agree(larger.iter().map(of_rank).collect::<Result<Vec<_>>>())?;
        let trials: Vec<(Piece, Trial)> =
            larger.into_iter().zip(trials).filter_map(|(piece, trial)| Some((piece, trial?))).collect();
        let best = best(comm, &trials, ranks);
        for (piece, trial) in trials.iter().filter(|(piece, trial)| best.get(&piece.parts.start) == Some(&trial.rating))
        {
            edge_cut += trial.rating[1];
            pieces.extend(piece.split(&trial.side));
        }
    }
    let mut outgoing = Outgoing::new();
    for piece in pieces {
        for [rank, number, _] in piece.vertices {
            outgoing.to(rank as usize).extend([number, piece.parts.start]);
        }
    }
    let mut parts = vec![0; count];
    for &[number, part] in comm.sparse_exchange(outgoing).iter().flat_map(|(_, message)| message.as_chunks().0) {
        parts[number as usize] = part;
    }
    Ok((parts, edge_cut))
}

/// Sends the pieces to these ranks of their trials, and returns those that come to this one.
/// **Collective.**
fn exchange(comm: &Comm, pieces: Vec<Piece>, ranks: impl Fn(&Piece) -> Vec<usize>) -> Vec<Piece> {
    let mut outgoing = Outgoing::new();
    for piece in pieces {
        ranks(&piece).into_iter().for_each(|rank| piece.write(outgoing.to(rank)));
    }
    let mut received = Vec::new();
    for (_, message) in comm.sparse_exchange(outgoing) {
        let mut rest = &message[..];
        received.extend(std::iter::from_fn(|| Piece::read(&mut rest)));
    }
    received
}

/// Returns the best rating of each piece of this rank, by its first part. `ranks` names those with
/// trials of a piece. **Collective.**
fn best(comm: &Comm, trials: &[(Piece, Trial)], ranks: impl Fn(&Piece) -> Vec<usize>) -> FxHashMap<u32, [u64; 3]> {
    let mut outgoing = Outgoing::new();
    for (piece, trial) in trials {
        let [excess, cut, number] = trial.rating;
        let message = [u64::from(piece.parts.start), excess, cut, number];
        ranks(piece).into_iter().for_each(|rank| outgoing.to(rank).extend(message));
    }
    let mut best = FxHashMap::default();
    for &[part, excess, cut, number] in comm.sparse_exchange(outgoing).iter().flat_map(|(_, list)| list.as_chunks().0) {
        let rating = [excess, cut, number];
        best.entry(part as u32).and_modify(|best: &mut [u64; 3]| *best = rating.min(*best)).or_insert(rating);
    }
    best
}

/// Divides a piece with the numbers 0, 1, ... of its vertices on this rank alone. Returns what
/// [`divide`] does.
#[cfg(test)]
pub fn divide_alone(piece: Piece, seed: i32) -> (Vec<u32>, u64) {
    let (mut parts, mut edge_cut) = (vec![0; piece.vertices.len()], 0);
    let mut pieces = vec![piece];
    while let Some(piece) = pieces.pop() {
        if piece.parts.len() > 1 {
            let trial = piece.bisect(0..1, seed).unwrap().unwrap();
            edge_cut += trial.rating[1];
            pieces.extend(piece.split(&trial.side));
        } else {
            piece.vertices.iter().for_each(|&[_, number, _]| parts[number as usize] = piece.parts.start);
        }
    }
    (parts, edge_cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::partition::PartitionOptions;

    fn divide(weights: &[u32], links: Vec<Link>, parts: u32) -> (Vec<u32>, u64) {
        let vertices = (0..).zip(weights).map(|(number, &weight)| [0, number, weight]).collect();
        divide_alone(Piece { parts: 0..parts, vertices, links }, PartitionOptions::SEED)
    }

    /// Links of vertices in a row.
    fn path(count: u32) -> Vec<Link> {
        (1..count).map(|v| ([v - 1, v], 1)).collect()
    }

    #[test]
    fn heavy_vertices_get_a_part_of_their_own() {
        let (part, cut) = divide(&[1, 1, 1, 1, 1, 1, 6, 6], path(8), 3);
        assert_eq!(cut, 2);
        assert!((0..6).all(|v| part[v] == part[0]), "{part:?}");
    }

    #[test]
    fn light_edges_are_cut() {
        assert_eq!(divide(&[1; 4], vec![([0, 1], 9), ([1, 2], 1), ([2, 3], 9)], 2).1, 1);
    }

    #[test]
    fn a_graph_in_two_pieces_is_split_too() {
        let mut links = path(20);
        links.remove(9);
        let (part, _) = divide(&[1; 20], links, 3);
        assert!((0..3).all(|p| part.contains(&p)));
    }

    #[test]
    fn pieces_are_the_same_after_a_message() {
        let pieces = [(3..7, 2), (9..10, 0)].map(|(parts, count)| Piece {
            parts,
            vertices: (0..count).map(|v| [1, v, 5]).collect(),
            links: path(count),
        });
        let mut message = Vec::new();
        pieces.iter().for_each(|piece| piece.write(&mut message));
        let mut rest = &message[..];
        for piece in pieces {
            assert_eq!(format!("{piece:?}"), format!("{:?}", Piece::read(&mut rest).unwrap()));
        }
        assert!(Piece::read(&mut rest).is_none());
    }
}
