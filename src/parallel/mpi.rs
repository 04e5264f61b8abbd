//! The few calls of MPI that the solver needs, uncounted. They are made on one
//! thread of a process alone.

use std::sync::LazyLock;
use std::time::Instant;

use mpi::Count;
use mpi::collective::{SystemOperation, reduce_local_into};
use mpi::datatype::{Equivalence, PartitionMut};
use mpi::request::multiple_scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use crate::parallel::fault_injection::message_bytes;
use crate::parallel::heartbeat::while_waiting;

/// Largest number of bytes in one message: MPI counts in 32 bits.
const MESSAGE_BYTES: usize = 1 << 30;

/// Returns the number of values of `T` in one message. Longer lists are split.
pub(crate) fn piece<T>() -> usize {
    static BYTES: LazyLock<usize> =
        LazyLock::new(|| message_bytes().map_or(MESSAGE_BYTES, |bytes| bytes.min(MESSAGE_BYTES)));
    (*BYTES / size_of::<T>().max(1)).max(1)
}

/// What may travel in a message.
pub trait MpiType: Equivalence + Copy + Default + Send + Sync + 'static {}
impl<T: Equivalence + Copy + Default + Send + Sync + 'static> MpiType for T {}

/// What a reduction makes of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Sum,
    Min,
    Max,
}

impl Operation {
    fn of_mpi(self) -> SystemOperation {
        match self {
            Self::Sum => SystemOperation::sum(),
            Self::Min => SystemOperation::min(),
            Self::Max => SystemOperation::max(),
        }
    }

    /// Entry-wise `total` = `total` and `values`.
    pub(crate) fn add<T: MpiType>(self, values: &[T], total: &mut [T]) {
        reduce_local_into(values, total, self.of_mpi());
    }
}

/// The processes of an MPI communicator.
pub(crate) struct MpiComm {
    inner: SimpleCommunicator,
    pub(crate) rank: usize,
    pub(crate) size: usize,
}

impl MpiComm {
    pub(crate) fn new(inner: SimpleCommunicator) -> Self {
        let (rank, size) = (inner.rank() as usize, inner.size() as usize);
        Self { inner, rank, size }
    }

    pub(crate) fn raw(&self) -> mpi::ffi::MPI_Comm {
        self.inner.as_raw()
    }

    /// Those on this host. **Collective.**
    pub(crate) fn host(&self) -> SimpleCommunicator {
        self.inner.split_shared(self.rank as i32)
    }

    /// **Collective.**
    pub(crate) fn barrier(&self) {
        while_waiting(|| self.inner.barrier());
    }

    /// Entry by entry over the processes. **Collective.**
    pub(crate) fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T> {
        let mut result = vec![T::default(); values.len()];
        for (values, result) in values.chunks(piece::<T>()).zip(result.chunks_mut(piece::<T>())) {
            while_waiting(|| self.inner.all_reduce_into(values, result, operation.of_mpi()));
        }
        result
    }

    /// Sum of the values of all lower ranks. **Collective.**
    pub(crate) fn exclusive_sum(&self, value: u64) -> u64 {
        let mut result = 0;
        while_waiting(|| self.inner.exclusive_scan_into(&value, &mut result, SystemOperation::sum()));
        if self.rank == 0 { 0 } else { result }
    }

    /// The value of every rank, in rank order. **Collective.**
    pub(crate) fn all_gather<T: MpiType>(&self, value: T) -> Vec<T> {
        let mut values = vec![T::default(); self.size];
        while_waiting(|| self.inner.all_gather_into(&[value][..], &mut values[..]));
        values
    }

    /// The values of every rank, in rank order, `counts[r]` of rank `r`, in a
    /// message of less than 2^31. **Collective.**
    pub(crate) fn all_gather_lists<T: MpiType>(&self, values: &[T], counts: &[usize]) -> Vec<T> {
        let mut all = vec![T::default(); counts.iter().sum()];
        let counts: Vec<Count> = counts.iter().map(|&n| n as Count).collect();
        let starts: Vec<Count> = (0..counts.len()).map(|rank| counts[..rank].iter().sum()).collect();
        let mut all_of_them = PartitionMut::new(&mut all[..], counts, starts);
        while_waiting(|| self.inner.all_gather_varcount_into(values, &mut all_of_them));
        all
    }

    /// Sends `outgoing[r]` to rank `r` and returns what rank `r` sent here in
    /// entry `r`. What stays here does not travel. **Collective.**
    pub(crate) fn all_to_all_v<T: MpiType>(&self, mut outgoing: Vec<Vec<T>>) -> Vec<Vec<T>> {
        let own = std::mem::take(&mut outgoing[self.rank]);
        let sizes: Vec<u64> = outgoing.iter().map(|m| m.len() as u64).collect();
        let mut expected = vec![0_u64; self.size];
        while_waiting(|| self.inner.all_to_all_into(&sizes[..], &mut expected[..]));
        let mut incoming: Vec<Vec<T>> = expected.iter().map(|&n| vec![T::default(); n as usize]).collect();
        incoming[self.rank] = own;

        let others = |r: &usize| *r != self.rank;
        let send: Vec<_> = outgoing.iter().map(|m| &m[..]).enumerate().filter(|(r, _)| others(r)).collect();
        let receive = incoming.iter_mut().map(|m| &mut m[..]).enumerate().filter(|(r, _)| others(r)).collect();
        self.transfer(&send, receive, || ());
        incoming
    }

    /// The values of one rank on all of them. **Collective.**
    pub(crate) fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]) {
        for values in values.chunks_mut(piece::<T>()) {
            while_waiting(|| self.inner.process_at_rank(from as i32).broadcast_into(values));
        }
    }

    /// Receives each `(rank, slice)` of `receive`, sends each of `send`, and runs
    /// `work` while messages travel; returns the seconds besides those of `work`, too.
    pub(crate) fn transfer<T: MpiType, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> (R, f64) {
        let messages = send.len() + receive.len();
        let start = Instant::now();
        multiple_scope(messages, |scope, requests| {
            for (source, buffer) in receive {
                let process = self.inner.process_at_rank(source as i32);
                for piece in buffer.chunks_mut(piece::<T>()) {
                    requests.add(process.immediate_receive_into(scope, piece));
                }
            }
            for (target, buffer) in send {
                let process = self.inner.process_at_rank(*target as i32);
                for piece in buffer.chunks(piece::<T>()) {
                    requests.add(process.immediate_send(scope, piece));
                }
            }
            let posted = Instant::now();
            let result = work();
            let done = Instant::now();
            while_waiting(|| requests.wait_all(&mut Vec::with_capacity(messages)));
            (result, ((posted - start) + done.elapsed()).as_secs_f64())
        })
    }
}
