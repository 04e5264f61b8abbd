//! Lines that several ranks share: their labels, entries and separators.

use rustc_hash::FxHashMap;

use crate::la::multigrid::lines::components::connected_components;
use crate::la::{MatrixEntries, Scalar, Triplet, UNGROUPED};
use crate::parallel::{Halo, LocalIndex};

/// Fewest strong pairs, relative to the unknowns, for lines across ranks: conjugate gradients cope
/// with few lines that end where parts end, and all ranks save messages.
const FEWEST: f64 = 0.1;

/// Lines that several ranks share.
pub struct SharedLines {
    /// Label of each local unknown of a line, the same for all of the line: the lowest rank with a
    /// part of it, and a number there.
    pub labels: Vec<u64>,
    /// Flag of each local unknown that is a separator: one with an entry to a higher rank in its
    /// line.
    pub is_separator: Vec<bool>,
    /// Entries of separators in shared lines, in owned rows. An entry may be split into two parts.
    pub entries: Vec<Triplet>,
}

impl SharedLines {
    /// Finds the lines that are shared, given the `strong` pairs of an operator. Returns them with
    /// the pairs of unknowns that are in one block of this rank, among them each one with itself:
    /// in shared lines those with an entry between the separators, else the strongly connected ones.
    /// Returns none where no rank shares a line, or few unknowns are in lines. **Collective.**
    pub fn new(
        operator: &dyn MatrixEntries<impl Scalar>,
        strong: &[[LocalIndex; 2]],
    ) -> Option<(Self, Vec<[LocalIndex; 2]>)> {
        let (halo, owned) = (operator.halo(), operator.halo().map().owned());
        let comm = halo.comm();
        if comm.size() == 1 {
            return None;
        }
        let shared = strong.iter().filter(|[_, j]| *j as usize >= owned).count();
        let [shared, pairs, unknowns] = [shared, strong.len(), owned].map(|count| count as u64);
        let sums = comm.sum_all(&[shared, pairs, unknowns]);
        if sums[0] == 0 || (sums[1] as f64) < FEWEST * sums[2] as f64 {
            return None;
        }
        let labels = labels(halo, strong);
        let mut numbers = FxHashMap::default();
        for &label in labels[owned..].iter().filter(|label| **label != NONE) {
            let next = numbers.len() as LocalIndex;
            numbers.entry(label).or_insert(next);
        }
        let line: Vec<LocalIndex> =
            labels.iter().map(|label| numbers.get(label).copied().unwrap_or(UNGROUPED)).collect();
        let mut entries = operator.triplets(&line);
        entries.retain(|&(i, _, _)| (i as usize) < owned);
        let is_higher: Vec<bool> = halo.owners().map(|owner| owner > comm.rank()).collect();
        let mut is_separator = vec![false; line.len()];
        for &(i, _, _) in entries.iter().filter(|(_, j, _)| is_higher[*j as usize]) {
            is_separator[i as usize] = true;
        }
        halo.scatter_fwd(&mut is_separator);
        let is_inside = |i: LocalIndex| (i as usize) < owned && !is_separator[i as usize];
        let is_shared = |i: LocalIndex| line[i as usize] != UNGROUPED;
        let own = strong.iter().filter(|&&[i, j]| (j as usize) < owned && !is_shared(i) && !is_shared(j));
        let mut pairs: Vec<[LocalIndex; 2]> = own.copied().collect();
        pairs.extend((0..owned as LocalIndex).filter(|&i| is_shared(i) && is_inside(i)).map(|i| [i, i]));
        entries.retain(|&(i, j, _)| {
            let is_between = is_inside(i) && is_inside(j);
            pairs.extend(is_between.then_some([i, j]));
            !is_between
        });
        entries.shrink_to_fit();
        Some((Self { labels, is_separator, entries }, pairs))
    }
}

/// Label of an unknown that is in no line.
const NONE: u64 = u64::MAX;

/// Returns the rank in a label.
pub fn rank_of(label: u64) -> usize {
    (label >> 32) as usize
}

/// Returns the labels of the lines: each line takes the lowest label of its parts on all ranks.
/// **Collective.**
fn labels(halo: &Halo, strong: &[[LocalIndex; 2]]) -> Vec<u64> {
    let (comm, owned) = (halo.comm(), halo.map().owned());
    let mut labels = vec![NONE; halo.map().local()];
    let is_owned = |i: &LocalIndex| (*i as usize) < owned;
    let mut parts = connected_components(strong, labels.len());
    for part in &parts {
        let lowest = part.iter().copied().filter(is_owned).min().unwrap_or_default();
        let label = (comm.rank() as u64) << 32 | u64::from(lowest);
        part.iter().filter(|i| is_owned(i)).for_each(|&i| labels[i as usize] = label);
    }
    parts.retain(|part| part.iter().any(|i| !is_owned(i)));
    loop {
        halo.scatter_fwd(&mut labels);
        let mut changes = 0_u64;
        for part in &parts {
            let lowest = part.iter().map(|&i| labels[i as usize]).min().unwrap_or(NONE);
            for &i in part.iter().filter(|i| is_owned(i)) {
                changes += u64::from(labels[i as usize] != lowest);
                labels[i as usize] = lowest;
            }
        }
        if comm.sum(changes) == 0 {
            return labels;
        }
    }
}
