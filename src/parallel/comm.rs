//! The communicator: the few collective verbs that the solver needs, all of them
//! counted, and the agreement on errors that keeps a failure on one rank from
//! hanging the rest.

use std::sync::LazyLock;
use std::time::Instant;

use mpi::collective::SystemOperation;
use mpi::datatype::Equivalence;
use mpi::request::multiple_scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use super::traffic::{Traffic, Wait, note};
use crate::error::{Error, ExitCode, Result};

/// Values of `T` in one message: MPI counts in 32 bits, so longer ones are
/// split. Tests lower the number of bytes, by QUAD8_MPI_MESSAGE_BYTES.
pub(super) fn piece<T>() -> usize {
    static BYTES: LazyLock<usize> = LazyLock::new(|| {
        let lowered = std::env::var("QUAD8_MPI_MESSAGE_BYTES").ok().and_then(|text| text.parse().ok());
        lowered.map_or(1 << 30, |bytes: usize| bytes.min(1 << 30))
    });
    (*BYTES / size_of::<T>().max(1)).max(1)
}

/// What may travel in a message.
pub trait Datum: Equivalence + Copy + Default + Send + Sync + 'static {}
impl<T: Equivalence + Copy + Default + Send + Sync + 'static> Datum for T {}

/// The ranks that work on one problem.
pub struct Comm {
    inner: SimpleCommunicator,
    rank: usize,
    size: usize,
}

impl Comm {
    /// Wraps an MPI communicator.
    pub fn new(inner: SimpleCommunicator) -> Self {
        let (rank, size) = (inner.rank() as usize, inner.size() as usize);
        Self { inner, rank, size }
    }

    /// The communicator of this rank alone.
    pub fn alone() -> Self {
        Self::new(SimpleCommunicator::self_comm())
    }

    /// This rank's number, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Number of ranks.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether this is rank 0, the one that prints.
    pub fn is_root(&self) -> bool {
        self.rank == 0
    }

    /// The MPI handle, for libraries that need it.
    pub fn raw(&self) -> mpi::ffi::MPI_Comm {
        self.inner.as_raw()
    }

    /// The communicator of the ranks on this host. **Collective.**
    pub fn host(&self) -> Self {
        Self::new(self.inner.split_shared(self.rank as i32))
    }

    /// Waits for all ranks. **Collective.**
    pub fn barrier(&self) {
        collective(|t| &mut t.others, 0, || self.inner.barrier());
    }

    /// Entry-wise sum over the ranks. **Collective.**
    pub fn sum_all<T: Datum>(&self, values: &[T]) -> Vec<T> {
        self.reduce(values, SystemOperation::sum())
    }

    /// Sum over the ranks. **Collective.**
    pub fn sum<T: Datum>(&self, value: T) -> T {
        self.reduce(&[value], SystemOperation::sum())[0]
    }

    /// Smallest value over the ranks. **Collective.**
    pub fn min<T: Datum>(&self, value: T) -> T {
        self.reduce(&[value], SystemOperation::min())[0]
    }

    /// Largest value over the ranks. **Collective.**
    pub fn max<T: Datum>(&self, value: T) -> T {
        self.reduce(&[value], SystemOperation::max())[0]
    }

    /// Entry-wise smallest values over the ranks. **Collective.**
    pub fn min_all<T: Datum>(&self, values: &[T]) -> Vec<T> {
        self.reduce(values, SystemOperation::min())
    }

    /// Entry-wise largest values over the ranks. **Collective.**
    pub fn max_all<T: Datum>(&self, values: &[T]) -> Vec<T> {
        self.reduce(values, SystemOperation::max())
    }

    fn reduce<T: Datum>(&self, values: &[T], operation: SystemOperation) -> Vec<T> {
        let mut result = vec![T::default(); values.len()];
        let reduce = || {
            for (values, result) in values.chunks(piece::<T>()).zip(result.chunks_mut(piece::<T>())) {
                self.inner.all_reduce_into(values, result, operation);
            }
        };
        collective(|t| &mut t.reductions, size_of_val(values), reduce);
        result
    }

    /// Sum of the values of all lower ranks. **Collective.**
    pub fn exclusive_sum(&self, value: u64) -> u64 {
        let mut result = 0;
        collective(
            |t| &mut t.others,
            size_of_val(&value),
            || {
                self.inner.exclusive_scan_into(&value, &mut result, SystemOperation::sum());
            },
        );
        if self.is_root() { 0 } else { result }
    }

    /// The value of every rank, in rank order. **Collective.**
    pub fn all_gather<T: Datum>(&self, value: T) -> Vec<T> {
        let mut values = vec![T::default(); self.size];
        collective(|t| &mut t.others, size_of::<T>(), || self.inner.all_gather_into(&[value][..], &mut values[..]));
        values
    }

    /// The string of every rank, in rank order. **Collective.**
    pub fn all_gather_strings(&self, value: &str) -> Vec<String> {
        let everywhere = vec![value.as_bytes().to_vec(); self.size];
        self.exchange(everywhere).into_iter().map(|b| String::from_utf8_lossy(&b).into_owned()).collect()
    }

    /// Sends `outgoing[r]` to rank `r` and returns what rank `r` sent here in
    /// entry `r`. **Collective.**
    pub fn exchange<T: Datum>(&self, mut outgoing: Vec<Vec<T>>) -> Vec<Vec<T>> {
        // What stays here does not travel.
        let own = std::mem::take(&mut outgoing[self.rank]);
        let sent = outgoing.iter().map(Vec::len).sum::<usize>() * size_of::<T>() + self.size * size_of::<u64>();
        collective(|t| &mut t.others, sent, || self.exchange_with_own(&outgoing, own))
    }

    fn exchange_with_own<T: Datum>(&self, outgoing: &[Vec<T>], own: Vec<T>) -> Vec<Vec<T>> {
        let sizes: Vec<u64> = outgoing.iter().map(|m| m.len() as u64).collect();
        let mut expected = vec![0_u64; self.size];
        self.inner.all_to_all_into(&sizes[..], &mut expected[..]);
        let mut incoming: Vec<Vec<T>> = expected.iter().map(|&n| vec![T::default(); n as usize]).collect();
        incoming[self.rank] = own;

        let others = |r: &usize| *r != self.rank;
        let send: Vec<_> = outgoing.iter().map(|m| &m[..]).enumerate().filter(|(r, _)| others(r)).collect();
        let receive = incoming.iter_mut().map(|m| &mut m[..]).enumerate().filter(|(r, _)| others(r)).collect();
        self.transfer(&send, receive, || ());
        incoming
    }

    /// Gathers one list a rank on rank 0, in rank order; other ranks get
    /// nothing. **Collective.**
    pub fn gather_at_root<T: Datum>(&self, values: Vec<T>) -> Vec<Vec<T>> {
        let mut outgoing = vec![Vec::new(); self.size];
        outgoing[0] = values;
        let incoming = self.exchange(outgoing);
        if self.is_root() { incoming } else { Vec::new() }
    }

    /// Hands entry `r` of rank 0's `lists` to rank `r`; the other ranks pass
    /// nothing. **Collective.**
    pub fn scatter_from_root<T: Datum>(&self, lists: Vec<Vec<T>>) -> Vec<T> {
        let outgoing = if self.is_root() { lists } else { vec![Vec::new(); self.size] };
        self.exchange(outgoing).swap_remove(0)
    }

    /// The value of one rank on all of them. **Collective.**
    pub fn broadcast<T: Datum>(&self, from: usize, value: T) -> T {
        let mut values = [value];
        self.broadcast_into(from, &mut values);
        values[0]
    }

    fn broadcast_into<T: Datum>(&self, from: usize, values: &mut [T]) {
        let given = if self.rank == from { size_of_val(values) } else { 0 };
        let broadcast = || {
            for values in values.chunks_mut(piece::<T>()) {
                self.inner.process_at_rank(from as i32).broadcast_into(values);
            }
        };
        collective(|t| &mut t.others, given, broadcast);
    }

    /// The strings of rank 0 on every rank; the others pass none. **Collective.**
    pub fn broadcast_strings(&self, values: Vec<String>) -> Vec<String> {
        let mut lengths: Vec<u64> = values.iter().map(|value| value.len() as u64).collect();
        lengths.resize(self.broadcast(0, lengths.len()), 0);
        self.broadcast_into(0, &mut lengths);
        let mut bytes = values.concat().into_bytes();
        bytes.resize(lengths.iter().sum::<u64>() as usize, 0);
        self.broadcast_into(0, &mut bytes);
        let mut rest = &bytes[..];
        let mut next = |length: &u64| {
            let (value, others) = rest.split_at(*length as usize);
            rest = others;
            String::from_utf8_lossy(value).into_owned()
        };
        lengths.iter().map(&mut next).collect()
    }

    /// Turns a result that may differ from rank to rank into one that is the
    /// same on all: if any rank failed, every rank returns the error of the
    /// rank that names the lowest element and node (or else of the lowest rank).
    /// **Collective**; every fallible stage ends with it before ranks
    /// communicate again.
    ///
    /// # Errors
    /// [`Error::Agreed`] when any rank failed.
    pub fn agree<T>(&self, result: Result<T>) -> Result<T> {
        let [element, node] = match &result {
            Ok(_) => [u64::MAX; 2],
            Err(e) => e.place().unwrap_or([u64::MAX - 1, 0]),
        };
        let first = self.min(element);
        if first == u64::MAX {
            return result;
        }
        let lowest = self.min(if element == first { node } else { u64::MAX });
        let speaker = self.min(if [element, node] == [first, lowest] { self.rank } else { self.size });
        let (code, mut text) = match result {
            Err(e) if speaker == self.rank => (e.exit_code() as i32, e.to_string().into_bytes()),
            _ => (0, Vec::new()),
        };
        let code = self.broadcast(speaker, code);
        text.resize(self.broadcast(speaker, text.len()), 0);
        self.broadcast_into(speaker, &mut text);
        Err(Error::Agreed { code: ExitCode::from_i32(code), message: String::from_utf8_lossy(&text).into_owned() })
    }

    /// Point-to-point exchange behind [`Halo`](super::Halo): receives each
    /// `(rank, slice)` of `receive`, sends each of `send`, and runs `work`
    /// while messages travel.
    pub(super) fn swap_during<T: Datum, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> R {
        let (result, seconds) = self.transfer(send, receive, work);
        let bytes = send.iter().map(|(_, values)| size_of_val(*values) as u64).sum();
        note(|t| &mut t.halo, Wait { count: send.len() as u64, bytes, seconds });
        result
    }

    /// What [`swap_during`](Self::swap_during) does, uncounted; returns the
    /// seconds besides those of `work`, too.
    fn transfer<T: Datum, R>(
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
            requests.wait_all(&mut Vec::with_capacity(messages));
            (result, ((posted - start) + done.elapsed()).as_secs_f64())
        })
    }

    /// Ends the job at once, on every rank, with this exit code.
    pub fn abort(&self, code: ExitCode) -> ! {
        self.inner.abort(code as i32)
    }
}

/// Runs a collective operation of one kind, to which this rank gives so many bytes.
fn collective<R>(kind: impl FnOnce(&mut Traffic) -> &mut Wait, bytes: usize, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = work();
    note(kind, Wait { count: 1, bytes: bytes as u64, seconds: start.elapsed().as_secs_f64() });
    result
}
