//! Loops over local data on the threads of a rank. Work is cut into chunks of fixed size, so that
//! sums have the same bits at any number of threads. Short loops stay on the calling thread.

use std::ops::Range;

use rayon::prelude::*;

/// Number of items in a chunk, each of which has its own partial sum.
pub const CHUNK: usize = 4096;

/// Tests whether a loop over `n` items is long enough for several threads.
pub(crate) fn worthwhile(n: usize) -> bool {
    n > 2 * CHUNK && rayon::current_num_threads() > 1
}

/// Splits `0..n` into chunks.
pub(crate) fn chunks(n: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..n.div_ceil(CHUNK)).into_par_iter().map(move |c| c * CHUNK..n.min((c + 1) * CHUNK))
}

/// Returns the sum of `f` over the chunks of `0..n`, added in order.
pub fn sum<const M: usize>(n: usize, f: impl Fn(Range<usize>) -> [f64; M] + Sync) -> [f64; M] {
    if worthwhile(n) {
        let parts: Vec<[f64; M]> = chunks(n).map(&f).collect();
        parts.into_iter().fold([0.0; M], add)
    } else {
        (0..n.div_ceil(CHUNK)).map(|c| f(c * CHUNK..n.min((c + 1) * CHUNK))).fold([0.0; M], add)
    }
}

/// Runs `f` on every chunk of `out` with its range, and adds the partial sums that `f` returns, in
/// order.
pub(crate) fn update<T: Send, const M: usize>(
    out: &mut [T],
    f: impl Fn(Range<usize>, &mut [T]) -> [f64; M] + Sync,
) -> [f64; M] {
    let n = out.len();
    let range = |c: usize| c * CHUNK..n.min((c + 1) * CHUNK);
    if worthwhile(n) {
        let parts: Vec<[f64; M]> = out.par_chunks_mut(CHUNK).enumerate().map(|(c, o)| f(range(c), o)).collect();
        parts.into_iter().fold([0.0; M], add)
    } else {
        out.chunks_mut(CHUNK).enumerate().map(|(c, o)| f(range(c), o)).fold([0.0; M], add)
    }
}

fn add<const M: usize>(total: [f64; M], part: [f64; M]) -> [f64; M] {
    std::array::from_fn(|i| total[i] + part[i])
}

/// Runs `f` on the chunks of two lists of one length, with their range.
pub(crate) fn update_pair<T: Send>(a: &mut [T], b: &mut [T], f: impl Fn(Range<usize>, &mut [T], &mut [T]) + Sync) {
    let n = a.len();
    let range = |c: usize| c * CHUNK..n.min((c + 1) * CHUNK);
    if worthwhile(n) {
        let pairs = a.par_chunks_mut(CHUNK).zip(b.par_chunks_mut(CHUNK)).enumerate();
        pairs.for_each(|(c, (a, b))| f(range(c), a, b));
    } else {
        a.chunks_mut(CHUNK).zip(b.chunks_mut(CHUNK)).enumerate().for_each(|(c, (a, b))| f(range(c), a, b));
    }
}
