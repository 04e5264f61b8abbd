//! What a logical rank does for the verbs of [`Comm`]: steps of its team, in
//! which the lead speaks with the other processes. Sums are added in the order of
//! the logical ranks, whatever processes they are on.

use std::cell::Cell;
use std::mem::take;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::parallel::mpi::{MpiComm, Operation};
use crate::parallel::virtual_ranks::team::ThreadGroup;
use crate::parallel::{Comm, MpiType, piece};

/// The place of a logical rank in the team of its process, on its own thread.
pub struct VirtualRank {
    team: Arc<ThreadGroup>,
    seat: usize,
    /// The processes, for the lead.
    processes: Option<Rc<Comm>>,
    /// Spent with other processes since this was last asked for.
    seconds: Cell<f64>,
}

/// A message to a rank, or from one.
type Message<T> = (usize, Vec<T>);

/// What a logical rank sends, and the ranks and lengths of what it receives.
type Transfer<T> = (Vec<Message<T>>, Vec<(usize, usize)>);

impl VirtualRank {
    /// That of the first thread of a process.
    pub fn lead(team: &Arc<ThreadGroup>, processes: &Rc<Comm>) -> Self {
        Self { team: Arc::clone(team), seat: 0, processes: Some(Rc::clone(processes)), seconds: Cell::default() }
    }

    /// That of another thread, which waits here for its turn.
    pub fn other(team: &Arc<ThreadGroup>, seat: usize) -> Self {
        team.begin(seat);
        Self { team: Arc::clone(team), seat, processes: None, seconds: Cell::default() }
    }

    /// The number of this logical rank.
    pub fn rank(&self) -> usize {
        self.team.rank(self.seat)
    }

    /// The number of all logical ranks.
    pub fn size(&self) -> usize {
        self.team.size()
    }

    /// Seconds that this process spent with the others in the steps since the last call. What threads of one process
    /// wait for each other, they compute.
    pub fn take_seconds(&self) -> f64 {
        self.seconds.take()
    }

    /// One step: `act` makes of the inputs of this process's logical ranks their outputs.
    fn step<I, O, R>(
        &self,
        input: I,
        work: impl FnOnce() -> R,
        act: impl FnOnce(&ThreadGroup, &MpiComm, Vec<I>) -> Vec<O>,
    ) -> (R, O)
    where
        I: Send + 'static,
        O: Send + 'static,
    {
        self.team.leave(self.seat, input);
        let result = work();
        if let Some(processes) = &self.processes {
            let inputs = self.team.collect();
            let start = Instant::now();
            let outputs = act(&self.team, processes.processes(), inputs);
            let seconds = start.elapsed().as_secs_f64();
            self.team.hand_out(outputs.into_iter().map(|output| (seconds, output)).collect());
        }
        let (seconds, output): (f64, O) = self.team.take(self.seat);
        self.seconds.set(self.seconds.get() + seconds);
        (result, output)
    }

    /// **Collective.**
    pub fn barrier(&self) {
        self.step(
            (),
            || (),
            |_, processes, inputs| {
                processes.barrier();
                inputs
            },
        );
    }

    /// Entry by entry over the ranks, in their order. **Collective.**
    pub fn reduce<T: MpiType>(&self, values: &[T], operation: Operation) -> Vec<T> {
        let add = |team: &ThreadGroup, processes: &MpiComm, lists: Vec<Vec<T>>| {
            let mut totals = Vec::with_capacity(values.len());
            for part in parts::<T>(team, values.len()) {
                let lists: Vec<&[T]> = lists.iter().map(|list| &list[part.clone()]).collect();
                let all = gather(team, processes, &lists);
                let mut all = all.chunks_exact(part.len());
                let mut total = all.next().unwrap_or_default().to_vec();
                all.for_each(|values| operation.add(values, &mut total));
                totals.extend(total);
            }
            vec![totals; lists.len()]
        };
        self.step(values.to_vec(), || (), add).1
    }

    /// The value of every rank, in rank order. **Collective.**
    pub fn all_gather<T: MpiType>(&self, value: T) -> Vec<T> {
        let all = |team: &ThreadGroup, processes: &MpiComm, values: Vec<T>| {
            let lists: Vec<&[T]> = values.chunks(1).collect();
            vec![gather(team, processes, &lists); values.len()]
        };
        self.step(value, || (), all).1
    }

    /// The values of one rank on all of them. **Collective.**
    pub fn broadcast_into<T: MpiType>(&self, from: usize, values: &mut [T]) {
        let given = if self.rank() == from { values.to_vec() } else { Vec::new() };
        let count = values.len();
        let broadcast = |team: &ThreadGroup, processes: &MpiComm, mut lists: Vec<Vec<T>>| {
            let process = team.process_of(from);
            let mut list = vec![T::default(); count];
            if process == team.process() {
                list = take(&mut lists[from - team.rank(0)]);
            }
            processes.broadcast_into(process, &mut list);
            vec![list; lists.len()]
        };
        values.copy_from_slice(&self.step(given, || (), broadcast).1);
    }

    /// Sends `outgoing[r]` to rank `r` and returns what rank `r` sent here in
    /// entry `r`. **Collective.**
    pub fn all_to_all_v<T: MpiType>(&self, outgoing: Vec<Vec<T>>) -> Vec<Vec<T>> {
        self.step(outgoing, || (), all_to_all_v).1
    }

    /// What [`MpiComm::transfer`] does.
    pub fn transfer<T: MpiType, R>(
        &self,
        send: &[(usize, &[T])],
        receive: Vec<(usize, &mut [T])>,
        work: impl FnOnce() -> R,
    ) -> (R, f64) {
        let sent: Vec<Message<T>> = send.iter().map(|(rank, values)| (*rank, values.to_vec())).collect();
        let expected: Vec<(usize, usize)> = receive.iter().map(|(rank, values)| (*rank, values.len())).collect();
        let (result, mut incoming) = self.step((sent, expected), work, transfer);
        incoming.sort_by_key(|message| message.0);
        for (rank, values) in receive {
            match incoming.binary_search_by_key(&rank, |message| message.0) {
                Ok(at) => values.copy_from_slice(&incoming[at].1),
                Err(_) => panic!("logical ranks disagree about a message from {rank}"),
            }
        }
        (result, self.take_seconds())
    }
}

impl Drop for VirtualRank {
    fn drop(&mut self) {
        self.team.end();
    }
}

/// `0..n` in parts of which the values of all logical ranks fit into a message; one where n is 0.
fn parts<T>(team: &ThreadGroup, n: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let length = (piece::<T>() / team.size()).max(1);
    (0..n.div_ceil(length)).map(move |part| part * length..n.min((part + 1) * length))
}

/// The lists of all logical ranks in their order, from those of this process; all of one length.
fn gather<T: MpiType>(team: &ThreadGroup, processes: &MpiComm, lists: &[&[T]]) -> Vec<T> {
    let length = lists.first().map_or(0, |list| list.len());
    let counts: Vec<usize> = team.counts().into_iter().map(|count| count * length).collect();
    processes.all_gather_lists(&lists.concat(), &counts)
}

/// From the lists of each logical rank of this process to each of all processes, those from each of all to each of
/// this one.
fn all_to_all_v<T: MpiType>(
    team: &ThreadGroup,
    processes: &MpiComm,
    mut outgoing: Vec<Vec<Vec<T>>>,
) -> Vec<Vec<Vec<T>>> {
    let (mut lengths, mut values) = (Vec::new(), Vec::new());
    for process in 0..processes.size {
        let (mut sizes, mut all) = (Vec::new(), Vec::new());
        for list in outgoing.iter_mut().flat_map(|lists| &mut lists[team.ranks_of(process)]) {
            sizes.push(list.len() as u64);
            all.append(list);
        }
        lengths.push(sizes);
        values.push(all);
    }
    let (lengths, values) = (processes.all_to_all_v(lengths), processes.all_to_all_v(values));
    let mut incoming = vec![Vec::with_capacity(team.size()); team.seats()];
    for (lengths, values) in lengths.iter().zip(values) {
        let mut rest = &values[..];
        for (at, &length) in lengths.iter().enumerate() {
            let (list, others) = rest.split_at(length as usize);
            incoming[at % team.seats()].push(list.to_vec());
            rest = others;
        }
    }
    incoming
}

/// What each logical rank of this process receives; one message from a process to another one holds all of theirs,
/// in the order of senders and receivers.
fn transfer<T: MpiType>(team: &ThreadGroup, processes: &MpiComm, transfers: Vec<Transfer<T>>) -> Vec<Vec<Message<T>>> {
    let here = team.rank(0);
    let mut incoming: Vec<Vec<Message<T>>> = vec![Vec::new(); team.seats()];
    let mut outgoing = Vec::new();
    let mut expected = Vec::new();
    for (own, (messages, lengths)) in (here..).zip(transfers) {
        for (to, values) in messages {
            match to.checked_sub(here).and_then(|seat| incoming.get_mut(seat)) {
                Some(messages) => messages.push((own, values)),
                None => outgoing.push((own, to, values)),
            }
        }
        let is_elsewhere = |(from, _): &(usize, usize)| team.process_of(*from) != team.process();
        expected.extend(lengths.into_iter().filter(is_elsewhere).map(|(from, length)| (from, own, length)));
    }
    outgoing.sort_unstable_by_key(|(from, to, _)| (team.process_of(*to), *from, *to));
    expected.sort_unstable();
    let mut send: Vec<Message<T>> = Vec::new();
    for (_, to, values) in outgoing {
        let process = team.process_of(to);
        match send.last_mut() {
            Some((last, all)) if *last == process => all.extend(values),
            _ => send.push((process, values)),
        }
    }
    let mut receive: Vec<Message<T>> = Vec::new();
    for &(from, _, length) in &expected {
        let process = team.process_of(from);
        match receive.last_mut() {
            Some((last, all)) if *last == process => all.resize(all.len() + length, T::default()),
            _ => receive.push((process, vec![T::default(); length])),
        }
    }
    if !(send.is_empty() && receive.is_empty()) {
        let send: Vec<_> = send.iter().map(|(process, values)| (*process, &values[..])).collect();
        let receive = receive.iter_mut().map(|(process, values)| (*process, &mut values[..])).collect();
        processes.transfer(&send, receive, || ());
    }
    let mut values = receive.iter().flat_map(|(_, values)| values.iter().copied());
    for (from, to, length) in expected {
        incoming[to - here].push((from, values.by_ref().take(length).collect()));
    }
    incoming
}
