//! Two-colouring of the interior batches, so that threads add to disjoint nodes.

use std::ops::Range;

use rayon::prelude::*;

use crate::fem::batch_order::NodeList;
use crate::parallel::timeline::ParallelLoop;
use crate::parallel::{LocalIndex, loops};

/// Consecutive batches that one thread applies.
struct Chunk {
    batches: Range<usize>,
    /// Range of nodes that contains all nodes of the batches. The ranges of the even chunks cover
    /// all nodes.
    window: Range<usize>,
    /// Parts of the window to which no later chunk adds.
    complete: Vec<Range<usize>>,
}

/// Batches in chunks that share nodes only with the previous and the next chunk.
pub struct Chunks(Vec<Chunk>);

/// Adds to the window of a vector that begins at a node what a range of batches contributes, and
/// returns a number to be summed.
pub type Add<'a, T> = dyn Fn(Range<usize>, usize, &mut [T]) -> f64 + Sync + 'a;

/// Updates vectors in a range of nodes.
pub type Then<'a, T, const M: usize> = dyn Fn(Range<usize>, [&mut [T]; M]) + Sync + 'a;

impl Chunks {
    /// Cuts batches on `nodes` nodes into the smallest chunks of which only neighbours share nodes,
    /// or into one chunk if there are none.
    pub fn new(batches: &[impl NodeList], nodes: usize) -> Self {
        const SMALLEST: usize = 64;
        let range =
            |[low, high]: [usize; 2], node: &LocalIndex| [low.min(*node as usize), high.max(*node as usize + 1)];
        let range = |batch: &_| NodeList::nodes(batch).iter().flatten().fold([usize::MAX, 0], range);
        let ranges: Vec<[usize; 2]> = loops::collect(batches.len(), SMALLEST, |b| range(&batches[b]));
        Self::of_ranges(&ranges, SMALLEST, nodes)
    }

    /// Cuts batches with these ranges of nodes, of which a chunk has at least `smallest`.
    pub fn of_ranges(ranges: &[[usize; 2]], smallest: usize, nodes: usize) -> Self {
        let mut size = smallest;
        loop {
            let cut = ranges.chunks(size).enumerate().map(|(i, part)| Chunk {
                batches: i * size..i * size + part.len(),
                window: part.iter().map(|r| r[0]).min().unwrap_or(0)..part.iter().map(|r| r[1]).max().unwrap_or(0),
                complete: Vec::new(),
            });
            let mut cut: Vec<Chunk> = cut.collect();
            if cut.is_empty() {
                cut.push(Chunk { batches: 0..0, window: 0..0, complete: Vec::new() });
            }
            // Chunks further apart are then disjoint too, as they begin after the end of a chunk
            // between them.
            let disjoint = |n: usize| cut.windows(n + 1).all(|c| c[0].window.end <= c[n].window.start);
            if disjoint(2) && disjoint(3) {
                cut[0].window.start = 0;
                for even in (0..cut.len()).step_by(2) {
                    cut[even].window.end = cut.get(even + 2).map_or(nodes, |next| next.window.start);
                }
                for i in 0..cut.len() {
                    let mut complete = vec![cut[i].window.clone()];
                    if i.is_multiple_of(2) {
                        let odd = [i.checked_sub(1), Some(i + 1)].into_iter().flatten().filter_map(|i| cut.get(i));
                        complete = odd.fold(complete, |parts, odd| without(&parts, &odd.window));
                    }
                    cut[i].complete = complete;
                }
                return Self(cut);
            }
            size *= 2;
        }
    }

    /// Overwrites `y` by the sum over the chunks of what `add` adds: it receives the batches of a
    /// chunk, the first node of its window of `y`, and the window. Even chunks run before the odd
    /// ones on every node, so that the sums have the same bits for any number of threads. Even
    /// chunks also clear their windows; a separate pass took 5 % of a product.
    pub fn sum<T: Copy + Default + Send>(&self, y: &mut [T], add: impl Fn(Range<usize>, usize, &mut [T]) + Sync) {
        self.run::<T, false>(y, |batches, first, window| {
            add(batches, first, window);
            0.0
        });
    }

    /// Runs `add` as [`sum`](Self::sum) does, on the given values of `y` where `KEEP` is true.
    /// Returns the sum of what `add` returns, in the order of the chunks.
    pub fn run<T, const KEEP: bool>(
        &self,
        y: &mut [T],
        add: impl Fn(Range<usize>, usize, &mut [T]) -> f64 + Sync,
    ) -> f64
    where
        T: Copy + Default + Send,
    {
        self.run_each([y], &|i, [window]| {
            if !KEEP && i.is_multiple_of(2) {
                window.fill(T::default());
            }
            add(self.0[i].batches.clone(), self.0[i].window.start, window)
        })
    }

    /// Runs `add` on the given values of the first vector, and `then` once on every range of nodes
    /// to which no chunk is still to add, with all vectors there.
    pub fn run_then<T: Send, const M: usize>(&self, vectors: [&mut [T]; M], add: &Add<T>, then: &Then<T, M>) {
        self.run_each(vectors, &|i, mut windows| {
            let Chunk { batches, window, complete } = &self.0[i];
            let sum = add(batches.clone(), window.start, windows[0]);
            for part in complete {
                let local = part.start - window.start..part.end - window.start;
                then(part.clone(), windows.each_mut().map(|window| &mut window[local.clone()]));
            }
            sum
        });
    }

    /// Calls `run` with each chunk and its window of the vectors. Returns the sum of the results.
    fn run_each<T: Send, const M: usize>(
        &self,
        mut vectors: [&mut [T]; M],
        run: &(dyn Fn(usize, [&mut [T]; M]) -> f64 + Sync),
    ) -> f64 {
        let mut results = vec![0.0; self.0.len()];
        if !loops::worthwhile(vectors[0].len()) {
            for i in interleaved(self.0.len()) {
                let window = &self.0[i].window;
                results[i] = run(i, vectors.each_mut().map(|vector| &mut vector[window.clone()]));
            }
            return results.iter().sum();
        }
        let this = ParallelLoop::start();
        for parity in 0..2 {
            let mut parts = Vec::with_capacity(self.0.len() / 2 + 1);
            let (mut rest, mut at) = (vectors.each_mut().map(|vector| &mut vector[..]), 0);
            for (i, result) in results.iter_mut().enumerate().skip(parity).step_by(2) {
                let window = &self.0[i].window;
                let part = rest.each_mut().map(|rest| {
                    let (part, tail) =
                        std::mem::take(rest).split_at_mut(window.start - at).1.split_at_mut(window.len());
                    *rest = tail;
                    part
                });
                parts.push((i, part, result));
                at = window.end;
            }
            parts.into_par_iter().for_each(|(i, part, result)| *result = this.chunk(|| run(i, part)));
        }
        results.iter().sum()
    }
}

/// Returns the parts of ranges outside another range.
fn without(parts: &[Range<usize>], hole: &Range<usize>) -> Vec<Range<usize>> {
    let outside = |part: &Range<usize>| [part.start..part.end.min(hole.start), part.start.max(hole.end)..part.end];
    parts.iter().flat_map(outside).filter(|part| !part.is_empty()).collect()
}

/// Orders the chunks as 0, 2, 1, 4, 3, ...: each odd one directly after both its neighbours, while
/// their windows are in the caches.
fn interleaved(n: usize) -> impl Iterator<Item = usize> {
    (0..=n).step_by(2).flat_map(|even| [Some(even), even.checked_sub(1)]).flatten().filter(move |&i| i < n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fem::batch_order::WideNodes;

    #[test]
    fn odd_chunks_come_after_both_neighbours() {
        for n in 0..9 {
            let turn: Vec<usize> = interleaved(n).collect();
            let at = |i| turn.iter().position(|&j| j == i);
            for i in 0..n {
                assert!(at(i).is_some() && (i % 2 == 0 || at(i) > at(i - 1) && at(i) > at(i + 1)), "{turn:?}");
            }
            assert_eq!(turn.len(), n);
        }
    }

    /// Five chunks of 64 batches, of which the second reaches over the third into the fifth, but
    /// not into the fourth.
    #[test]
    fn no_sum_is_cleared() {
        let lists: Vec<WideNodes> = [0..50, 40..450, 100..110, 450..500, 110..449]
            .into_iter()
            .flat_map(|nodes| {
                let list = move |b: usize| -> WideNodes {
                    std::array::from_fn(|a| {
                        std::array::from_fn(|l| (nodes.start + (64 * b + 8 * a + l) % nodes.len()) as LocalIndex)
                    })
                };
                (0..64).map(list)
            })
            .collect();
        let nodes = 500;
        let mut expected = vec![0.0; nodes];
        lists.iter().flat_map(|list| list.as_flattened()).for_each(|&node| expected[node as usize] += 1.0);
        let mut y = vec![f64::NAN; nodes];
        Chunks::new(&lists, nodes).sum(&mut y, |batches, first, part| {
            for &node in lists[batches].iter().flat_map(|list| list.as_flattened()) {
                part[node as usize - first] += 1.0;
            }
        });
        assert_eq!(y, expected);
        let (mut y, mut seen) = (vec![0.0; nodes], vec![0.0; nodes]);
        let add = |batches: Range<usize>, first: usize, part: &mut [f64]| {
            lists[batches].iter().flat_map(|list| list.as_flattened()).for_each(|&n| part[n as usize - first] += 1.0);
            0.0
        };
        Chunks::new(&lists, nodes).run_then([&mut y, &mut seen], &add, &|range, [y, seen]| {
            assert_eq!(y, &expected[range]);
            seen.iter_mut().for_each(|seen| *seen += 1.0);
        });
        assert!(seen.iter().all(|&seen| seen == 1.0));
    }

    /// Batches of eight elements in a row that share a node with the next batch.
    #[test]
    fn sums_have_the_same_bits_at_any_number_of_threads() {
        let batches = 2000;
        let lists: Vec<WideNodes> = (0..batches)
            .map(|b| std::array::from_fn(|a| std::array::from_fn(|l| (b * 63 + 8 * a + l) as LocalIndex)))
            .collect();
        let nodes = batches * 63 + 5;
        let chunks = Chunks::new(&lists, nodes);
        let sum = |threads: usize| {
            let mut y = vec![f64::NAN; nodes];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| {
                chunks.sum(&mut y, |batches, first, part| {
                    for batch in batches {
                        for (k, &node) in lists[batch].as_flattened().iter().enumerate() {
                            part[node as usize - first] += 1.0 / (1 + batch + k) as f64;
                        }
                    }
                });
            });
            y
        };
        let alone = sum(1);
        assert!(alone[batches * 63 + 1..].iter().all(|&y| y == 0.0), "nodes without an element");
        assert!(alone[..=batches * 63].iter().all(|&y| y > 0.0));
        for threads in [2, 3, 4] {
            assert!(sum(threads).iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits()), "{threads} threads");
        }
    }
}
