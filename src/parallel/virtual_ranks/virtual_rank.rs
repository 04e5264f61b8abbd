//! Backend of the communicator for virtual ranks. Each operation is a step of the thread group, in
//! which the main thread communicates with the other processes. Sums are added in the order of the
//! virtual ranks, whatever their processes.

use std::cell::Cell;
use std::mem::take;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::parallel::backend::{Backend, Operation};
use crate::parallel::mpi::MpiComm;
use crate::parallel::virtual_ranks::thread_group::ThreadGroup;
use crate::parallel::{Message, MpiType, Outgoing, piece};

/// Virtual rank, on its own thread.
pub struct VirtualRank {
    group: Arc<ThreadGroup>,
    /// Index of this thread in the group.
    thread: usize,
    /// The processes, on the main thread.
    processes: Option<Rc<MpiComm>>,
    /// Seconds of communication between processes that no counter has yet.
    seconds: Cell<f64>,
}

/// Messages that a virtual rank sends, and the ranks and lengths of those that it receives.
type Exchange<T> = (Vec<Message<T>>, Vec<(usize, usize)>);

impl VirtualRank {
    /// Creates the virtual rank of the main thread.
    pub fn main(group: &Arc<ThreadGroup>, processes: &Rc<MpiComm>) -> Self {
        Self { group: Arc::clone(group), thread: 0, processes: Some(Rc::clone(processes)), seconds: Cell::default() }
    }

    /// Creates the virtual rank of another thread, after waiting for its turn.
    pub fn other(group: &Arc<ThreadGroup>, thread: usize) -> Self {
        group.begin(thread);
        Self { group: Arc::clone(group), thread, processes: None, seconds: Cell::default() }
    }

    /// Takes one step, with `work` while the inputs are gathered. On the main thread `operation`
    /// turns the inputs of the virtual ranks of this process into their outputs. Returns the result
    /// of `work` and the output.
    fn step<I, O, R>(
        &self,
        input: I,
        work: impl FnOnce() -> R,
        operation: impl FnOnce(&ThreadGroup, &MpiComm, Vec<I>) -> Vec<O>,
    ) -> (R, O)
    where
        I: Send + 'static,
        O: Send + 'static,
    {
        self.group.post_input(self.thread, input);
        let result = work();
        if let Some(processes) = &self.processes {
            let inputs = self.group.gather_inputs();
            let start = Instant::now();
            let outputs = operation(&self.group, processes, inputs);
            let seconds = start.elapsed().as_secs_f64();
            self.group.scatter_outputs(outputs.into_iter().map(|output| (seconds, output)).collect());
        }
        let (seconds, output): (f64, O) = self.group.wait_for_output(self.thread);
        self.seconds.set(self.seconds.get() + seconds);
        (result, output)
    }
}

impl Backend for VirtualRank {
    fn rank(&self) -> usize {
        self.group.rank(self.thread)
    }

    fn size(&self) -> usize {
        self.group.size()
    }

    fn barrier(&self) {
        self.step(
            (),
            || (),
            |_, processes, inputs| {
                processes.barrier();
                inputs
            },
        );
    }

    /// Adds in the order of the virtual ranks.
    fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T> {
        let add = |group: &ThreadGroup, processes: &MpiComm, lists: Vec<Vec<T>>| {
            let mut totals = Vec::with_capacity(values.len());
            for part in parts::<T>(group, values.len()) {
                let lists: Vec<&[T]> = lists.iter().map(|list| &list[part.clone()]).collect();
                let all = gather(group, processes, &lists);
                let mut all = all.chunks_exact(part.len());
                let mut total = all.next().unwrap_or_default().to_vec();
                all.for_each(|values| operation.add(values, &mut total));
                totals.extend(total);
            }
            vec![totals; lists.len()]
        };
        self.step(values.to_vec(), || (), add).1
    }

    fn exclusive_sum(&self, value: u64) -> u64 {
        let scan = |_: &ThreadGroup, processes: &MpiComm, values: Vec<u64>| {
            let before = processes.exclusive_sum(values.iter().sum());
            let sums = values.iter().scan(before, |sum, value| Some(std::mem::replace(sum, *sum + value)));
            sums.collect::<Vec<u64>>()
        };
        self.step(value, || (), scan).1
    }

    fn find_senders(&self, outgoing: &[(usize, usize)]) -> Vec<(usize, usize)> {
        self.step(outgoing.to_vec(), || (), find_senders).1
    }

    fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]) {
        let given = if self.rank() == from { values.to_vec() } else { Vec::new() };
        let count = values.len();
        let broadcast = |group: &ThreadGroup, processes: &MpiComm, mut lists: Vec<Vec<T>>| {
            let process = group.process_of(from);
            let mut list = vec![T::default(); count];
            if process == group.process() {
                list = take(&mut lists[from - group.rank(0)]);
            }
            processes.broadcast_into(process, &mut list);
            vec![list; lists.len()]
        };
        values.copy_from_slice(&self.step(given, || (), broadcast).1);
    }

    fn neighbor_exchange_overlap<T: MpiType, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> R {
        let sent: Vec<Message<T>> = send.iter().map(|(rank, values)| (*rank, values.to_vec())).collect();
        let expected: Vec<(usize, usize)> = receive.iter().map(|(rank, values)| (*rank, values.len())).collect();
        let (result, mut incoming) = self.step((sent, expected), work, exchange);
        incoming.sort_by_key(|message| message.0);
        for (rank, values) in receive {
            match incoming.binary_search_by_key(&rank, |message| message.0) {
                Ok(at) => values.copy_from_slice(&incoming[at].1),
                Err(_) => panic!("virtual rank {rank} sends no message that is expected of it"),
            }
        }
        result
    }

    /// Returns the seconds that this process spent with the others since the last call. Waiting of
    /// its threads for each other counts as computing.
    fn seconds_of(&self, _: Duration) -> f64 {
        self.seconds.take()
    }
}

impl Drop for VirtualRank {
    fn drop(&mut self) {
        self.group.end();
    }
}

/// Splits `0..n` into parts of which the values of all virtual ranks fit into one message.
fn parts<T>(group: &ThreadGroup, n: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let length = (piece::<T>() / group.size()).max(1);
    (0..n.div_ceil(length)).map(move |part| part * length..n.min((part + 1) * length))
}

/// Gathers the lists of all virtual ranks, which have one length, in the order of the ranks.
fn gather<T: MpiType>(group: &ThreadGroup, processes: &MpiComm, lists: &[&[T]]) -> Vec<T> {
    let length = lists.first().map_or(0, |list| list.len());
    let counts: Vec<usize> = group.counts().into_iter().map(|count| count * length).collect();
    processes.all_gather_lists(&lists.concat(), &counts)
}

/// Sends the lengths of the virtual ranks of this process to other virtual ranks, and returns for
/// each the ranks that send one to it, and their lengths.
fn find_senders(
    group: &ThreadGroup,
    processes: &MpiComm,
    outgoing: Vec<Vec<(usize, usize)>>,
) -> Vec<Vec<(usize, usize)>> {
    let here = group.rank(0);
    let mut records = Outgoing::new();
    for (from, lengths) in (here..).zip(outgoing) {
        for (to, length) in lengths {
            records.to(group.process_of(to)).extend([from, to, length].map(|n| n as u64));
        }
    }
    let (own, others): (Vec<_>, Vec<_>) =
        records.into_messages().into_iter().partition(|message| message.0 == group.process());
    let received = processes.sparse_exchange(&others);
    let mut senders = vec![Vec::new(); group.threads()];
    for (_, records) in own.iter().chain(&received) {
        for &[from, to, length] in records.as_chunks().0 {
            senders[to as usize - here].push((from as usize, length as usize));
        }
    }
    senders.iter_mut().for_each(|list| list.sort_unstable());
    senders
}

/// Exchanges messages between neighbours and returns those that each virtual rank of this process
/// receives. All messages from one process to another travel as one, in the order of senders and
/// receivers.
fn exchange<T: MpiType>(group: &ThreadGroup, processes: &MpiComm, exchanges: Vec<Exchange<T>>) -> Vec<Vec<Message<T>>> {
    let here = group.rank(0);
    let mut incoming: Vec<Vec<Message<T>>> = vec![Vec::new(); group.threads()];
    let mut outgoing = Vec::new();
    let mut expected = Vec::new();
    for (own, (messages, lengths)) in (here..).zip(exchanges) {
        for (to, values) in messages {
            match to.checked_sub(here).and_then(|thread| incoming.get_mut(thread)) {
                Some(messages) => messages.push((own, values)),
                None => outgoing.push((own, to, values)),
            }
        }
        let is_elsewhere = |(from, _): &(usize, usize)| group.process_of(*from) != group.process();
        expected.extend(lengths.into_iter().filter(is_elsewhere).map(|(from, length)| (from, own, length)));
    }
    outgoing.sort_unstable_by_key(|(from, to, _)| (group.process_of(*to), *from, *to));
    expected.sort_unstable();
    let mut send: Vec<Message<T>> = Vec::new();
    for (_, to, values) in outgoing {
        let process = group.process_of(to);
        match send.last_mut() {
            Some((last, all)) if *last == process => all.extend(values),
            _ => send.push((process, values)),
        }
    }
    let mut receive: Vec<Message<T>> = Vec::new();
    for &(from, _, length) in &expected {
        let process = group.process_of(from);
        match receive.last_mut() {
            Some((last, all)) if *last == process => all.resize(all.len() + length, T::default()),
            _ => receive.push((process, vec![T::default(); length])),
        }
    }
    if !(send.is_empty() && receive.is_empty()) {
        let send: Vec<_> = send.iter().map(|(process, values)| (*process, &values[..])).collect();
        let receive = receive.iter_mut().map(|(process, values)| (*process, &mut values[..])).collect();
        processes.neighbor_exchange_overlap(&send, receive, || ());
    }
    let mut values = receive.iter().flat_map(|(_, values)| values.iter().copied());
    for (from, to, length) in expected {
        incoming[to - here].push((from, values.by_ref().take(length).collect()));
    }
    incoming
}
