//! Backend of the communicator for processes: the calls of MPI, on one thread of each process
//! (`MPI_THREAD_FUNNELED`).

use std::cell::Cell;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::request::{Request, multiple_scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use mpi::{Count, Tag};

use crate::parallel::backend::{Backend, MpiType, Operation};
use crate::parallel::fault_injection::message_bytes;
use crate::parallel::heartbeat::while_waiting;

/// Largest number of bytes in one message: MPI counts in 32 bits.
const MESSAGE_BYTES: usize = 1 << 30;

/// Tags of the searches for senders, in turn; other messages have tag 0.
const FIRST_TAG: Tag = 1;
const SECOND_TAG: Tag = 2;

/// Number of lengths that are received at once.
const BATCH: usize = 64;

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
    /// Tag of the next search for senders.
    tag: Cell<Tag>,
}

impl MpiComm {
    pub(crate) fn new(inner: SimpleCommunicator) -> Self {
        let (rank, size) = (inner.rank() as usize, inner.size() as usize);
        Self { inner, rank, size, tag: Cell::new(FIRST_TAG) }
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

    /// Receives the lengths that other processes have sent, up to [`BATCH`] of them, and returns
    /// them with their senders. All are received at once, since a receive of a synchronous message
    /// may take a round trip.
    fn receive_lengths(&self, tag: Tag) -> Vec<(usize, usize)> {
        let mut lengths = [0_u64; BATCH];
        let mut senders = Vec::new();
        multiple_scope(BATCH, |scope, receives| {
            for length in &mut lengths {
                let Some(status) = self.inner.any_process().immediate_probe_with_tag(tag) else { break };
                let process = self.inner.process_at_rank(status.source_rank());
                receives.add(process.immediate_receive_into_with_tag(scope, length, tag));
                senders.push(status.source_rank() as usize);
            }
            receives.wait_all(&mut Vec::with_capacity(BATCH));
        });
        senders.into_iter().zip(lengths.map(|length| length as usize)).collect()
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

    /// Non-blocking consensus: T. Hoefler, C. Siebert, A. Lumsdaine, *Scalable communication
    /// protocols for dynamic sparse data exchange*, PPoPP 2010. A rank enters the barrier when its
    /// synchronous sends are received, and leaves it when those of all ranks are. It may then begin
    /// the next search while another one is still in the barrier, but not the one after the next:
    /// two tags suffice.
    fn find_senders(&self, outgoing: &[(usize, usize)]) -> Vec<(usize, usize)> {
        // On a busy machine each test of the barrier would give other programs their turn.
        if self.size == 1 {
            return Vec::new();
        }
        let tag = self.tag.replace(if self.tag.get() == FIRST_TAG { SECOND_TAG } else { FIRST_TAG });
        let lengths: Vec<u64> = outgoing.iter().map(|&(_, length)| length as u64).collect();
        let mut senders = Vec::new();
        let search = || {
            multiple_scope(outgoing.len(), |scope, sends| {
                for (&(rank, _), length) in outgoing.iter().zip(&lengths) {
                    let process = self.inner.process_at_rank(rank as i32);
                    sends.add(process.immediate_synchronous_send_with_tag(scope, length, tag));
                }
                let mut done = Vec::with_capacity(outgoing.len());
                let mut barrier = None;
                loop {
                    if self.inner.any_process().immediate_probe_with_tag(tag).is_some() {
                        senders.extend(self.receive_lengths(tag));
                    }
                    barrier = match barrier {
                        Some(request) => match Request::test(request) {
                            Ok(_) => break,
                            Err(request) => Some(request),
                        },
                        None => sends.test_all(&mut done).then(|| self.inner.immediate_barrier()),
                    };
                    thread::yield_now();
                }
            });
        };
        while_waiting(search);
        senders.sort_unstable();
        senders
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
    ) -> R {
        let messages = send.len() + receive.len();
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
            let result = work();
            while_waiting(|| requests.wait_all(&mut Vec::with_capacity(messages)));
            result
        })
    }

    fn seconds_of(&self, elapsed: Duration) -> f64 {
        elapsed.as_secs_f64()
    }
}
