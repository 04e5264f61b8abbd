//! Loops over local data on the threads of a rank. Work is cut into chunks of fixed size, so that
//! sums have the same bits at any number of threads. Short loops stay on the calling thread.

use std::ops::Range;

use rayon::iter::repeat_n;
use rayon::prelude::*;

use crate::parallel::timeline::ParallelLoop;

/// Number of items in a chunk, each of which has its own partial sum.
pub const CHUNK: usize = 1024;

/// Tests whether a loop over `n` items is long enough for several threads.
pub(crate) fn worthwhile(n: usize) -> bool {
    n > 2 * CHUNK && rayon::current_num_threads() > 1
}

/// Returns the number of threads that are worthwhile for `n` items.
pub(crate) fn worthwhile_threads(n: usize) -> usize {
    if worthwhile(n) { rayon::current_num_threads() } else { 1 }
}

/// Splits `0..n` into chunks.
pub(crate) fn chunks(n: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..n.div_ceil(CHUNK)).into_par_iter().map(move |c| chunk(n, c))
}

fn chunk(n: usize, index: usize) -> Range<usize> {
    index * CHUNK..n.min((index + 1) * CHUNK)
}

/// Returns the sum of `f` over the chunks of `0..n`, added in order.
pub fn sum<const M: usize>(n: usize, f: impl Fn(Range<usize>) -> [f64; M] + Sync) -> [f64; M] {
    // Loops that do not depend on the type of `f` are compiled once for all callers. The same in
    // the functions below.
    fn run<const M: usize>(n: usize, f: &(dyn Fn(Range<usize>) -> [f64; M] + Sync)) -> [f64; M] {
        if worthwhile(n) {
            let this = ParallelLoop::start();
            let parts: Vec<[f64; M]> = chunks(n).map(|range| this.chunk(|| f(range))).collect();
            parts.into_iter().fold([0.0; M], add)
        } else {
            (0..n.div_ceil(CHUNK)).map(|c| f(chunk(n, c))).fold([0.0; M], add)
        }
    }
    run(n, &f)
}

/// Runs `f` on every chunk of `out` with its range, and adds the partial sums that `f` returns, in
/// order.
pub(crate) fn update<T: Send, const M: usize>(
    out: &mut [T],
    f: impl Fn(Range<usize>, &mut [T]) -> [f64; M] + Sync,
) -> [f64; M] {
    type Update<'a, T, const M: usize> = dyn Fn(Range<usize>, &mut [T]) -> [f64; M] + Sync + 'a;
    fn run<T: Send, const M: usize>(out: &mut [T], f: &Update<'_, T, M>) -> [f64; M] {
        let n = out.len();
        if worthwhile(n) {
            let this = ParallelLoop::start();
            let part = |(c, out)| this.chunk(|| f(chunk(n, c), out));
            let parts: Vec<[f64; M]> = out.par_chunks_mut(CHUNK).enumerate().map(part).collect();
            parts.into_iter().fold([0.0; M], add)
        } else {
            out.chunks_mut(CHUNK).enumerate().map(|(c, o)| f(chunk(n, c), o)).fold([0.0; M], add)
        }
    }
    run(out, &f)
}

/// Runs `f` on the chunks of several lists of one length, with their range.
pub(crate) fn update_all<T: Send, const M: usize>(
    lists: [&mut [T]; M],
    f: impl Fn(Range<usize>, [&mut [T]; M]) + Sync,
) {
    type Update<'a, T, const M: usize> = dyn Fn(Range<usize>, [&mut [T]; M]) + Sync + 'a;
    fn run<T: Send, const M: usize>(mut lists: [&mut [T]; M], f: &Update<'_, T, M>) {
        let n = lists[0].len();
        let ranges = (0..n.div_ceil(CHUNK)).map(|c| chunk(n, c));
        let mut part = |range: Range<usize>| {
            let lists = lists.each_mut().map(|list| list.split_off_mut(..range.len()).unwrap_or_default());
            (range, lists)
        };
        if worthwhile(n) {
            let parts: Vec<_> = ranges.map(part).collect();
            let this = ParallelLoop::start();
            parts.into_par_iter().for_each(|(range, lists)| this.chunk(|| f(range, lists)));
        } else {
            ranges.for_each(|range| {
                let (range, lists) = part(range);
                f(range, lists);
            });
        }
    }
    run(lists, &f);
}

/// Returns `f` of each of `0..n`, of which a task computes at least `least`.
pub(crate) fn collect<T: Send>(n: usize, least: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    fn run<T: Send>(n: usize, least: usize, f: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
        (0..n).into_par_iter().with_min_len(least).map(f).collect()
    }
    run(n, least, &f)
}

/// Returns `n` copies of a value. Every thread fills a part of the list and is the first to touch
/// its memory, whose pages the kernel clears.
pub(crate) fn filled<T: Copy + Send + Sync>(n: usize, value: T) -> Vec<T> {
    if worthwhile(n) { repeat_n(value, n).with_min_len(CHUNK).collect() } else { vec![value; n] }
}

/// Returns `f` of the entries of all lists, one list after another. Every thread fills a part, as
/// in [`filled`].
pub(crate) fn concat<T: Copy + Sync, U: Send>(lists: &[&[T]], f: impl Fn(T) -> U + Sync) -> Vec<U> {
    let mut total = 0;
    let count = |list: &&[T]| {
        total += list.len();
        total
    };
    let ends: Vec<usize> = lists.iter().map(count).collect();
    let start = || (0..0, &[] as &[T]);
    let entries = (0..total).into_par_iter().with_min_len(CHUNK).map_init(start, |(range, list), i| {
        if !range.contains(&i) {
            let at = ends.partition_point(|&end| end <= i);
            (*range, *list) = (ends[at] - lists[at].len()..ends[at], lists[at]);
        }
        f(list[i - range.start])
    });
    entries.collect()
}

fn add<const M: usize>(total: [f64; M], part: [f64; M]) -> [f64; M] {
    std::array::from_fn(|i| total[i] + part[i])
}
