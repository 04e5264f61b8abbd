//! Memory bandwidth of a rank, by the number of ranks that share it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::Result;
use crate::io::record::{Layout, StreamRecord};
use crate::perf::median;

/// Bandwidth of one host (GB/s) by its active cores, medians of the measurements.
#[derive(Debug, Clone)]
pub struct MemoryBandwidth(BTreeMap<usize, f64>);

impl MemoryBandwidth {
    /// Reads records of `quad8-mpi bench stream`; none without paths.
    ///
    /// # Errors
    /// A file cannot be opened, or is no record.
    pub fn read(paths: &[PathBuf]) -> Result<Option<Self>> {
        let mut measured: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for path in paths {
            let StreamRecord { parallel, stream, .. } = StreamRecord::read(path)?;
            let layout = parallel.layout;
            let total = stream.triad.total / layout.hosts.max(1) as f64;
            measured.entry(layout.cores_per_host()).or_default().push(total);
        }
        let medians = measured.into_iter().map(|(cores, totals)| (cores, median(totals)));
        Ok((!paths.is_empty()).then(|| Self(medians.collect())))
    }

    /// Returns the bandwidth of one rank (GB/s).
    pub fn of_rank(&self, layout: Layout) -> f64 {
        self.total(layout.cores_per_host()) * layout.hosts.max(1) as f64 / layout.ranks.max(1) as f64
    }

    /// Interpolates linearly between two measurements and between 0 and the first one; beyond the
    /// last one the bandwidth is constant.
    fn total(&self, cores: usize) -> f64 {
        let (below, above) = (self.0.range(..=cores).next_back(), self.0.range(cores..).next());
        match (below, above) {
            (Some((&a, &low)), Some((&b, &high))) if b > a => low + (high - low) * (cores - a) as f64 / (b - a) as f64,
            (Some((_, &total)), _) => total,
            (None, Some((&first, &total))) => total * cores as f64 / first as f64,
            (None, None) => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_share_what_was_measured() {
        let memory = MemoryBandwidth(BTreeMap::from([(2, 20.0), (4, 24.0)]));
        let of = |ranks, threads_per_rank, hosts| memory.of_rank(Layout { ranks, threads_per_rank, hosts });
        assert_eq!([of(1, 1, 1), of(2, 1, 1), of(3, 1, 1), of(16, 1, 1)], [10.0, 10.0, 22.0 / 3.0, 1.5]);
        assert_eq!([of(2, 2, 1), of(4, 1, 2)], [12.0, 10.0]);
    }
}
