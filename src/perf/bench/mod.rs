//! Measurements of the machine: the memory bandwidth that all ranks and threads
//! together get, which is what a sparse solver lives on, and what messages between ranks take.

mod args;
mod caches;
mod messages;
mod stream;

pub use args::{BenchArgs, Benchmark, MessagesArgs, StreamArgs};
pub use messages::messages;

use std::rc::Rc;

use serde::Serialize;

use crate::error::{ExitCode, Result};
use crate::io::console::{Console, mebibytes};
use crate::io::record::write_json_once;
use crate::parallel::{Comm, MinMeanMax, start_threads};
use crate::perf::bench::stream::{Kernel, Measured};

/// What STREAM measured.
#[derive(Debug, Clone, Serialize)]
pub struct StreamRecord {
    /// Version of the program.
    pub version: &'static str,
    /// Ranks and threads that measured.
    pub parallel: Who,
    /// Size of each of the three arrays on the host that has most (bytes).
    pub array_bytes_per_host: u64,
    /// Last-level caches of the host of rank 0 (bytes); 0 where they are not known.
    pub cache_bytes_per_host: u64,
    /// Runs of each kernel.
    pub repeats: u32,
    /// Bandwidth by kernel.
    pub stream: Bandwidths,
    /// What the measurement warned of.
    pub warnings: Vec<String>,
}

/// Ranks and threads.
#[derive(Debug, Clone, Serialize)]
pub struct Who {
    /// MPI ranks.
    pub ranks: usize,
    /// Threads of the rank that has most.
    pub threads_per_rank: usize,
    /// Different hosts.
    pub hosts: usize,
    /// Name of the host of rank 0.
    pub first_host: String,
}

/// Bandwidth by kernel.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bandwidths {
    /// c = a, 16 bytes an entry.
    pub copy: Bandwidth,
    /// a = b + s c, 24 bytes an entry.
    pub triad: Bandwidth,
}

/// Bandwidth in the best of all runs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bandwidth {
    /// Of all ranks together, which the slowest decides (GB/s).
    pub total: f64,
    /// Of a rank (GB/s).
    pub per_rank: MinMeanMax,
}

/// Measures the memory bandwidth and prints it. **Collective.**
///
/// # Errors
/// [`Error::Threads`](crate::error::Error::Threads), [`Error::Write`](crate::error::Error::Write),
/// [`Error::Inconsistent`](crate::error::Error::Inconsistent) where the arrays do not hold what they must;
/// the same on every rank.
pub fn stream(comm: &Rc<Comm>, args: &StreamArgs) -> Result<ExitCode> {
    let console = Console::beside(comm.is_root() && !args.quiet, args.json.as_deref());
    let placement = start_threads(comm, args.threads, 1)?;
    console.start(&placement, None);
    console.warn(&placement.warnings);

    let host = comm.host();
    let caches = caches::last_level();
    let wanted = args.size.map_or_else(|| stream::beyond(caches), |mebibytes| mebibytes << 20);
    let entries = (wanted as usize / size_of::<f64>()).div_ceil(host.size());
    let measured = comm.agree(stream::measure(comm, placement.threads, entries, args.repeats))?;
    let bandwidth = |kernel: Kernel| over_ranks(comm, kernel, &measured);
    let record = StreamRecord {
        version: env!("CARGO_PKG_VERSION"),
        parallel: Who {
            ranks: comm.size(),
            threads_per_rank: comm.max(placement.threads as u64) as usize,
            hosts: placement.hosts,
            first_host: placement.host,
        },
        array_bytes_per_host: comm.max(host.sum(measured.entries as u64)) * size_of::<f64>() as u64,
        cache_bytes_per_host: caches,
        repeats: args.repeats,
        stream: Bandwidths { copy: bandwidth(Kernel::Copy), triad: bandwidth(Kernel::Triad) },
        warnings: placement.warnings,
    };
    print(&console, &record);
    if let Some(path) = &args.json {
        write_json_once(comm, path, &record)?;
    }
    Ok(ExitCode::Success)
}

fn print(console: &Console, record: &StreamRecord) {
    let bytes = record.array_bytes_per_host;
    let beyond = match record.cache_bytes_per_host {
        0 => String::new(),
        caches => format!(" ({:.1} times its last-level caches)", bytes as f64 / caches as f64),
    };
    let (size, repeats) = (mebibytes(bytes), record.repeats);
    console.line("arrays", &format!("three of {size:.0} MiB on a host{beyond}, best of {repeats} runs"));
    for (name, bandwidth) in [("copy", record.stream.copy), ("triad", record.stream.triad)] {
        let MinMeanMax { min, mean, max } = bandwidth.per_rank;
        let text = format!("{:.2} GB/s, a rank {mean:.2} ({min:.2} to {max:.2})", bandwidth.total);
        console.line(name, &text);
    }
}

/// The best run is the one that all ranks together finish first. **Collective.**
fn over_ranks(comm: &Comm, kernel: Kernel, measured: &Measured) -> Bandwidth {
    let [own, whole] = [0, 1].map(|of| measured.seconds[kernel as usize].iter().map(|run| run[of]).collect::<Vec<_>>());
    let longest = comm.max_all(&whole);
    let best = (0..longest.len()).min_by(|a, b| longest[*a].total_cmp(&longest[*b])).unwrap_or(0);
    let bytes = kernel.bytes() * measured.entries as f64;
    let rate = bytes / own[best] / 1e9;
    Bandwidth { total: comm.sum(bytes) / longest[best] / 1e9, per_rank: MinMeanMax::over_ranks(comm, rate) }
}
