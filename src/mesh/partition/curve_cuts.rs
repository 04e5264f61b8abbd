//! Positions at which a space-filling curve is cut into pieces of given weight.

use std::ops::Range;

use crate::parallel::{BlockDistribution, Comm, Message, Outgoing};

/// Samples that a rank sends for [`Curve::split`].
const SAMPLES: usize = 128;

/// Elements of one rank along the curve.
pub struct Curve {
    /// Position of each on the curve, ascending.
    keys: Vec<u64>,
    /// Weight of all before each, and of all.
    below: Vec<u64>,
}

impl Curve {
    /// Sorts elements, given by key and weight.
    pub fn new(elements: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut elements: Vec<(u64, u64)> = elements.collect();
        elements.sort_unstable();
        let mut sum = 0;
        let add = |(_, weight): &(u64, u64)| {
            sum += weight;
            sum
        };
        let below = std::iter::once(0).chain(elements.iter().map(add)).collect();
        Self { keys: elements.iter().map(|element| element.0).collect(), below }
    }

    /// Returns the weight of all elements of this rank.
    pub fn weight(&self) -> u64 {
        self.below[self.keys.len()]
    }

    /// Returns the weight of the elements before a key.
    fn below(&self, key: u64) -> u64 {
        self.below[self.keys.partition_point(|&k| k < key)]
    }

    /// Returns the key of the element that contains this position, of the weight of all.
    fn at(&self, position: u64) -> u64 {
        self.keys[self.below.partition_point(|&below| below <= position) - 1]
    }

    /// Finds the keys that cut the curves of all ranks together so that the elements before each
    /// weigh as much as wanted, or `slack` more or less. Keys are below `end`. Elements of one key
    /// stay together. **Collective.**
    ///
    /// All cuts are bisected at once: V. Kale, S. Krishnan, *A Comparison Based Parallel Sorting
    /// Algorithm*, ICPP 1993.
    pub fn cut(&self, comm: &Comm, end: u64, wanted: &[u64], slack: u64) -> Vec<u64> {
        // Below the lower key lies less than wanted, below the upper one more.
        let mut brackets = vec![[0, end]; wanted.len()];
        while brackets.iter().any(|[low, high]| high - low > 1) {
            let middles: Vec<u64> = brackets.iter().map(|[low, high]| low.midpoint(*high)).collect();
            let below: Vec<u64> = middles.iter().map(|&key| self.below(key)).collect();
            let below = comm.sum_all(&below);
            for (((bracket, middle), below), &wanted) in brackets.iter_mut().zip(middles).zip(below).zip(wanted) {
                *bracket = match below {
                    _ if below.abs_diff(wanted) <= slack => [middle; 2],
                    _ if below < wanted => [middle, bracket[1]],
                    _ => [bracket[0], middle],
                };
            }
        }
        brackets.iter().map(|bracket| bracket[0]).collect()
    }

    /// Returns keys that split the curves of these consecutive ranks together into as many pieces
    /// of about equal weight, without the start of the first one. A rank without elements may
    /// receive none. Ranks of other groups do the same meanwhile. **Collective.**
    ///
    /// The first rank chooses the keys from regular samples: H. Shi, J. Schaeffer, *Parallel
    /// Sorting by Regular Sampling*, J. Parallel Distrib. Comput. 14 (1992).
    pub fn split(&self, comm: &Comm, ranks: Range<usize>) -> Vec<u64> {
        let mut outgoing = Outgoing::new();
        if self.weight() > 0 && ranks.len() > 1 {
            let message = outgoing.to(ranks.start);
            message.push(self.weight());
            let samples = BlockDistribution::new(self.weight(), SAMPLES);
            message.extend((0..SAMPLES).map(|i| self.at(samples.range(i).start)));
        }
        let incoming = comm.sparse_exchange(outgoing);
        let keys = choose(&incoming, ranks.len());
        let answers: Vec<Message<u64>> = incoming.into_iter().map(|(rank, _)| (rank, keys.clone())).collect();
        comm.sparse_exchange(Outgoing::from(answers)).pop().map(|message| message.1).unwrap_or_default()
    }
}

/// Returns keys that split the elements which the samples stand for into pieces of equal weight.
fn choose(samples: &[Message<u64>], pieces: usize) -> Vec<u64> {
    let of_rank = |message: &[u64]| {
        let (weight, keys) = message.split_first().unwrap_or((&0, &[]));
        let blocks = BlockDistribution::new(*weight, keys.len().max(1));
        let length = |i: usize| blocks.range(i).end - blocks.range(i).start;
        keys.iter().enumerate().map(|(i, &key)| (key, length(i))).collect::<Vec<_>>()
    };
    let curve = Curve::new(samples.iter().flat_map(|(_, message)| of_rank(message)));
    let wanted = BlockDistribution::new(curve.weight(), pieces);
    let has_weight = curve.weight() > 0;
    (1..pieces).filter(|_| has_weight).map(|piece| curve.at(wanted.range(piece).start)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_weighed_up_to_its_keys() {
        let curve = Curve::new([(30, 4), (10, 1), (20, 2), (20, 3)].into_iter());
        assert_eq!(curve.weight(), 10);
        assert_eq!([0, 10, 20, 25, 30, 31].map(|key| curve.below(key)), [0, 0, 1, 6, 6, 10]);
        assert_eq!([0, 1, 2, 5, 6, 9].map(|position| curve.at(position)), [10, 20, 20, 20, 30, 30]);
    }

    #[test]
    fn samples_split_their_elements_evenly() {
        let message = |rank: u64, stride: u64| {
            let keys = (0..SAMPLES as u64).map(|i| rank + i * stride);
            (rank as usize, std::iter::once(1 << 20).chain(keys).collect())
        };
        let keys = choose(&[message(0, 3), message(1, 3), message(2, 3)], 4);
        let third = SAMPLES as u64 * 3;
        assert_eq!(keys, [third / 4, third / 2, third * 3 / 4]);
        assert!(choose(&[], 4).is_empty());
        assert_eq!(choose(&[(0, vec![1, 7, 7])], 3), [7, 7]);
    }
}
