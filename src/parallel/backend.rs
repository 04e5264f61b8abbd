//! Collective operations of a communicator, for ranks that are processes and for those that are
//! threads.

use std::time::Duration;

use mpi::collective::{SystemOperation, reduce_local_into};
use mpi::datatype::Equivalence;

use crate::parallel::outgoing::{Message, lengths};

/// Type of the values in a message.
pub trait MpiType: Equivalence + Copy + Default + Send + Sync + 'static {}
impl<T: Equivalence + Copy + Default + Send + Sync + 'static> MpiType for T {}

/// Operation of a reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Sum,
    Min,
    Max,
}

impl Operation {
    /// Returns the operation of MPI.
    pub(crate) fn of_mpi(self) -> SystemOperation {
        match self {
            Self::Sum => SystemOperation::sum(),
            Self::Min => SystemOperation::min(),
            Self::Max => SystemOperation::max(),
        }
    }

    /// Sets each entry of `total` to the sum, minimum or maximum of it and of that in `values`.
    pub(crate) fn add<T: MpiType>(self, values: &[T], total: &mut [T]) {
        reduce_local_into(values, total, self.of_mpi());
    }
}

/// Ranks that communicate, as one of them sees them.
///
/// [`MpiComm`](crate::parallel::mpi::MpiComm) is a process of MPI,
/// [`VirtualRank`](crate::parallel::virtual_ranks::VirtualRank) a thread of one. All operations are
/// **collective**, none counts what it sends: [`Comm`](crate::parallel::Comm) does.
pub(crate) trait Backend {
    /// Returns the number of this rank, from 0.
    fn rank(&self) -> usize;

    /// Returns the number of ranks.
    fn size(&self) -> usize;

    /// Waits for all ranks.
    fn barrier(&self);

    /// Returns the entry-wise sum, minimum or maximum over the ranks.
    fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T>;

    /// Returns the sum of the values of all lower ranks.
    fn exclusive_sum(&self, value: u64) -> u64;

    /// Sends a length to each rank of `outgoing`. Returns the ranks that send one to this rank, and
    /// the lengths, in rank order.
    fn find_senders(&self, outgoing: &[(usize, usize)]) -> Vec<(usize, usize)>;

    /// Sends messages to other ranks and returns those that this rank receives, in rank order.
    fn sparse_exchange<T: MpiType>(&self, outgoing: &[Message<T>]) -> Vec<Message<T>> {
        let senders = self.find_senders(&lengths(outgoing));
        let mut incoming: Vec<Message<T>> =
            senders.into_iter().map(|(rank, length)| (rank, vec![T::default(); length])).collect();
        let send: Vec<(usize, &[T])> = outgoing.iter().map(|(rank, values)| (*rank, &values[..])).collect();
        let receive = incoming.iter_mut().map(|(rank, values)| (*rank, &mut values[..])).collect();
        self.neighbor_exchange_overlap(&send, receive, || ());
        incoming
    }

    /// Overwrites the values of all ranks with those of one rank.
    fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]);

    /// Receives each `(rank, slice)` of `receive`, sends each of `send`, and runs `work` while
    /// messages travel. **Collective** among neighbours.
    fn neighbor_exchange_overlap<T: MpiType, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> R;

    /// Returns the seconds of communication in an operation that has just ended and took this time
    /// besides any work meanwhile.
    fn seconds_of(&self, elapsed: Duration) -> f64;
}
