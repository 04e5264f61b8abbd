//! Measured times of messages, by the number of ranks.

use std::path::PathBuf;

use crate::error::Result;
use crate::io::record::{Layout, MessageCosts, MessagesRecord};
use crate::perf::median;

/// Times of messages on the ranks and hosts that measured them.
#[derive(Debug, Clone, Default)]
pub struct Messages(Vec<(Layout, MessageCosts)>);

impl Messages {
    /// Reads records of `quad8-mpi bench messages`.
    ///
    /// # Errors
    /// A file that cannot be opened, or that is no such record.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let measured = |path: &PathBuf| {
            let record = MessagesRecord::read(path)?;
            Ok((record.parallel.layout, record.messages))
        };
        Ok(Self(paths.iter().map(measured).collect::<Result<_>>()?))
    }

    /// Returns the medians of the measurements on as many ranks and hosts, if there are any.
    pub fn among(&self, layout: Layout) -> Option<MessageCosts> {
        let is_alike =
            |(other, _): &&(Layout, MessageCosts)| [other.ranks, other.hosts] == [layout.ranks, layout.hosts];
        let alike: Vec<MessageCosts> = self.0.iter().filter(is_alike).map(|(_, costs)| *costs).collect();
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
    fn the_costs_are_those_among_as_many_ranks() {
        let record = |ranks, latency| {
            let layout = Layout { ranks, threads_per_rank: 1, hosts: 1 };
            (layout, MessageCosts { latency, overhead: 0.0, bandwidth: 1e9, sum: 2.0 * latency })
        };
        let messages = Messages(vec![record(2, 1.0), record(4, 7.0), record(2, 5.0), record(2, 3.0)]);
        let among = |ranks, hosts| messages.among(Layout { ranks, threads_per_rank: 3, hosts }).map(|m| m.latency);
        assert_eq!([among(2, 1), among(4, 1), among(8, 1), among(2, 2)], [Some(3.0), Some(7.0), None, None]);
    }
}
