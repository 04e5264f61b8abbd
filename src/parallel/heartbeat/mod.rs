//! Heartbeat: detects a rank that was stopped, and a job in which no rank makes progress.
//!
//! MPI waits for ever for a rank that is stopped (SIGSTOP, a frozen host) and notices only one that
//! ends. So a thread of each rank sends a datagram (UDP) to rank 0 every turn, independent of the
//! work of the rank, and rank 0 answers. A rank that is silent for long was stopped, and the job
//! ends. Time is counted in turns of the thread: a job that is suspended as a whole and continues
//! later loses none.
//!
//! Each datagram carries the progress counter of its rank. Where no counter
//! changes for very long, all ranks wait for one that hangs, or for a lost message, and the job
//! ends, too. Calls that count nothing until their end (METIS, a dataset of HDF5) take minutes, not
//! hours.
//!
//! docs/design/failure-detection.md has the alternatives.

mod failure_detector;
pub(crate) mod progress_counter;
mod start_up;

pub(crate) use progress_counter::while_waiting;
pub use start_up::watch_start_up;

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ExitCode, Result};
use crate::parallel::heartbeat::failure_detector::{FailureDetector, JobState, Limits};
use crate::parallel::{Comm, abort, host_name};
use crate::system::print_error;

/// Seconds of silence of one rank after which the job ends; 0 switches the heartbeat off.
const SILENCE: Limit = Limit { variable: "QUAD8_MPI_SILENCE", default: 120.0 };
/// Seconds without progress of any rank after which the job ends; 0 for no limit.
const STALL: Limit = Limit { variable: "QUAD8_MPI_STALL", default: 3600.0 };
/// Least number of turns in the shorter of these times.
const TURNS: u32 = 8;
/// Longest time between the abort on one rank and the end of all.
const END: Duration = Duration::from_secs(2);
const LONGEST_TURN: Duration = Duration::from_secs(1);
/// Largest number of ranks that a message names.
const NAMED: usize = 8;

/// Stage of this rank, for messages.
static STAGE: Mutex<&str> = Mutex::new("start");

/// Sets the stage of this rank that messages name.
pub(crate) fn enter(stage: &'static str) {
    progress_counter::increment();
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner) = stage;
}

fn stage() -> &'static str {
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time limit that a variable of the environment sets.
struct Limit {
    variable: &'static str,
    /// Limit without the variable (s).
    default: f64,
}

impl Limit {
    /// Returns the limit in seconds.
    fn read(&self) -> Result<f64> {
        let Some(text) = std::env::var_os(self.variable) else { return Ok(self.default) };
        let seconds = text.to_str().and_then(|text| text.parse().ok());
        let possible = seconds.filter(|seconds| (0.0..=1e9).contains(seconds));
        possible.ok_or_else(|| {
            let (variable, text) = (self.variable, text.to_string_lossy());
            Error::input(format!(
                "{variable}={text} is no time: give the seconds after which the job ends, or 0 for never"
            ))
        })
    }
}

/// Starts the heartbeat, which lasts until the process ends. **Collective.**
///
/// # Errors
/// An input error where a variable is no time, the same on every rank.
pub fn start(comm: &Comm) -> Result<()> {
    let started = connect(comm);
    start_up::finish();
    started
}

fn connect(comm: &Comm) -> Result<()> {
    let read = || Ok([SILENCE.read()?, STALL.read()?]);
    let seconds = comm.agree(if comm.is_root() { read() } else { Ok([0.0; 2]) })?;
    let limit = |seconds| Some(Duration::from_secs_f64(seconds)).filter(|limit| !limit.is_zero());
    let [silence, stall] = seconds.map(|seconds| limit(comm.broadcast(0, seconds)));
    let Some(silence) = silence.filter(|_| comm.size() > 1) else { return Ok(()) };
    let turn = (stall.map_or(silence, |stall| silence.min(stall)) / TURNS).min(LONGEST_TURN);
    let host = host_name();
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok();
    let port = socket.as_ref().and_then(|socket| socket.local_addr().ok()).map_or(0, |address| address.port());
    let port = comm.broadcast(0, port);
    let token = comm.broadcast(0, RandomState::new().hash_one(port)).to_le_bytes();
    let root_host = comm.broadcast_strings(if comm.is_root() { vec![host.clone()] } else { Vec::new() }).concat();
    let root_host = if root_host == host { Ipv4Addr::LOCALHOST.to_string() } else { root_host };
    // Without a socket or a thread this rank is unreachable for rank 0, which warns of it.
    if let Some(socket) = socket {
        let (rank, ranks) = (comm.rank(), comm.size());
        let channel = Channel { socket, token, rank, turn, silence, stall };
        let root: Vec<SocketAddr> = if comm.is_root() {
            Vec::new()
        } else {
            (root_host.as_str(), port).to_socket_addrs().map_or_else(|_| Vec::new(), Iterator::collect)
        };
        channel.send(&root);
        spawn(move || if rank == 0 { channel.watch_all(ranks) } else { channel.watch_root(&root) });
    }
    // Each rank has sent its first heartbeat before any can be stopped.
    comm.barrier();
    Ok(())
}

/// Starts a thread with a small stack, if the system allows it.
fn spawn(watch: impl FnOnce() + Send + 'static) {
    drop(thread::Builder::new().name("heartbeat".to_owned()).stack_size(256 * 1024).spawn(watch));
}

/// Channel of the heartbeats of one rank.
struct Channel {
    socket: UdpSocket,
    /// First bytes of every datagram of this job, and of no other.
    token: [u8; 8],
    rank: usize,
    turn: Duration,
    /// Limits of the job.
    silence: Duration,
    stall: Option<Duration>,
}

impl Channel {
    /// Watches all ranks and answers them, on rank 0.
    fn watch_all(&self, ranks: usize) {
        let limits = Limits { silence: self.turns(self.silence), stall: self.stall.map(|stall| self.turns(stall)) };
        let mut detector = FailureDetector::new(ranks, limits);
        loop {
            detector.record(self.rank, progress_counter::now());
            self.receive(|rank, progress, from| {
                self.send(&[from]);
                detector.record(rank, progress);
            });
            match detector.end_turn() {
                JobState::Lost(rank) => self.end_lost(rank),
                JobState::Stalled(at_work) => self.end_stalled(&at_work),
                JobState::Unreachable { ranks, first } => print_error(&format!(
                    "warning: {ranks} of the ranks, rank {first} among them, cannot send UDP to rank 0: \
                     if one is stopped, the job will not end by itself"
                )),
                JobState::Running => (),
            }
        }
    }

    /// Watches rank 0, on another rank. The lowest rank that still runs prints the message: each
    /// rank waits longer than the one before by the time of an end.
    fn watch_root(&self, root: &[SocketAddr]) {
        let silence = self.turns(self.silence).saturating_add(self.turns(END).saturating_mul(self.rank as u32));
        let mut detector = FailureDetector::new(1, Limits { silence, stall: None });
        loop {
            self.send(root);
            self.receive(|rank, progress, _| detector.record(rank, progress));
            if let JobState::Lost(root) = detector.end_turn() {
                self.end_lost(root);
            }
        }
    }

    fn turns(&self, time: Duration) -> u32 {
        time.div_duration_f64(self.turn).ceil() as u32
    }

    /// Sends a heartbeat. A datagram can get lost; the next turn sends another.
    fn send(&self, addresses: &[SocketAddr]) {
        let progress = progress_counter::now();
        let datagram = [self.token, (self.rank as u64).to_le_bytes(), progress.to_le_bytes()].concat();
        for address in addresses {
            let _ = self.socket.send_to(&datagram, address);
        }
    }

    /// Receives heartbeats for one turn and passes on rank, progress counter and address of each.
    fn receive(&self, mut record: impl FnMut(usize, u64, SocketAddr)) {
        let start = Instant::now();
        let mut buffer = [0; 24];
        while let Some(rest) = self.turn.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) {
            if self.socket.set_read_timeout(Some(rest)).is_err() {
                thread::sleep(rest);
            }
            // An error is the end of the turn, or a datagram to a port that is closed by now.
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer)
                && let Some(rest) = buffer[..length].strip_prefix(&self.token)
                && let Some((rank, progress)) = rest.split_first_chunk()
                && let Ok(progress) = progress.try_into()
            {
                record(u64::from_le_bytes(*rank) as usize, u64::from_le_bytes(progress), from);
            }
        }
    }

    fn end_lost(&self, rank: usize) -> ! {
        end(&SILENCE, self.silence, |seconds, stage| {
            format!(
                "rank {rank} has been silent for {seconds} s while the others wait for it in the stage '{stage}': it \
                 was stopped, or its host is lost"
            )
        })
    }

    fn end_stalled(&self, at_work: &[usize]) -> ! {
        end(&STALL, self.stall.unwrap_or_default(), |seconds, stage| {
            let why = match at_work {
                [] => "every rank waits for messages".to_owned(),
                [rank] => format!("rank {rank} hangs, in its own work or in a file, and the others wait for it"),
                ranks => format!("ranks {} hang, in their own work or in a file", list(ranks)),
            };
            format!("no rank has made progress for {seconds} s in the stage '{stage}': {why}")
        })
    }
}

/// Lists the first ranks, and the number of the others.
fn list(ranks: &[usize]) -> String {
    let named: Vec<String> = ranks.iter().take(NAMED).map(usize::to_string).collect();
    let more = ranks.len() - named.len();
    named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// Ends the job after a time limit.
fn end(limit: &Limit, time: Duration, why: impl FnOnce(f64, &str) -> String) -> ! {
    print_error(&message(limit, &why(time.as_secs_f64(), stage())));
    abort(ExitCode::Internal)
}

fn message(limit: &Limit, why: &str) -> String {
    let variable = limit.variable;
    format!("error: {why}; run again ({variable}=SECONDS sets the time, 0 lets the others wait for ever)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_of_another_job_are_ignored() {
        let turn = Duration::from_secs(1);
        let channel = |token, rank| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            Channel { socket, token: [token; 8], rank, turn, silence: 3 * turn, stall: None }
        };
        let (here, same, other) = (channel(1, 0), channel(1, 6), channel(2, 5));
        let address = [here.socket.local_addr().unwrap()];
        let before = progress_counter::now();
        other.send(&address);
        same.send(&address);
        same.socket.send_to(&[1; 9], address[0]).unwrap();
        let mut received = Vec::new();
        here.receive(|rank, progress, _| received.push((rank, progress)));
        // Other tests increment the counter.
        assert!(
            matches!(received[..], [(6, progress)] if (before..=progress_counter::now()).contains(&progress)),
            "{received:?}"
        );
    }

    #[test]
    fn many_ranks_are_not_all_named() {
        assert_eq!(list(&[1, 5]), "1, 5");
        assert_eq!(list(&Vec::from_iter(0..11)), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
    }
}
