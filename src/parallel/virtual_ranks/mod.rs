//! Virtual ranks: as many parts as a problem is to be split into, whatever the number of processes.
//! Each is a thread of a process, and what it computes depends on its number alone.
//!
//! They serve `--reproducible`: a solve on 16 virtual ranks has the same bits on 1 to 16 processes.
//! The price is that sums travel as lists of all summands to be added in rank order, that messages
//! between threads are copied, and that only the main thread of a process communicates with others
//! while all its threads wait (`jobs/reproducible.sh` measures it). Without the option a rank is a
//! process, and nothing here runs.

mod thread_group;
mod virtual_rank;

pub(crate) use virtual_rank::VirtualRank;

use std::iter;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::{self, Scope, ScopedJoinHandle};

use rayon::ThreadPoolBuilder;

use crate::error::{Error, Result};
use crate::parallel::comm_stats::CommRecorder;
use crate::parallel::placement::cannot_start;
use crate::parallel::virtual_ranks::thread_group::ThreadGroup;
use crate::parallel::{BlockDistribution, Comm, work};

/// Largest number of virtual ranks.
pub(crate) const MOST_VIRTUAL_RANKS: u16 = 4096;

/// Stack of a virtual rank (bytes), as large as that of the main thread usually is.
const STACK: usize = 8 << 20;

/// Returns how many of `ranks` virtual ranks are on this process.
///
/// # Errors
/// An input error where there are fewer of them than processes, the same on every rank.
pub(crate) fn virtual_ranks_here(comm: &Comm, ranks: usize) -> Result<usize> {
    let size = comm.size();
    if ranks < size {
        return Err(Error::input(format!(
            "--reproducible={ranks} makes {ranks} parts, too few for {size} ranks: use --reproducible={size} (and the \
             same number for all runs that are to have the same bits), or at most {ranks} ranks"
        )));
    }
    let here = BlockDistribution::new(ranks as u64, size).range(comm.rank());
    Ok((here.end - here.start) as usize)
}

/// Runs a function on `ranks` virtual ranks, at most `threads` of each process at a time: `main` on
/// the first one of each process, in this thread, and `other` on the rest. Each has as many rayon
/// threads as this one. Returns the results of this process in rank order. **Collective.**
///
/// # Errors
/// An input error where `ranks` is less than the number of processes, an internal one where a
/// thread does not start; the same on every rank.
pub fn on_virtual_ranks<R: Send>(
    comm: &Rc<Comm>,
    ranks: usize,
    threads: usize,
    main: impl FnOnce(&Rc<Comm>) -> R,
    other: impl Fn(&Rc<Comm>) -> R + Sync,
) -> Result<Vec<R>> {
    virtual_ranks_here(comm, ranks)?;
    let processes = comm.processes()?;
    let group = Arc::new(ThreadGroup::new(ranks, comm.size(), comm.rank(), threads));
    thread::scope(|scope| {
        let others = (1..group.threads()).map(|thread| OtherThread::start(scope, &group, thread, &other));
        let others: Vec<_> = comm.agree(others.collect::<Result<_>>())?;
        others.iter().for_each(OtherThread::begin);
        work::count_for(group.threads());
        let first =
            main(&Rc::new(Comm::of_virtual_rank(VirtualRank::main(&group, processes), comm.recorder().clone())));
        work::count_for(1);
        Ok(iter::once(first).chain(others.into_iter().filter_map(OtherThread::join)).collect())
    })
}

/// Thread of a virtual rank, besides the main thread.
struct OtherThread<'scope, R> {
    begin: mpsc::Sender<()>,
    handle: ScopedJoinHandle<'scope, Option<R>>,
}

impl<'scope, R: Send + 'scope> OtherThread<'scope, R> {
    /// Starts a thread that waits for [`begin`](Self::begin). It ends where `self` is dropped
    /// before.
    fn start(
        scope: &'scope Scope<'scope, '_>,
        group: &Arc<ThreadGroup>,
        thread: usize,
        work: &'scope (impl Fn(&Rc<Comm>) -> R + Sync),
    ) -> Result<Self> {
        let group = Arc::clone(group);
        let threads = rayon::current_num_threads();
        let (begin, begins) = mpsc::channel();
        let (report, ready) = mpsc::channel();
        let builder = thread::Builder::new().name(format!("rank {}", group.rank(thread))).stack_size(STACK);
        let body = move || {
            let pool = ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build();
            // The main thread waits for the report.
            let _ = report.send(pool.as_ref().map_or_else(|e| Err(e.to_string()), |_| Ok(())));
            begins.recv().ok()?;
            work::count_for(0);
            Some(work(&Rc::new(Comm::of_virtual_rank(VirtualRank::other(&group, thread), CommRecorder::default()))))
        };
        let handle = builder.spawn_scoped(scope, body).map_err(|e| cannot_start(threads, e))?;
        let is_ready = ready.recv().unwrap_or_else(|e| Err(e.to_string()));
        is_ready.map_err(|cause| cannot_start(threads, cause))?;
        Ok(Self { begin, handle })
    }

    fn begin(&self) {
        // A thread that is ready waits for it.
        let _ = self.begin.send(());
    }

    /// Waits for the end of the thread and returns its result.
    fn join(self) -> Option<R> {
        self.handle.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}
