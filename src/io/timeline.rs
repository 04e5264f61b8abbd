//! Timelines in the trace event format, which Perfetto and chrome://tracing open.
//!
//! N. Duca, D. Sinclair, *Trace Event Format* (Google, 2016): a rank is a process, each of its
//! threads a row of complete events with their start and duration in microseconds. As on Linux, no
//! number is 0, threads of different processes have different numbers, and the main thread has that
//! of its process: Perfetto would put other rows together.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::error::Result;
use crate::io::file::{AtomicFile, write_error};
use crate::parallel::timeline::{RankTimeline, Span};
use crate::parallel::{Comm, MpiType, host_name};

/// Writes the timelines of all ranks as one file. Rank 0 holds those of one other rank at a time.
/// **Collective.**
///
/// # Errors
/// A file that cannot be written; the same on every rank.
pub(crate) fn write_timeline(comm: &Comm, path: &Path, timeline: &RankTimeline) -> Result<()> {
    let head = head(comm, timeline);
    let events = events(comm.rank(), timeline).into_bytes();
    let failed = |e| write_error(path, e);
    let create = || AtomicFile::create(path).map(Some).map_err(failed);
    let mut file = comm.agree(if comm.is_root() { create() } else { Ok(None) })?;
    let mut written: io::Result<()> = Ok(());
    let mut write = |text: &[u8]| {
        if let (Some(file), Ok(())) = (&mut file, &written) {
            written = file.write_all(text);
        }
    };
    write(head.as_bytes());
    write(&events);
    in_turn(comm, &events, |others| {
        write(b",\n");
        write(others);
    });
    write(b"\n]}\n");
    let finished = written.and_then(|()| file.map_or(Ok(()), AtomicFile::finish));
    comm.agree(finished.map_err(failed))
}

/// Passes the values of each other rank in turn to `receive` on rank 0. **Collective.**
fn in_turn<T: MpiType>(comm: &Comm, values: &[T], mut receive: impl FnMut(&[T])) {
    let lengths = comm.gather_at_root(vec![values.len()]).concat();
    if !comm.is_root() {
        comm.neighbor_exchange_overlap(&[(0, values)], Vec::new(), || ());
        return;
    }
    for (rank, &length) in lengths.iter().enumerate().skip(1) {
        let mut others = vec![T::default(); length];
        comm.neighbor_exchange_overlap(&[], vec![(rank, &mut others[..])], || ());
        receive(&others);
    }
}

/// Returns the beginning of the file, with the properties of the whole timeline. **Collective.**
fn head(comm: &Comm, timeline: &RankTimeline) -> String {
    let spans: u64 = timeline.threads.iter().map(|spans| spans.len() as u64).sum();
    let about = json!({
        "program": concat!("quad8-mpi ", env!("CARGO_PKG_VERSION")),
        "ranks": comm.size(),
        "spans": comm.sum(spans),
        "spans_left_out": comm.sum(timeline.left_out),
        "clock_alignment": "offset to rank 0 from the shortest of 16 round trips, at the start and at the end \
                            (F. Cristian, Probabilistic clock synchronization, Distributed Computing 3, 1989)",
        "clock_error_us": comm.max(timeline.clock_error) as f64 / 1e3,
    });
    format!("{{\"displayTimeUnit\":\"ns\",\"otherData\":{about},\"traceEvents\":[\n")
}

/// Returns the events of a rank, separated by commas.
fn events(rank: usize, timeline: &RankTimeline) -> String {
    let mut labels = host_name();
    if timeline.left_out > 0 {
        labels += &format!(", {} spans left out", timeline.left_out);
    }
    let mut events = metadata("process_name", rank, 0, &json!({ "name": format!("rank {rank}") }));
    let mut add = |event: String| {
        events += ",\n";
        events += &event;
    };
    add(metadata("process_labels", rank, 0, &json!({ "labels": labels })));
    add(metadata("process_sort_index", rank, 0, &json!({ "sort_index": rank })));
    for (thread, spans) in timeline.threads.iter().enumerate() {
        add(metadata("thread_name", rank, thread, &json!({ "name": format!("thread {thread}") })));
        spans.iter().for_each(|span| add(event(rank, thread, span)));
    }
    events
}

/// Returns the numbers of the process and of the thread of a row.
fn numbers(rank: usize, thread: usize) -> [usize; 2] {
    /// More than the largest number of ranks.
    const STRIDE: usize = 10_000_000;
    [rank + 1, rank + 1 + thread * STRIDE]
}

/// Returns an event that names a rank or a thread.
fn metadata(name: &str, rank: usize, thread: usize, value: &serde_json::Value) -> String {
    let [process, thread] = numbers(rank, thread);
    json!({ "name": name, "ph": "M", "pid": process, "tid": thread, "args": value }).to_string()
}

fn event(rank: usize, thread: usize, span: &Span) -> String {
    let Span { kind, start, end, bytes, waited } = *span;
    let category = kind.category();
    let [start, duration] = [start, end - start].map(microseconds);
    let [process, thread] = numbers(rank, thread);
    let mut text = format!(
        "{{\"name\":\"{kind}\",\"cat\":\"{category}\",\"ph\":\"X\",\"ts\":{start},\"dur\":{duration},\
         \"pid\":{process},\"tid\":{thread}"
    );
    // Writing to a String cannot fail.
    if waited > 0 {
        let _ = write!(text, ",\"args\":{{\"bytes\":{bytes},\"waited_us\":{}}}", microseconds(waited));
    } else if bytes > 0 {
        let _ = write!(text, ",\"args\":{{\"bytes\":{bytes}}}");
    }
    text + "}"
}

/// Writes nanoseconds as microseconds with all digits.
fn microseconds(time: u64) -> String {
    format!("{}.{:03}", time / 1000, time % 1000)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::parallel::SpanKind;

    #[test]
    fn events_are_json_with_all_digits() {
        let span = |kind, start, end, bytes, waited| Span { kind, start, end, bytes, waited };
        let main = vec![
            span(SpanKind::Iteration(12), 1_234_567, 9_000_000_000_000_001, 96, 0),
            span(SpanKind::Read, 10_000, 30_000, 64, 5_007),
        ];
        let others = vec![span(SpanKind::Loop, 5, 5, 0, 0)];
        let timeline = RankTimeline { threads: vec![main, others], left_out: 3, clock_error: 0 };
        let text = format!("[{}]", events(7, &timeline));
        let found: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(found.len(), 8);
        assert!(found[1]["args"]["labels"].as_str().unwrap().ends_with("3 spans left out"), "{text}");
        assert_eq!((&found[4]["name"], &found[4]["args"]), (&json!("iteration 12"), &json!({ "bytes": 96 })));
        assert_eq!(
            (&found[5]["name"], &found[5]["args"]),
            (&json!("read"), &json!({ "bytes": 64, "waited_us": 5.007 }))
        );
        assert!(text.contains("\"ts\":1234.567,\"dur\":8999999998765.434,"), "{text}");
        assert_eq!((&found[4]["pid"], &found[4]["tid"], &found[7]["tid"]), (&json!(8), &json!(8), &json!(10_000_008)));
    }
}
