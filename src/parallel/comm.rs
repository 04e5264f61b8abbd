//! The communicator: the few collective verbs that the solver needs, all of them
//! counted, and the agreement on errors that keeps a failure on one rank from
//! hanging the rest.

use std::time::Instant;

use mpi::topology::SimpleCommunicator;

use crate::error::{Error, ExitCode, Result};
use crate::parallel::mpi::{MpiComm, Operation};
use crate::parallel::traffic::note;
use crate::parallel::virtual_ranks::VirtualRank;
use crate::parallel::{CommCounter, CommStats, MpiType, Ordered};

/// The ranks that work on one problem.
pub struct Comm {
    world: Backend,
    rank: usize,
    size: usize,
}

/// What a rank is.
enum Backend {
    /// A process.
    MpiComm(MpiComm),
    /// A thread of one, among those of all processes.
    Logical(VirtualRank),
}

impl Comm {
    /// Wraps an MPI communicator.
    pub fn new(inner: SimpleCommunicator) -> Self {
        let processes = MpiComm::new(inner);
        let (rank, size) = (processes.rank, processes.size);
        Self { world: Backend::MpiComm(processes), rank, size }
    }

    /// The communicator of this rank alone.
    pub fn alone() -> Self {
        Self::new(SimpleCommunicator::self_comm())
    }

    /// That of a logical rank among all of them.
    pub(crate) fn logical(seat: VirtualRank) -> Self {
        let (rank, size) = (seat.rank(), seat.size());
        Self { world: Backend::Logical(seat), rank, size }
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

    /// The processes behind ranks that are processes.
    pub(crate) fn processes(&self) -> &MpiComm {
        match &self.world {
            Backend::MpiComm(processes) => processes,
            Backend::Logical(_) => panic!("a logical rank is no process"),
        }
    }

    /// The MPI handle, for libraries that need it; logical ranks have none.
    pub fn raw(&self) -> mpi::ffi::MPI_Comm {
        self.processes().raw()
    }

    /// The communicator of the ranks on this host, which are processes. **Collective.**
    pub fn host(&self) -> Self {
        Self::new(self.processes().host())
    }

    /// Waits for all ranks. **Collective.**
    pub fn barrier(&self) {
        self.collective(
            |t| &mut t.others,
            0,
            || match &self.world {
                Backend::MpiComm(processes) => processes.barrier(),
                Backend::Logical(seat) => seat.barrier(),
            },
        );
    }

    /// Entry-wise sum over the ranks. **Collective.**
    pub fn sum_all<T: MpiType>(&self, values: &[T]) -> Vec<T> {
        self.reduce(values, Operation::Sum)
    }

    /// Sum over the ranks. **Collective.**
    pub fn sum<T: MpiType>(&self, value: T) -> T {
        self.reduce(&[value], Operation::Sum)[0]
    }

    /// Smallest value over the ranks. **Collective.**
    pub fn min<T: Ordered>(&self, value: T) -> T {
        self.extreme(&[value], Operation::Min)[0]
    }

    /// Largest value over the ranks. **Collective.**
    pub fn max<T: Ordered>(&self, value: T) -> T {
        self.extreme(&[value], Operation::Max)[0]
    }

    /// Entry-wise smallest values over the ranks. **Collective.**
    pub fn min_all<T: Ordered>(&self, values: &[T]) -> Vec<T> {
        self.extreme(values, Operation::Min)
    }

    /// Entry-wise largest values over the ranks. **Collective.**
    pub fn max_all<T: Ordered>(&self, values: &[T]) -> Vec<T> {
        self.extreme(values, Operation::Max)
    }

    fn extreme<T: Ordered>(&self, values: &[T], operation: Operation) -> Vec<T> {
        let compared: Vec<T::Compared> = values.iter().map(|value| value.to_compared()).collect();
        self.reduce(&compared, operation).into_iter().map(T::from_compared).collect()
    }

    fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T> {
        self.collective(
            |t| &mut t.reductions,
            size_of_val(values),
            || match &self.world {
                Backend::MpiComm(processes) => processes.reduce(values, operation),
                Backend::Logical(seat) => seat.reduce(values, operation),
            },
        )
    }

    /// Sum of the values of all lower ranks. **Collective.**
    pub fn exclusive_sum(&self, value: u64) -> u64 {
        self.collective(
            |t| &mut t.others,
            size_of_val(&value),
            || match &self.world {
                Backend::MpiComm(processes) => processes.exclusive_sum(value),
                Backend::Logical(seat) => seat.all_gather(value)[..self.rank].iter().sum(),
            },
        )
    }

    /// The value of every rank, in rank order. **Collective.**
    pub fn all_gather<T: MpiType>(&self, value: T) -> Vec<T> {
        self.collective(
            |t| &mut t.others,
            size_of::<T>(),
            || match &self.world {
                Backend::MpiComm(processes) => processes.all_gather(value),
                Backend::Logical(seat) => seat.all_gather(value),
            },
        )
    }

    /// The string of every rank, in rank order. **Collective.**
    pub fn all_gather_strings(&self, value: &str) -> Vec<String> {
        let everywhere = vec![value.as_bytes().to_vec(); self.size];
        self.all_to_all_v(everywhere).into_iter().map(|b| String::from_utf8_lossy(&b).into_owned()).collect()
    }

    /// Sends `outgoing[r]` to rank `r` and returns what rank `r` sent here in
    /// entry `r`. **Collective.**
    pub fn all_to_all_v<T: MpiType>(&self, outgoing: Vec<Vec<T>>) -> Vec<Vec<T>> {
        // What stays here does not travel.
        let travels = outgoing.iter().map(Vec::len).sum::<usize>() - outgoing[self.rank].len();
        let sent = travels * size_of::<T>() + self.size * size_of::<u64>();
        self.collective(
            |t| &mut t.others,
            sent,
            || match &self.world {
                Backend::MpiComm(processes) => processes.all_to_all_v(outgoing),
                Backend::Logical(seat) => seat.all_to_all_v(outgoing),
            },
        )
    }

    /// Gathers one list a rank on rank 0, in rank order; other ranks get
    /// nothing. **Collective.**
    pub fn gather_at_root<T: MpiType>(&self, values: Vec<T>) -> Vec<Vec<T>> {
        let mut outgoing = vec![Vec::new(); self.size];
        outgoing[0] = values;
        let incoming = self.all_to_all_v(outgoing);
        if self.is_root() { incoming } else { Vec::new() }
    }

    /// Hands entry `r` of rank 0's `lists` to rank `r`; the other ranks pass
    /// nothing. **Collective.**
    pub fn scatter_from_root<T: MpiType>(&self, lists: Vec<Vec<T>>) -> Vec<T> {
        let outgoing = if self.is_root() { lists } else { vec![Vec::new(); self.size] };
        self.all_to_all_v(outgoing).swap_remove(0)
    }

    /// The value of one rank on all of them. **Collective.**
    pub fn broadcast<T: MpiType>(&self, from: usize, value: T) -> T {
        let mut values = [value];
        self.broadcast_into(from, &mut values);
        values[0]
    }

    fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]) {
        let given = if self.rank == from { size_of_val(values) } else { 0 };
        self.collective(
            |t| &mut t.others,
            given,
            || match &self.world {
                Backend::MpiComm(processes) => processes.broadcast_into(from, values),
                Backend::Logical(seat) => seat.broadcast_into(from, values),
            },
        );
    }

    /// The strings of rank 0 on every rank; the others pass none. **Collective.**
    pub fn broadcast_strings(&self, values: Vec<String>) -> Vec<String> {
        let lengths: Vec<u64> = values.iter().map(|value| value.len() as u64).collect();
        let lengths = self.broadcast_list(0, lengths);
        let bytes = self.broadcast_list(0, values.concat().into_bytes());
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
    /// The error of that rank.
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
        let (code, text, (elements, nodes)) = match result {
            Err(e) if speaker == self.rank => (e.exit_code() as i32, e.to_string().into_bytes(), e.mentioned()),
            _ => (0, Vec::new(), (Vec::new(), Vec::new())),
        };
        let code = ExitCode::from_i32(self.broadcast(speaker, code));
        let message = String::from_utf8_lossy(&self.broadcast_list(speaker, text)).into_owned();
        let (elements, nodes) = (self.broadcast_list(speaker, elements), self.broadcast_list(speaker, nodes));
        Err(Error::Message { code, message, place: None, elements, nodes })
    }

    /// The list of one rank on every rank; the others pass an empty one.
    fn broadcast_list<T: MpiType + Default>(&self, from: usize, mut list: Vec<T>) -> Vec<T> {
        list.resize(self.broadcast(from, list.len()), T::default());
        self.broadcast_into(from, &mut list);
        list
    }

    /// Point-to-point exchange behind [`Halo`](crate::parallel::Halo): receives each
    /// `(rank, slice)` of `receive`, sends each of `send`, and runs `work`
    /// while messages travel.
    pub(crate) fn neighbor_exchange_overlap<T: MpiType, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> R {
        let (result, seconds) = match &self.world {
            Backend::MpiComm(processes) => processes.transfer(send, receive, work),
            Backend::Logical(seat) => seat.transfer(send, receive, work),
        };
        let bytes = send.iter().map(|(_, values)| size_of_val(*values) as u64).sum();
        note(|t| &mut t.halo, CommCounter { count: send.len() as u64, bytes, seconds });
        result
    }

    /// Runs a collective operation of one kind, to which this rank gives so many bytes.
    fn collective<R>(
        &self,
        kind: impl FnOnce(&mut CommStats) -> &mut CommCounter,
        bytes: usize,
        work: impl FnOnce() -> R,
    ) -> R {
        let start = Instant::now();
        let result = work();
        let seconds = match &self.world {
            Backend::MpiComm(_) => start.elapsed().as_secs_f64(),
            Backend::Logical(seat) => seat.take_seconds(),
        };
        note(kind, CommCounter { count: 1, bytes: bytes as u64, seconds });
        result
    }
}
