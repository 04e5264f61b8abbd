//! Batches that threads can add to their nodes at the same time.

use std::ops::Range;

use rayon::prelude::*;

use super::order::NodeList;
use crate::la::Scalar;
use crate::parallel::{Local, loops};

/// Batches that are applied together, and the range of nodes they touch.
struct Chunk {
    batches: Range<usize>,
    nodes: Range<usize>,
}

/// A list of batches in chunks, of which every second one shares no node.
pub struct Chunks(Vec<Chunk>);

impl Chunks {
    /// Cuts batches into chunks as small as can be while chunks of equal parity
    /// share no node, or into one chunk if that cannot be.
    pub fn new(batches: &[impl NodeList]) -> Self {
        const SMALLEST: usize = 64;
        let range = |[low, high]: [usize; 2], node: &Local| [low.min(*node as usize), high.max(*node as usize + 1)];
        let range = |batch: &_| NodeList::nodes(batch).iter().flatten().fold([usize::MAX, 0], range);
        let ranges: Vec<[usize; 2]> = batches.par_iter().with_min_len(SMALLEST).map(range).collect();
        let mut size = SMALLEST;
        loop {
            let cut: Vec<Chunk> = ranges
                .chunks(size)
                .enumerate()
                .map(|(i, part)| Chunk {
                    batches: i * size..i * size + part.len(),
                    nodes: part.iter().map(|r| r[0]).min().unwrap_or(0)..part.iter().map(|r| r[1]).max().unwrap_or(0),
                })
                .collect();
            if cut.windows(3).all(|c| c[0].nodes.end <= c[2].nodes.start) {
                return Self(cut);
            }
            size *= 2;
        }
    }

    /// Overwrites `y` by what `add` adds to zeros for every chunk: its batches, the
    /// first node of a part of `y`, and that part. Chunks 0, 2, 4, ... and then 1,
    /// 3, 5, ...: always in this order, so that the sums have the same bits at any
    /// number of threads. The former clear `y` as they come to it: in a pass of its
    /// own that took a twentieth of a product.
    pub fn sum<T: Scalar>(&self, y: &mut [T], add: impl Fn(Range<usize>, usize, &mut [T]) + Sync) {
        let is_shared = loops::worthwhile(y.len());
        for parity in 0..2 {
            let chunks = || self.0.iter().skip(parity).step_by(2);
            // Even chunks have all nodes up to the next one.
            let starts = chunks().skip(1).map(|next| next.nodes.start).chain([y.len()]);
            let mut windows = Vec::with_capacity(self.0.len() / 2 + 1);
            let (mut rest, mut at) = (&mut *y, 0);
            for (chunk, next) in chunks().zip(starts) {
                let range = if parity == 0 { at..next } else { chunk.nodes.clone() };
                let (_, tail) = rest.split_at_mut(range.start - at);
                let (window, tail) = tail.split_at_mut(range.len());
                windows.push((chunk, range.start, window));
                (rest, at) = (tail, range.end);
            }
            if parity == 0 && windows.is_empty() {
                rest.fill(T::default());
            }
            let run = |(chunk, first, window): (&Chunk, usize, &mut [T])| {
                if parity == 0 {
                    window.fill(T::default());
                }
                add(chunk.batches.clone(), first, window);
            };
            if is_shared {
                windows.into_par_iter().for_each(run);
            } else {
                windows.into_iter().for_each(run);
            }
        }
    }
}
