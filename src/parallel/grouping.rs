//! Items grouped by their keys, on all threads.

use std::ops::Range;

use rayon::prelude::*;

/// Items with numbers as keys.
pub(crate) trait Keyed: Sync {
    /// Item.
    type Item: Copy + Default + Send + Sync;

    /// Passes the items whose keys are in a range to `put`, with their keys. The order is always
    /// the same.
    fn visit(&self, keys: Range<usize>, put: impl FnMut(usize, Self::Item));
}

/// Groups items by their keys 0 to `keys` - 1. Returns the start of the items of each key, with the
/// end of the last ones, and the items, in the order of `visit` for each key. Each of so many
/// threads collects those of an equal part of the keys.
pub(crate) fn group_by_key<K: Keyed>(source: &K, keys: usize, threads: usize) -> (Vec<u32>, Vec<K::Item>) {
    let size = keys.div_ceil(threads).max(1);
    let mut starts = vec![0_u32; keys + 1];
    starts[1..].par_chunks_mut(size).enumerate().for_each(|(window, counts)| {
        let first = window * size;
        source.visit(first..first + counts.len(), |key, _| counts[key - first] += 1);
    });
    for key in 0..keys {
        starts[key + 1] += starts[key];
    }
    let mut items = vec![K::Item::default(); starts[keys] as usize];
    let mut windows = Vec::with_capacity(threads);
    let mut rest = &mut items[..];
    for first in (0..keys).step_by(size) {
        let window = first..keys.min(first + size);
        let (part, tail) = rest.split_at_mut((starts[window.end] - starts[first]) as usize);
        windows.push((window, part));
        rest = tail;
    }
    windows.into_par_iter().for_each(|(window, part)| {
        let first = window.start;
        let mut next: Vec<u32> = starts[window.clone()].iter().map(|start| start - starts[first]).collect();
        source.visit(window, |key, item| {
            let at = &mut next[key - first];
            part[*at as usize] = item;
            *at += 1;
        });
    });
    (starts, items)
}
