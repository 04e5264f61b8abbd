//! Measurements of the machine: the memory bandwidth of all ranks and threads together, which
//! bounds a sparse solver, and the time of messages between ranks.

mod args;
mod caches;
mod message_passing;
mod stream;

pub use args::{BenchArgs, Benchmark, MessagesArgs, StreamArgs};
pub use message_passing::messages;

use std::num::NonZeroU16;
use std::rc::Rc;

use crate::error::{ExitCode, Result};
use crate::io::console::{Console, mebibytes};
use crate::io::record::{Bandwidth, Bandwidths, BenchParallel, Layout, StreamRecord, write_json_once};
use crate::parallel::{Comm, MinMeanMax, Placement, start_threads};
use crate::perf::bench::stream::{Kernel, Measured};

/// Returns the ranks, threads and hosts of a measurement. **Collective.**
fn layout(comm: &Comm, placement: &Placement) -> Layout {
    let threads_per_rank = comm.max(placement.threads as u64) as usize;
    Layout { ranks: comm.size(), threads_per_rank, hosts: placement.hosts }
}

/// Measures the memory bandwidth and prints it. **Collective.**
///
/// # Errors
/// Threads that cannot be started; a record that cannot be written; wrong values in the arrays; the
/// same on every rank.
pub fn stream(comm: &Rc<Comm>, args: &StreamArgs) -> Result<ExitCode> {
    let console = Console::beside(comm.is_root() && !args.quiet, args.json.as_deref());
    let placement = start_threads(comm, args.threads.and_then(NonZeroU16::new), 1)?;
    console.start(&placement, None);
    console.warn(&placement.warnings);

    let host = comm.host()?;
    let caches = caches::last_level();
    let wanted = args.size.map_or_else(|| stream::smallest_size(caches), |mebibytes| mebibytes << 20);
    let entries = (wanted as usize / size_of::<f64>()).div_ceil(host.size());
    let measured = comm.agree(stream::measure(comm, placement.threads, entries, args.repeats))?;
    let bandwidth = |kernel: Kernel| over_ranks(comm, kernel, &measured);
    let record = StreamRecord {
        version: env!("CARGO_PKG_VERSION"),
        parallel: BenchParallel { layout: layout(comm, &placement), first_host: placement.host },
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
    let (size, repeats) = (mebibytes(bytes as f64), record.repeats);
    console.line("arrays", &format!("three of {size:.0} MiB on a host{beyond}, best of {repeats} runs"));
    for (name, bandwidth) in [("copy", record.stream.copy), ("triad", record.stream.triad)] {
        let MinMeanMax { min, mean, max } = bandwidth.per_rank;
        let text = format!("{:.2} GB/s, a rank {mean:.2} ({min:.2} to {max:.2})", bandwidth.total);
        console.line(name, &text);
    }
}

/// Returns the bandwidth in the run that all ranks together finished first. **Collective.**
fn over_ranks(comm: &Comm, kernel: Kernel, measured: &Measured) -> Bandwidth {
    let [own, whole] = [0, 1].map(|of| measured.seconds[kernel as usize].iter().map(|run| run[of]).collect::<Vec<_>>());
    let longest = comm.max_all(&whole);
    let best = (0..longest.len()).min_by(|a, b| longest[*a].total_cmp(&longest[*b])).unwrap_or(0);
    let bytes = kernel.bytes() * measured.entries as f64;
    let rate = bytes / own[best] / 1e9;
    Bandwidth { total: comm.sum(bytes) / longest[best] / 1e9, per_rank: MinMeanMax::over_ranks(comm, rate) }
}
