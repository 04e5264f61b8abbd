//! Times of the stages on single ranks, of which there is a bounded number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::parallel::{Comm, Profile};

/// Largest number of ranks whose times are kept.
const MOST_RANKS: usize = 64;

/// Times of the stages on all ranks, or on evenly spaced ones where there are more than 64.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankTimes {
    /// Numbers of the ranks, the first and the last one among them.
    pub ranks: Vec<usize>,
    /// Times of each stage and of the whole run, by name.
    pub stages: BTreeMap<String, StageOnRanks>,
}

/// Times of a stage, one for each of the ranks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageOnRanks {
    /// Seconds in all.
    pub seconds: Vec<f32>,
    /// Seconds of communication.
    pub communication: Vec<f32>,
}

impl RankTimes {
    /// Gathers the profiles of stages with these names, the same on each rank. The other ranks than
    /// rank 0 receive nothing. **Collective.**
    pub(crate) fn gather(comm: &Comm, names: &[&str], spent: &[Profile]) -> Self {
        let ranks = evenly_spaced(comm.size());
        let times = |spent: &Profile| [spent.seconds, spent.communication()].map(|seconds| seconds as f32);
        let own = if ranks.contains(&comm.rank()) { spent.iter().flat_map(times).collect() } else { Vec::new() };
        let gathered = comm.gather_at_root(own);
        if !comm.is_root() {
            return Self::default();
        }
        let column = |i: usize| ranks.iter().map(|&rank| gathered[rank][i]).collect();
        let stage = |i: usize| StageOnRanks { seconds: column(2 * i), communication: column(2 * i + 1) };
        let stages = names.iter().enumerate().map(|(i, &name)| (name.to_owned(), stage(i))).collect();
        Self { ranks, stages }
    }
}

/// Returns the numbers of all ranks, or of [`MOST_RANKS`] evenly spaced ones from the first to the
/// last.
fn evenly_spaced(size: usize) -> Vec<usize> {
    let shown = size.min(MOST_RANKS);
    (0..shown).map(|i| i * (size - 1) / (shown - 1).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_all_or_evenly_spaced() {
        assert_eq!([1, 2, 64].map(evenly_spaced), [1, 2, 64].map(|size| (0..size).collect::<Vec<_>>()));
        for size in [65, 100, 1000, 65_536] {
            let ranks = evenly_spaced(size);
            assert_eq!((ranks.len(), ranks[0], ranks[MOST_RANKS - 1]), (MOST_RANKS, 0, size - 1));
            let steps: Vec<usize> = ranks.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let [least, most] = [steps.iter().min(), steps.iter().max()].map(|step| *step.unwrap());
            assert!(least > 0 && most <= least + 1, "{ranks:?}");
        }
    }
}
