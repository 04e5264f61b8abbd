//! Time of messages between the ranks as the solver sends them: exchanges between neighbours, and
//! sums.

use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::error::{Error, ExitCode, Result};
use crate::io::console::Console;
use crate::io::record::{BenchParallel, MessageCosts, MessagesRecord, write_json_once};
use crate::parallel::{Comm, GlobalIndex, Halo, place};
use crate::perf::bench::{MessagesArgs, layout};
use crate::perf::median;

/// Numbers of neighbours of a rank: the fewest that are possible, and as many as a part of a mesh
/// has.
const NEIGHBOURS: [usize; 2] = [2, 6];
/// Values of a long message, of 8 bytes.
const LONG: usize = 1 << 16;
/// Exchanges in a series.
const SERIES: u32 = 200;

/// Measures the time of messages and prints it. **Collective.**
///
/// # Errors
/// A single rank; a record that cannot be written; the same on every rank.
pub fn messages(comm: &Rc<Comm>, args: &MessagesArgs) -> Result<ExitCode> {
    if comm.size() < 2 {
        return Err(Error::input("messages need two ranks or more: start them as in mpirun -n 2"));
    }
    let console = Console::beside(comm.is_root() && !args.quiet, args.json.as_deref());
    let placement = place(comm, Some(1))?;
    console.start(&placement, None);
    console.warn(&placement.warnings);
    let work = Duration::from_secs_f64(args.work * 1e-6);
    let record = MessagesRecord {
        version: env!("CARGO_PKG_VERSION"),
        parallel: BenchParallel { layout: layout(comm, &placement), first_host: placement.host },
        work: work.as_secs_f64(),
        repeats: args.repeats,
        messages: measure(comm, work, args.repeats)?,
        warnings: placement.warnings,
    };
    let MessageCosts { latency, overhead, bandwidth, sum } = record.messages;
    let text = format!(
        "{:.2} us an exchange and {:.2} us a neighbour, {:.2} Gbit/s a rank; {:.2} us a sum over all ranks",
        latency * 1e6,
        overhead * 1e6,
        bandwidth * 8e-9,
        sum * 1e6
    );
    console.line("messages", &text);
    if let Some(path) = &args.json {
        write_json_once(comm, path, &record)?;
    }
    Ok(ExitCode::Success)
}

/// Measures latency, overhead, bandwidth and sum. **Collective.**
fn measure(comm: &Rc<Comm>, work: Duration, repeats: u32) -> Result<MessageCosts> {
    let [few, many] = NEIGHBOURS.map(|wanted| wanted.min(comm.size() - 1));
    let (near, far, long) = (ring(comm, few, 1)?, ring(comm, many, 1)?, ring(comm, few, LONG)?);
    let mut values = vec![0.0_f64; long.map().local()];
    let mut exchange = |halo: &Halo| halo.scatter_fwd(&mut values[..halo.map().local()]);
    let mut measured: [Vec<f64>; 4] = Default::default();
    // In turn, so that other load on the machine affects all of them; the first round warms up.
    for round in 0..=repeats {
        let alone = series(comm, work, || ());
        let rows = [
            series(comm, work, || exchange(&near)),
            series(comm, work, || exchange(&far)),
            series(comm, work, || exchange(&long)),
            series(comm, work, || {
                comm.sum(1_u64);
            }),
        ];
        if round > 0 {
            measured.iter_mut().zip(rows).for_each(|(list, seconds)| list.push(seconds - alone));
        }
    }
    let [near, far, long, sum] = measured.map(|seconds| median(seconds).max(0.0));
    let overhead = if many > few { ((far - near) / (many - few) as f64).max(0.0) } else { 0.0 };
    Ok(MessageCosts {
        latency: (near - overhead * few as f64).max(0.0),
        overhead,
        bandwidth: (few * (LONG - 1) * size_of::<f64>()) as f64 / (long - near).max(1e-9),
        sum,
    })
}

/// Returns a halo in which each rank sends `values` numbers to each of its `neighbours` nearest
/// ranks in a ring. **Collective.**
fn ring(comm: &Rc<Comm>, neighbours: usize, values: usize) -> Result<Halo> {
    let (rank, size) = (comm.rank(), comm.size());
    let labels = |rank: usize| (rank * values) as GlobalIndex..((rank + 1) * values) as GlobalIndex;
    let steps = (1..=neighbours).map(|k| if k % 2 == 1 { k.div_ceil(2) } else { size - k / 2 });
    let mut owners: Vec<usize> = steps.map(|step| (rank + step) % size).collect();
    owners.sort_unstable();
    let ghosts: Vec<(GlobalIndex, usize)> =
        owners.into_iter().flat_map(|owner| labels(owner).map(move |label| (label, owner))).collect();
    Halo::new(comm, &labels(rank).collect::<Vec<_>>(), &ghosts)
}

/// Measures the seconds of one of several steps in a row, on the slowest rank. **Collective.**
fn series(comm: &Comm, work: Duration, mut step: impl FnMut()) -> f64 {
    comm.barrier();
    let start = Instant::now();
    for _ in 0..SERIES {
        busy(work);
        step();
    }
    comm.max(start.elapsed().as_secs_f64()) / f64::from(SERIES)
}

/// Computes for this CPU time; returns at once where it cannot be measured.
fn busy(work: Duration) {
    let spent = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::MAX, Duration::from);
    if !work.is_zero() {
        let until = spent().saturating_add(work);
        while spent() < until {}
    }
}
