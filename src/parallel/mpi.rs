//! Backend of the communicator for processes: the calls of MPI, on one thread of each process
//! (`MPI_THREAD_FUNNELED`).

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mpi::Count;
use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::request::multiple_scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use crate::parallel::backend::{Backend, MpiType, Operation};
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

/// Processes of an MPI communicator.
pub(crate) struct MpiComm {
    inner: SimpleCommunicator,
    rank: usize,
    size: usize,
}

impl MpiComm {
    pub(crate) fn new(inner: SimpleCommunicator) -> Self {
        let (rank, size) = (inner.rank() as usize, inner.size() as usize);
        Self { inner, rank, size }
    }

    pub(crate) fn raw(&self) -> mpi::ffi::MPI_Comm {
        self.inner.as_raw()
    }

    /// Returns the communicator of the processes on this host. **Collective.**
    pub(crate) fn host(&self) -> SimpleCommunicator {
        self.inner.split_shared(self.rank as i32)
    }

    /// Returns the values of each process, in rank order, `counts[r]` of process `r`; fewer than
    /// 2^31 in all. **Collective.**
    pub(crate) fn all_gather_lists<T: MpiType>(&self, values: &[T], counts: &[usize]) -> Vec<T> {
        let mut all = vec![T::default(); counts.iter().sum()];
        let counts: Vec<Count> = counts.iter().map(|&n| n as Count).collect();
        let starts: Vec<Count> = (0..counts.len()).map(|rank| counts[..rank].iter().sum()).collect();
        let mut partition = PartitionMut::new(&mut all[..], counts, starts);
        while_waiting(|| self.inner.all_gather_varcount_into(values, &mut partition));
        all
    }
}

impl Backend for MpiComm {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn barrier(&self) {
        while_waiting(|| self.inner.barrier());
    }

    fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T> {
        let mut result = vec![T::default(); values.len()];
        for (values, result) in values.chunks(piece::<T>()).zip(result.chunks_mut(piece::<T>())) {
            while_waiting(|| self.inner.all_reduce_into(values, result, operation.of_mpi()));
        }
        result
    }

    fn exclusive_sum(&self, value: u64) -> u64 {
        let mut result = 0;
        while_waiting(|| self.inner.exclusive_scan_into(&value, &mut result, SystemOperation::sum()));
        if self.rank == 0 { 0 } else { result }
    }

    fn all_gather<T: MpiType>(&self, value: T) -> Vec<T> {
        let mut values = vec![T::default(); self.size];
        while_waiting(|| self.inner.all_gather_into(&[value][..], &mut values[..]));
        values
    }

    fn all_to_all_v<T: MpiType>(&self, mut outgoing: Vec<Vec<T>>) -> Vec<Vec<T>> {
        let own = std::mem::take(&mut outgoing[self.rank]);
        let sizes: Vec<u64> = outgoing.iter().map(|m| m.len() as u64).collect();
        let mut expected = vec![0_u64; self.size];
        while_waiting(|| self.inner.all_to_all_into(&sizes[..], &mut expected[..]));
        let mut incoming: Vec<Vec<T>> = expected.iter().map(|&n| vec![T::default(); n as usize]).collect();
        incoming[self.rank] = own;

        let others = |r: &usize| *r != self.rank;
        let send: Vec<_> = outgoing.iter().map(|m| &m[..]).enumerate().filter(|(r, _)| others(r)).collect();
        let receive = incoming.iter_mut().map(|m| &mut m[..]).enumerate().filter(|(r, _)| others(r)).collect();
        self.neighbor_exchange_overlap(&send, receive, || ());
        incoming
    }

    fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]) {
        for values in values.chunks_mut(piece::<T>()) {
            while_waiting(|| self.inner.process_at_rank(from as i32).broadcast_into(values));
        }
    }

    fn neighbor_exchange_overlap<T: MpiType, R>(
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

    fn seconds_of(&self, elapsed: Duration) -> f64 {
        elapsed.as_secs_f64()
    }
}
