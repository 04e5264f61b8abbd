//! Thread group: the virtual ranks of one process, threads that exchange data in steps and take
//! turns where there are fewer cores than threads.
//!
//! In a step each thread posts an input and waits for its output. The main thread, the one that may
//! call MPI, waits for all inputs and computes the outputs. No thread spins, and a thread that
//! waits lets another one work.

use std::any::Any;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::parallel::BlockDistribution;

/// Data that one thread passes to another.
type Payload = Box<dyn Any + Send>;

/// Index of the main thread in its group.
const MAIN: usize = 0;

/// Virtual ranks of one process, and the distribution of all virtual ranks over the processes.
pub struct ThreadGroup {
    /// Distribution of the virtual ranks over the processes.
    ranks: BlockDistribution,
    processes: usize,
    process: usize,
    state: Mutex<State>,
    /// Wakes each thread.
    wakers: Vec<Condvar>,
}

struct State {
    inputs: Vec<Option<Payload>>,
    outputs: Vec<Option<Payload>>,
    /// Threads that wait for data or for their turn.
    is_waiting: Vec<bool>,
    /// Whether the main thread waits for inputs.
    is_gathering: bool,
    /// Number of further threads that may work.
    free: usize,
}

impl State {
    fn has_inputs(&self) -> bool {
        self.inputs.iter().all(Option::is_some)
    }

    /// Tests whether a waiting thread has the data to continue.
    fn is_ready(&self, thread: usize) -> bool {
        if thread == MAIN && self.is_gathering { self.has_inputs() } else { self.outputs[thread].is_some() }
    }
}

impl ThreadGroup {
    /// Creates the group of process `process` where `ranks` virtual ranks are distributed over
    /// `processes`. At most `threads` threads of it work at a time, the main thread first.
    pub fn new(ranks: usize, processes: usize, process: usize, threads: usize) -> Self {
        let distribution = BlockDistribution::new(ranks as u64, processes);
        let range = distribution.range(process);
        let count = (range.end - range.start) as usize;
        let payloads = |first: fn() -> Option<Payload>| (0..count).map(|_| first()).collect();
        let state = State {
            inputs: payloads(|| None),
            // A thread waits for it before it begins.
            outputs: payloads(|| Some(Box::new(()))),
            is_waiting: vec![false; count],
            is_gathering: false,
            free: threads.clamp(1, count) - 1,
        };
        let wakers = (0..count).map(|_| Condvar::new()).collect();
        Self { ranks: distribution, processes, process, state: Mutex::new(state), wakers }
    }

    /// Returns the number of virtual ranks of all processes.
    pub fn size(&self) -> usize {
        self.ranks.total() as usize
    }

    /// Returns the virtual rank of a thread of this process.
    pub fn rank(&self, thread: usize) -> usize {
        self.ranks_of(self.process).start + thread
    }

    /// Returns the number of virtual ranks of this process.
    pub fn threads(&self) -> usize {
        self.wakers.len()
    }

    /// Returns the number of this process.
    pub fn process(&self) -> usize {
        self.process
    }

    /// Returns the virtual ranks of a process.
    pub fn ranks_of(&self, process: usize) -> std::ops::Range<usize> {
        let range = self.ranks.range(process);
        range.start as usize..range.end as usize
    }

    /// Returns the process of a virtual rank.
    pub fn process_of(&self, rank: usize) -> usize {
        self.ranks.owner(rank as u64)
    }

    /// Returns the number of virtual ranks of each process.
    pub fn counts(&self) -> Vec<usize> {
        (0..self.processes).map(|process| self.ranks_of(process).len()).collect()
    }

    /// Waits for the first turn of a thread.
    pub fn begin(&self, thread: usize) {
        self.wait(self.state(), thread).outputs[thread] = None;
    }

    /// Ends a thread, so that another one may work.
    pub fn end(&self) {
        let mut state = self.state();
        state.free += 1;
        self.wake_next(state);
    }

    /// Posts the input of a thread. The thread may continue with work that needs no output.
    pub fn post_input(&self, thread: usize, input: impl Any + Send) {
        let mut state = self.state();
        state.inputs[thread] = Some(Box::new(input));
        self.wake_next(state);
    }

    /// Waits on the main thread for the inputs of all threads and returns them.
    pub fn gather_inputs<I: 'static>(&self) -> Vec<I> {
        let mut state = self.state();
        state.is_gathering = true;
        let mut state = self.wait_until_ready(state, MAIN);
        state.is_gathering = false;
        state.inputs.iter_mut().map(|input| unpack(input.take())).collect()
    }

    /// Passes each thread its output.
    pub fn scatter_outputs<O: Any + Send>(&self, outputs: Vec<O>) {
        let mut state = self.state();
        for (slot, output) in state.outputs.iter_mut().zip(outputs) {
            *slot = Some(Box::new(output));
        }
        self.wake_next(state);
    }

    /// Waits for the output of a thread and returns it.
    pub fn wait_for_output<O: 'static>(&self, thread: usize) -> O {
        let mut state = self.wait_until_ready(self.state(), thread);
        unpack(state.outputs[thread].take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns at once where the thread is ready; else lets others work meanwhile.
    fn wait_until_ready<'a>(&'a self, mut state: MutexGuard<'a, State>, thread: usize) -> MutexGuard<'a, State> {
        if state.is_ready(thread) {
            return state;
        }
        state.free += 1;
        self.wait(state, thread)
    }

    /// Waits until the thread is ready and has its turn.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, thread: usize) -> MutexGuard<'a, State> {
        state.is_waiting[thread] = true;
        self.wake_next(state);
        let mut state = self.state();
        while !state.is_ready(thread) || state.free == 0 {
            state = self.wakers[thread].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_waiting[thread] = false;
        state.free -= 1;
        if state.free > 0 {
            self.wake_next(state);
            state = self.state();
        }
        state
    }

    /// Wakes one thread that is ready, if one more may work: the main thread first, since all
    /// others wait for it. The state is unlocked before, or the woken thread would sleep again at
    /// once.
    fn wake_next(&self, state: MutexGuard<'_, State>) {
        let can_continue = |&thread: &usize| state.is_waiting[thread] && state.is_ready(thread);
        let next = if state.free > 0 { (0..self.threads()).find(can_continue) } else { None };
        drop(state);
        if let Some(next) = next {
            self.wakers[next].notify_one();
        }
    }
}

/// Returns the content of a payload. All virtual ranks take the same steps.
fn unpack<T: 'static>(payload: Option<Payload>) -> T {
    match payload.map(|payload| payload.downcast()) {
        Some(Ok(content)) => *content,
        _ => panic!("virtual ranks take different steps"),
    }
}
