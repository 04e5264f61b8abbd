//! Placement of the ranks: hosts, and the number of threads of each rank, which follows from the
//! cores that it may run on and the ranks that share them.

use std::fmt::Display;
use std::num::NonZeroU16;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::{Pid, gethostname};

use crate::error::{Error, Result};
use crate::parallel::Comm;
use crate::system::{allocator, plural};

/// Largest number of threads of a rank, more than the largest hosts have cores. Idle threads search
/// for work, so that many more of them would only load a host.
pub const MOST_THREADS: u16 = 1024;

/// Placement of a rank.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Number of ranks.
    pub ranks: usize,
    /// Number of threads of this rank.
    pub threads: usize,
    /// Name of this rank's host.
    pub host: String,
    /// Number of different hosts in the job.
    pub hosts: usize,
    /// Number of ranks on this rank's host.
    pub ranks_of_host: usize,
    /// Flaws of the placement with their remedies, the same on all ranks.
    pub warnings: Vec<String>,
}

/// Returns the name of this host.
pub fn host_name() -> String {
    gethostname().map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Decides the number of threads of this rank: `requested` (from --threads), else
/// RAYON_NUM_THREADS, else SLURM_CPUS_PER_TASK, else its share of the cores in its affinity mask.
/// **Collective.**
///
/// # Errors
/// A variable that is no number of threads, and an internal error where the ranks are virtual; the
/// same on every rank.
pub fn place(comm: &Comm, requested: Option<usize>) -> Result<Placement> {
    let host = host_name();
    let cores = allowed_cores();
    let local = comm.host()?;
    let everywhere = (0..local.size()).map(|rank| (rank, cores.clone())).collect::<Vec<_>>();
    let masks: Vec<Vec<u64>> = local.sparse_exchange(everywhere.into()).into_iter().map(|mask| mask.1).collect();
    let quota = cpu_quota(cores.len());

    let variables = ["RAYON_NUM_THREADS", "SLURM_CPUS_PER_TASK"];
    let given = || variables.iter().find_map(|name| from_environment(name).transpose()).transpose();
    let given = comm.agree(requested.map_or_else(given, |threads| Ok(Some(threads))))?;
    let threads = given.unwrap_or_else(|| share(&cores, &masks).min((quota / local.size()).max(1)));

    let mut all_cores: Vec<u64> = masks.concat();
    all_cores.sort_unstable();
    all_cores.dedup();
    let usable = all_cores.len().min(quota).max(1);
    let threads_on_host = local.sum(threads as u64);

    let hosts = comm.sum(usize::from(local.is_root()));

    let mut warnings = Vec::new();
    // Ranks send numbers, from which all of them write the warning about the worst host.
    let excess = comm.max(if threads_on_host > usable as u64 { threads_on_host } else { 0 });
    if excess > 0 {
        let reporter = comm.min(if threads_on_host == excess { comm.rank() } else { comm.size() });
        let ranks = comm.broadcast(reporter, local.size());
        let usable = comm.broadcast(reporter, usable);
        warnings.push(format!(
            "{} with {} in all share {} on one host, so they wait for each other: \
             use mpirun -n {} with --threads {}",
            plural(ranks as u64, "rank"),
            plural(excess, "thread"),
            plural(usable as u64, "core"),
            ranks.min(usable),
            (usable / ranks).max(1)
        ));
    }
    let squeezed = comm.max(if threads > 1 && cores.len() == 1 { threads as u64 } else { 0 });
    if squeezed > 0 {
        warnings.push(format!(
            "all {squeezed} threads of a rank are bound to one core: start with \
             mpirun --map-by slot:PE={squeezed} (or --bind-to none), or use --threads 1"
        ));
    }
    Ok(Placement { ranks: comm.size(), threads, host, hosts, ranks_of_host: local.size(), warnings })
}

/// Decides the number of threads as [`place`] does and starts them, an equal part for each of the
/// `virtual_ranks` of this process. To be called once in a process. **Collective.**
///
/// # Errors
/// An internal error where a thread does not start, the same on every rank.
pub fn start_threads(comm: &Comm, requested: Option<NonZeroU16>, virtual_ranks: usize) -> Result<Placement> {
    let placement = place(comm, requested.map(|n| usize::from(n.get())))?;
    let threads = placement.threads;
    allocator::keep_freed_memory(threads);
    // The main thread works too: with one thread no other is ever started.
    let each = (threads / virtual_ranks).max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(each).use_current_thread().build_global();
    comm.agree(pool.map_err(|e| cannot_start(threads, e)))?;
    Ok(placement)
}

pub(super) fn cannot_start(threads: usize, cause: impl Display) -> Error {
    Error::internal(format!("cannot start {threads} threads: {cause}"))
}

/// Returns the cores in the affinity mask of this process; none where it cannot be read.
fn allowed_cores() -> Vec<u64> {
    let Ok(mask) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|&c| mask.is_set(c).unwrap_or(false)).map(|c| c as u64).collect()
}

/// Returns the CPU quota of the container where it is smaller than the affinity mask, else no
/// limit.
fn cpu_quota(mask: usize) -> usize {
    let parallelism = std::thread::available_parallelism().map_or(mask, usize::from);
    if parallelism < mask { parallelism } else { usize::MAX }
}

/// Returns the share of a rank in its cores. A core counts in equal parts for the ranks that may
/// use it.
fn share(cores: &[u64], masks: &[Vec<u64>]) -> usize {
    let users = |core: &u64| masks.iter().filter(|mask| mask.binary_search(core).is_ok()).count().max(1);
    let share: f64 = cores.iter().map(|core| 1.0 / users(core) as f64).sum();
    ((share + 1e-9) as usize).max(1)
}

/// Returns the number of threads in a variable; none where it is not set, empty or 0, which means
/// the default to Rayon, too.
fn from_environment(variable: &str) -> Result<Option<usize>> {
    number_of_threads(&std::env::var_os(variable).unwrap_or_default().to_string_lossy())
        .map_err(|text| Error::input(format!("{variable} is '{text}': it must be from 1 to {MOST_THREADS}")))
}

fn number_of_threads(text: &str) -> std::result::Result<Option<usize>, &str> {
    match text.trim() {
        "" | "0" => Ok(None),
        text => text.parse().ok().filter(|n| (1..=usize::from(MOST_THREADS)).contains(n)).map(Some).ok_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{number_of_threads, share};

    #[test]
    fn a_number_of_threads_out_of_range_is_refused() {
        for (text, expected) in [("", None), ("0", None), (" 1", Some(1)), ("1024", Some(1024))] {
            assert_eq!(number_of_threads(text), Ok(expected));
        }
        for text in ["1025", "-1", "2.0", "abc", "4 threads"] {
            assert_eq!(number_of_threads(text), Err(text));
        }
    }

    #[test]
    fn cores_are_shared_by_the_ranks_that_may_use_them() {
        let all: Vec<u64> = (0..16).collect();
        assert_eq!(share(&all, &vec![all.clone(); 4]), 4);
        assert_eq!(share(&all, &vec![all.clone(); 32]), 1);
        assert_eq!(share(&all, std::slice::from_ref(&all)), 16);
        assert_eq!(share(&[3], &[vec![3], vec![4]]), 1);
        assert_eq!(share(&[0, 1, 2, 3], &[vec![0, 1, 2, 3], vec![4, 5, 6, 7]]), 4);
        assert_eq!(share(&[], &[vec![]]), 1);
    }
}
