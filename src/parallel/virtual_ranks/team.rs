//! The logical ranks of one process: threads that meet to exchange what they
//! have, and take turns where there are fewer cores than threads.
//!
//! In a step each thread leaves an input and goes on when it has its output. The
//! first of them, the lead, turns the inputs of all into their outputs: it is the
//! main thread, the one that may call MPI. Nobody spins, and who waits lets
//! another one work.

use std::any::Any;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::parallel::BlockDistribution;

/// Something that goes from one thread to another.
type Parcel = Box<dyn Any + Send>;

/// The logical ranks of one process, and where those of the others are.
pub struct ThreadGroup {
    /// All logical ranks, dealt to the processes.
    ranks: BlockDistribution,
    processes: usize,
    process: usize,
    state: Mutex<State>,
    /// What each thread waits for.
    calls: Vec<Condvar>,
}

struct State {
    inputs: Vec<Option<Parcel>>,
    outputs: Vec<Option<Parcel>>,
    /// Threads that wait for their turn.
    waiting: Vec<bool>,
    /// Whether the lead waits for inputs.
    is_collecting: bool,
    /// How many more threads may work.
    free: usize,
}

impl State {
    fn has_inputs(&self) -> bool {
        self.inputs.iter().all(Option::is_some)
    }

    /// Whether a thread that waits could go on.
    fn is_ready(&self, seat: usize) -> bool {
        if seat == 0 && self.is_collecting { self.has_inputs() } else { self.outputs[seat].is_some() }
    }
}

impl ThreadGroup {
    /// The team of process `process` where `ranks` logical ranks are dealt to
    /// `processes`; at most `threads` of it work at a time, the lead first.
    pub fn new(ranks: usize, processes: usize, process: usize, threads: usize) -> Self {
        let blocks = BlockDistribution::new(ranks as u64, processes);
        let range = blocks.range(process);
        let seats = (range.end - range.start) as usize;
        let parcels = |first: fn() -> Option<Parcel>| (0..seats).map(|_| first()).collect();
        let state = State {
            inputs: parcels(|| None),
            // What a thread waits for before it begins.
            outputs: parcels(|| Some(Box::new(()))),
            waiting: vec![false; seats],
            is_collecting: false,
            free: threads.clamp(1, seats) - 1,
        };
        let calls = (0..seats).map(|_| Condvar::new()).collect();
        Self { ranks: blocks, processes, process, state: Mutex::new(state), calls }
    }

    /// Logical ranks of all processes.
    pub fn size(&self) -> usize {
        self.ranks.total() as usize
    }

    /// The number of a logical rank of this process.
    pub fn rank(&self, seat: usize) -> usize {
        self.ranks_of(self.process).start + seat
    }

    /// Logical ranks of this process.
    pub fn seats(&self) -> usize {
        self.calls.len()
    }

    /// This process.
    pub fn process(&self) -> usize {
        self.process
    }

    /// The logical ranks of a process.
    pub fn ranks_of(&self, process: usize) -> std::ops::Range<usize> {
        let range = self.ranks.range(process);
        range.start as usize..range.end as usize
    }

    /// The process of a logical rank.
    pub fn process_of(&self, rank: usize) -> usize {
        self.ranks.owner(rank as u64)
    }

    /// The number of logical ranks of each process.
    pub fn counts(&self) -> Vec<usize> {
        (0..self.processes).map(|process| self.ranks_of(process).len()).collect()
    }

    /// A thread begins when it is its turn.
    pub fn begin(&self, seat: usize) {
        self.wait(self.state(), seat).outputs[seat] = None;
    }

    /// A thread has ended: its turn is another one's.
    pub fn end(&self) {
        let mut state = self.state();
        state.free += 1;
        self.call(state);
    }

    /// A thread leaves its input of a step and may go on with what does not need the output.
    pub fn leave(&self, seat: usize, input: impl Any + Send) {
        let mut state = self.state();
        state.inputs[seat] = Some(Box::new(input));
        self.call(state);
    }

    /// The inputs of all threads, for the lead, when they are there.
    pub fn collect<I: 'static>(&self) -> Vec<I> {
        let mut state = self.state();
        state.is_collecting = true;
        let mut state = self.pause(state, 0);
        state.is_collecting = false;
        state.inputs.iter_mut().map(|input| open(input.take())).collect()
    }

    /// The lead gives every thread its output.
    pub fn hand_out<O: Any + Send>(&self, outputs: Vec<O>) {
        let mut state = self.state();
        for (place, output) in state.outputs.iter_mut().zip(outputs) {
            *place = Some(Box::new(output));
        }
        self.call(state);
    }

    /// The output of a thread, when it is there.
    pub fn take<O: 'static>(&self, seat: usize) -> O {
        let mut state = self.pause(self.state(), seat);
        open(state.outputs[seat].take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others work until this thread can go on, if it cannot at once.
    fn pause<'a>(&'a self, mut state: MutexGuard<'a, State>, seat: usize) -> MutexGuard<'a, State> {
        if state.is_ready(seat) {
            return state;
        }
        state.free += 1;
        self.wait(state, seat)
    }

    /// Waits until this thread can go on and may.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, seat: usize) -> MutexGuard<'a, State> {
        state.waiting[seat] = true;
        self.call(state);
        let mut state = self.state();
        while !state.is_ready(seat) || state.free == 0 {
            state = self.calls[seat].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting[seat] = false;
        state.free -= 1;
        if state.free > 0 {
            self.call(state);
            state = self.state();
        }
        state
    }

    /// Wakes one thread that can go on, if it may: the lead first, for whom all others wait. It must not find the
    /// state locked, or it would sleep again at once.
    fn call(&self, state: MutexGuard<'_, State>) {
        let may_go = |&seat: &usize| state.waiting[seat] && state.is_ready(seat);
        let next = if state.free > 0 { (0..self.seats()).find(may_go) } else { None };
        drop(state);
        if let Some(next) = next {
            self.calls[next].notify_one();
        }
    }
}

/// What is in a parcel. All logical ranks take the same steps.
fn open<T: 'static>(parcel: Option<Parcel>) -> T {
    match parcel.map(|parcel| parcel.downcast()) {
        Some(Ok(content)) => *content,
        _ => panic!("logical ranks are out of step"),
    }
}
