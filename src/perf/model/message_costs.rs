//! What messages take among as many ranks, where that was measured.

use std::path::PathBuf;

use serde::Deserialize;

use crate::error::Result;
use crate::io::record::read::Parallel;
use crate::io::record::{MessageCosts, median, not_record, read};

/// A record of `quad8-mpi bench messages`.
#[derive(Debug, Clone, Deserialize)]
struct Record {
    parallel: Parallel,
    messages: MessageCosts,
}

/// The measurements.
#[derive(Debug, Clone, Default)]
pub struct Messages(Vec<Record>);

impl Messages {
    /// From records of `quad8-mpi bench messages`.
    ///
    /// # Errors
    /// [`Error::Open`](crate::error::Error::Open), [`Error::NotRecord`](crate::error::Error::NotRecord).
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let checked = |path: &PathBuf| {
            let record: Record = read::read(path)?;
            let MessageCosts { latency, overhead, bandwidth, .. } = record.messages;
            let makes_sense = latency >= 0.0 && overhead >= 0.0 && bandwidth > 0.0;
            if makes_sense { Ok(record) } else { Err(not_record(path, "its numbers are not positive")) }
        };
        Ok(Self(paths.iter().map(checked).collect::<Result<_>>()?))
    }

    /// Medians of the measurements on as many ranks and hosts, if there are any.
    pub fn among(&self, parallel: Parallel) -> Option<MessageCosts> {
        let is_alike =
            |record: &&Record| [record.parallel.ranks, record.parallel.hosts] == [parallel.ranks, parallel.hosts];
        let alike: Vec<MessageCosts> = self.0.iter().filter(is_alike).map(|record| record.messages).collect();
        let of = |value: fn(&MessageCosts) -> f64| median(alike.iter().map(value).collect());
        (!alike.is_empty()).then(|| MessageCosts {
            latency: of(|m| m.latency),
            overhead: of(|m| m.overhead),
            bandwidth: of(|m| m.bandwidth),
            sum: of(|m| m.sum),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_told_what_as_many_measured() {
        let record = |ranks, latency| Record {
            parallel: Parallel { ranks, threads_per_rank: 1, hosts: 1 },
            messages: MessageCosts { latency, overhead: 0.0, bandwidth: 1e9, sum: 2.0 * latency },
        };
        let messages = Messages(vec![record(2, 1.0), record(4, 7.0), record(2, 5.0), record(2, 3.0)]);
        let among = |ranks, hosts| messages.among(Parallel { ranks, threads_per_rank: 3, hosts }).map(|m| m.latency);
        assert_eq!([among(2, 1), among(4, 1), among(8, 1), among(2, 2)], [Some(3.0), Some(7.0), None, None]);
    }
}
