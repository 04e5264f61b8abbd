//! Communicator: the collective operations of the solver, each of them counted.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Instant;

use mpi::topology::SimpleCommunicator;

use crate::error::{Error, Result};
use crate::parallel::backend::{Backend, Operation};
use crate::parallel::comm_stats::CommRecorder;
use crate::parallel::mpi::MpiComm;
use crate::parallel::virtual_ranks::VirtualRank;
use crate::parallel::{CommCounter, Message, MpiType, Ordered, Outgoing, SpanKind};

/// Communicator of the ranks that work on one problem.
pub struct Comm {
    ranks: Ranks,
    recorder: CommRecorder,
    rank: usize,
    size: usize,
    /// Whether all ranks are on one host, once that is known.
    is_one_host: OnceCell<bool>,
}

/// Backend of a communicator. Its operations take any type of value, so that no `dyn Backend`
/// exists.
enum Ranks {
    Processes(Rc<MpiComm>),
    Virtual(VirtualRank),
}

/// Evaluates an expression for the backend of a communicator.
macro_rules! with_backend {
    ($comm:expr, $backend:ident => $operation:expr) => {
        match &$comm.ranks {
            Ranks::Processes($backend) => $operation,
            Ranks::Virtual($backend) => $operation,
        }
    };
}

impl Comm {
    /// Wraps an MPI communicator.
    pub fn new(inner: SimpleCommunicator) -> Self {
        Self::over(Ranks::Processes(Rc::new(MpiComm::new(inner))), CommRecorder::default())
    }

    /// Returns the communicator of this process alone.
    pub(crate) fn alone() -> Self {
        Self::new(SimpleCommunicator::self_comm())
    }

    /// Wraps a virtual rank. Its communication is counted by `recorder`.
    pub(crate) fn of_virtual_rank(rank: VirtualRank, recorder: CommRecorder) -> Self {
        Self::over(Ranks::Virtual(rank), recorder)
    }

    fn over(ranks: Ranks, recorder: CommRecorder) -> Self {
        let mut comm = Self { ranks, recorder, rank: 0, size: 0, is_one_host: OnceCell::new() };
        (comm.rank, comm.size) = with_backend!(comm, backend => (backend.rank(), backend.size()));
        comm
    }

    /// Returns the number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the number of ranks.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Tests whether this is rank 0, the one that prints.
    pub fn is_root(&self) -> bool {
        self.rank == 0
    }

    /// Returns the processes.
    ///
    /// # Errors
    /// An internal error where the ranks are virtual.
    pub(crate) fn processes(&self) -> Result<&Rc<MpiComm>> {
        match &self.ranks {
            Ranks::Processes(processes) => Ok(processes),
            Ranks::Virtual(_) => Err(Error::internal("virtual ranks have no MPI communicator (please report this)")),
        }
    }

    /// Returns the MPI handle, for libraries that need it.
    ///
    /// # Errors
    /// An internal error where the ranks are virtual.
    pub fn raw(&self) -> Result<mpi::ffi::MPI_Comm> {
        Ok(self.processes()?.raw())
    }

    /// Returns the counts of this communicator and of those that were derived from it.
    pub(crate) fn recorder(&self) -> &CommRecorder {
        &self.recorder
    }

    /// Returns the communicator of the ranks on this host. **Collective.**
    ///
    /// # Errors
    /// An internal error where the ranks are virtual.
    pub fn host(&self) -> Result<Self> {
        let host = MpiComm::new(self.processes()?.host());
        let host = Self::over(Ranks::Processes(Rc::new(host)), self.recorder.clone());
        self.is_one_host.get_or_init(|| host.size == self.size);
        Ok(host)
    }

    /// Tests whether all ranks are on one host. **Collective.**
    ///
    /// # Errors
    /// An internal error where the ranks are virtual.
    pub(crate) fn is_one_host(&self) -> Result<bool> {
        match self.is_one_host.get() {
            Some(&is_one_host) => Ok(is_one_host),
            None => Ok(self.host()?.size == self.size),
        }
    }

    /// Waits for all ranks. **Collective.**
    pub fn barrier(&self) {
        self.collective(SpanKind::Barrier, 0, || with_backend!(self, backend => backend.barrier()));
    }

    /// Returns the entry-wise sum over the ranks. **Collective.**
    pub fn sum_all<T: MpiType>(&self, values: &[T]) -> Vec<T> {
        self.reduce(values, Operation::Sum)
    }

    /// Returns the sum over the ranks. **Collective.**
    pub fn sum<T: MpiType>(&self, value: T) -> T {
        self.reduce(&[value], Operation::Sum)[0]
    }

    /// Returns the smallest value over the ranks. **Collective.**
    pub fn min<T: Ordered>(&self, value: T) -> T {
        self.extreme(&[value], Operation::Min)[0]
    }

    /// Returns the largest value over the ranks. **Collective.**
    pub fn max<T: Ordered>(&self, value: T) -> T {
        self.extreme(&[value], Operation::Max)[0]
    }

    /// Returns the entry-wise smallest values over the ranks. **Collective.**
    pub fn min_all<T: Ordered>(&self, values: &[T]) -> Vec<T> {
        self.extreme(values, Operation::Min)
    }

    /// Returns the entry-wise largest values over the ranks. **Collective.**
    pub fn max_all<T: Ordered>(&self, values: &[T]) -> Vec<T> {
        self.extreme(values, Operation::Max)
    }

    fn extreme<T: Ordered>(&self, values: &[T], operation: Operation) -> Vec<T> {
        let compared: Vec<T::Compared> = values.iter().map(|value| value.to_compared()).collect();
        self.reduce(&compared, operation).into_iter().map(T::from_compared).collect()
    }

    fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T> {
        self.collective(
            SpanKind::Reduction,
            size_of_val(values),
            || with_backend!(self, backend => backend.reduce(values, operation)),
        )
    }

    /// Returns the sum of the values of all lower ranks. **Collective.**
    pub fn exclusive_sum(&self, value: u64) -> u64 {
        self.collective(
            SpanKind::Scan,
            size_of_val(&value),
            || with_backend!(self, backend => backend.exclusive_sum(value)),
        )
    }

    /// Sends each message to its rank and returns those that come to this rank, in rank order,
    /// whose senders it need not know. Empty messages are not sent, and one to this rank itself is
    /// only moved. **Collective.**
    pub fn sparse_exchange<T: MpiType>(&self, outgoing: Outgoing<T>) -> Vec<Message<T>> {
        let mut outgoing = outgoing.into_messages();
        outgoing.retain(|(_, values)| !values.is_empty());
        let own = self.take_own(&mut outgoing);
        // The length of a message travels before it.
        let sent = outgoing.iter().map(|(_, values)| size_of::<u64>() + size_of_val(&values[..])).sum();
        let mut incoming = self.collective(
            SpanKind::SparseExchange,
            sent,
            || with_backend!(self, backend => backend.sparse_exchange(&outgoing)),
        );
        incoming.extend(own);
        incoming.sort_unstable_by_key(|message| message.0);
        incoming
    }

    /// Sends each message to its rank and receives the `expected` ones, given by rank and length,
    /// in their order. **Collective** among neighbours.
    pub fn neighbor_exchange<T: MpiType>(
        &self,
        outgoing: Vec<Message<T>>,
        expected: &[(usize, usize)],
    ) -> Vec<Message<T>> {
        self.neighbor_exchange_during(outgoing, expected, || ()).0
    }

    /// Exchanges messages as [`neighbor_exchange`](Self::neighbor_exchange) does, and runs `work`
    /// while they travel. **Collective** among neighbours.
    pub(crate) fn neighbor_exchange_during<T: MpiType, R>(
        &self,
        mut outgoing: Vec<Message<T>>,
        expected: &[(usize, usize)],
        work: impl FnOnce() -> R,
    ) -> (Vec<Message<T>>, R) {
        let mut own = self.take_own(&mut outgoing);
        let mut buffer = |&(rank, length): &(usize, usize)| {
            own.take_if(|_| rank == self.rank).unwrap_or_else(|| (rank, vec![T::default(); length]))
        };
        let mut incoming: Vec<Message<T>> = expected.iter().map(&mut buffer).collect();
        let send: Vec<(usize, &[T])> = outgoing.iter().map(|(rank, values)| (*rank, &values[..])).collect();
        let others = incoming.iter_mut().filter(|(rank, _)| *rank != self.rank);
        let receive = others.map(|(rank, values)| (*rank, &mut values[..])).collect();
        let result = self.neighbor_exchange_overlap(&send, receive, work);
        (incoming, result)
    }

    /// Removes the message to this rank.
    fn take_own<T>(&self, messages: &mut Vec<Message<T>>) -> Option<Message<T>> {
        let own = messages.iter().position(|message| message.0 == self.rank)?;
        Some(messages.swap_remove(own))
    }

    /// Returns the value of rank `from` on all ranks. **Collective.**
    pub fn broadcast<T: MpiType>(&self, from: usize, value: T) -> T {
        let mut values = [value];
        self.broadcast_into(from, &mut values);
        values[0]
    }

    /// Overwrites the values of all ranks with those of rank `from`. **Collective.**
    pub(crate) fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]) {
        let given = if self.rank == from { size_of_val(values) } else { 0 };
        self.collective(
            SpanKind::Broadcast,
            given,
            || with_backend!(self, backend => backend.broadcast_into(from, values)),
        );
    }

    /// Exchanges messages between neighbours, for [`Halo`](crate::parallel::Halo): receives each
    /// `(rank, slice)` of `receive`, sends each of `send`, and runs `work` while messages travel.
    /// **Collective** among neighbours.
    pub(crate) fn neighbor_exchange_overlap<T: MpiType, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> R {
        let has_messages = !(send.is_empty() && receive.is_empty());
        let start = Instant::now();
        let [mut posted, mut waiting] = [start; 2];
        let work = || {
            posted = Instant::now();
            let result = work();
            waiting = Instant::now();
            result
        };
        let result = with_backend!(self, backend => backend.neighbor_exchange_overlap(send, receive, work));
        let end = Instant::now();
        let seconds = with_backend!(self, backend => backend.seconds_of((posted - start) + (end - waiting)));
        let bytes = send.iter().map(|(_, values)| size_of_val(*values) as u64).sum();
        self.recorder.count(SpanKind::Halo, CommCounter { count: send.len() as u64, bytes, seconds });
        if has_messages {
            self.recorder.add_span(SpanKind::Wait, [waiting, end], 0);
            self.recorder.add_span(SpanKind::Halo, [start, end], bytes);
        }
        result
    }

    /// Runs a collective operation and counts it, with the `bytes` that this rank sends.
    fn collective<R>(&self, kind: SpanKind, bytes: usize, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        let end = Instant::now();
        let seconds = with_backend!(self, backend => backend.seconds_of(end - start));
        let bytes = bytes as u64;
        self.recorder.count(kind, CommCounter { count: 1, bytes, seconds });
        self.recorder.add_span(kind, [start, end], bytes);
        result
    }
}
