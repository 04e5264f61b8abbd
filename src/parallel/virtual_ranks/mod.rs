//! Logical ranks: as many as a problem is to be split into, whatever the number
//! of processes. Each is a thread of some process, and what it computes depends
//! on its number alone.

mod rank;
mod team;

pub(crate) use rank::VirtualRank;

use std::iter;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::{self, Scope, ScopedJoinHandle};

use rayon::ThreadPoolBuilder;

use crate::error::{Error, Result};
use crate::parallel::virtual_ranks::team::ThreadGroup;
use crate::parallel::{BlockDistribution, Comm, work};

/// Most logical ranks.
pub const MOST_LOGICAL_RANKS: u16 = 4096;

/// As large as that of the main thread usually is (bytes).
const STACK: usize = 8 << 20;

/// How many of `ranks` logical ranks are on this process.
///
/// # Errors
/// [`Error::TooFewLogicalRanks`], the same on every rank.
pub fn logical_ranks_here(comm: &Comm, ranks: usize) -> Result<usize> {
    if ranks < comm.size() {
        return Err(Error::TooFewLogicalRanks { logical: ranks, ranks: comm.size() });
    }
    let here = BlockDistribution::new(ranks as u64, comm.size()).range(comm.rank());
    Ok((here.end - here.start) as usize)
}

/// Does work on `ranks` logical ranks, at most `threads` of each process at a
/// time: `lead` on the first one of each process, on this thread, and `other` on
/// the rest. Each has as many threads of its own as this one. Returns what those
/// of this process found, in their order. **Collective.**
///
/// # Errors
/// [`Error::TooFewLogicalRanks`], [`Error::Threads`]; the same on every rank.
pub fn on_logical_ranks<R: Send>(
    comm: &Rc<Comm>,
    ranks: usize,
    threads: usize,
    lead: impl FnOnce(&Rc<Comm>) -> R,
    other: impl Fn(&Rc<Comm>) -> R + Sync,
) -> Result<Vec<R>> {
    logical_ranks_here(comm, ranks)?;
    let team = Arc::new(ThreadGroup::new(ranks, comm.size(), comm.rank(), threads));
    thread::scope(|scope| {
        let others: Result<Vec<_>> = (1..team.seats()).map(|seat| Other::start(scope, &team, seat, &other)).collect();
        let others = comm.agree(others)?;
        others.iter().for_each(Other::go);
        work::speak_for(team.seats());
        let first = lead(&Rc::new(Comm::logical(VirtualRank::lead(&team, comm))));
        work::speak_for(1);
        Ok(iter::once(first).chain(others.into_iter().filter_map(Other::end)).collect())
    })
}

/// The thread of a logical rank.
struct Other<'scope, R> {
    go: mpsc::Sender<()>,
    handle: ScopedJoinHandle<'scope, Option<R>>,
}

impl<'scope, R: Send + 'scope> Other<'scope, R> {
    /// Starts a thread that is ready to [`go`](Self::go), and ends where it will never be told to.
    fn start(
        scope: &'scope Scope<'scope, '_>,
        team: &Arc<ThreadGroup>,
        seat: usize,
        work: &'scope (impl Fn(&Rc<Comm>) -> R + Sync),
    ) -> Result<Self> {
        let team = Arc::clone(team);
        let threads = rayon::current_num_threads();
        let (go, told) = mpsc::channel();
        let (tell, ready) = mpsc::channel();
        let thread = thread::Builder::new().name(format!("rank {}", team.rank(seat))).stack_size(STACK);
        let body = move || {
            let pool = ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build();
            let is_ready = pool.as_ref().map_or_else(|e| Err(e.to_string()), |_| Ok(()));
            // Who started this thread waits for it, and for nothing else.
            let _ = tell.send(is_ready);
            told.recv().ok()?;
            work::speak_for(0);
            Some(work(&Rc::new(Comm::logical(VirtualRank::other(&team, seat)))))
        };
        let failed = |cause: String| Error::Threads { threads, cause };
        let handle = thread.spawn_scoped(scope, body).map_err(|e| failed(e.to_string()))?;
        ready.recv().unwrap_or_else(|e| Err(e.to_string())).map_err(failed)?;
        Ok(Self { go, handle })
    }

    fn go(&self) {
        // A thread that is ready waits for it.
        let _ = self.go.send(());
    }

    /// What it found.
    fn end(self) -> Option<R> {
        self.handle.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}
