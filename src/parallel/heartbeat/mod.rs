//! Whether every rank is still there, and whether any of them gets on.
//!
//! MPI waits for ever for a rank that is stopped (SIGSTOP, a frozen host), and
//! only sees one that ends. So a thread of each rank, which MPI knows nothing of,
//! sends a datagram (UDP) to that of rank 0 now and then, which answers. Who is
//! busy for hours in one stage goes on to send; who is silent for long was
//! stopped, and the job is ended. Time is counted in turns of the own thread: a
//! job that is suspended as a whole and goes on later loses nothing.
//!
//! With the datagram goes the pulse (`parallel::pulse`) of the rank, which moves with its work
//! and its messages. Where no pulse moves for very long, all wait for a rank that
//! hangs, in a file system that does not answer for instance, or for a message
//! that is lost: the job is ended, too. Calls that count nothing until they are
//! done (METIS, a dataset of HDF5) move no pulse; they take minutes, not hours.

mod failure_detector;
pub(crate) mod pulse;
mod start_up;

pub use pulse::while_waiting;
pub use start_up::watch_start_up;

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ExitCode, Result};
use crate::parallel::heartbeat::failure_detector::{FailureDetector, Limits, Verdict};
use crate::parallel::{Comm, abort, host_name};
use crate::system::print_error;

/// Seconds of one rank's silence after which a job is ended; 0: nobody watches.
const SILENCE: Limit = Limit { variable: "QUAD8_MPI_SILENCE", usual: 120.0 };
/// Seconds without a move of any rank after which a job is ended; 0: never.
const STALL: Limit = Limit { variable: "QUAD8_MPI_STALL", usual: 3600.0 };
/// Turns of the thread in the shorter of these times, at least.
const TURNS: u32 = 8;
/// How long it may take until a job that is ended has ended everywhere.
const END: Duration = Duration::from_secs(2);
const LONGEST_TURN: Duration = Duration::from_secs(1);
/// Ranks that a message names.
const NAMED: usize = 8;

/// The stage that this rank is in.
static STAGE: Mutex<&str> = Mutex::new("start");

/// Says which stage this rank is in from now on.
pub fn enter(stage: &'static str) {
    pulse::beat();
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner) = stage;
}

fn stage() -> &'static str {
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A time that a variable of the environment sets.
struct Limit {
    variable: &'static str,
    /// Where it does not (seconds).
    usual: f64,
}

impl Limit {
    /// In seconds.
    fn read(&self) -> Result<f64> {
        let Some(text) = std::env::var_os(self.variable) else { return Ok(self.usual) };
        let seconds = text.to_str().and_then(|text| text.parse().ok());
        let possible = seconds.filter(|seconds| (0.0..=1e9).contains(seconds));
        possible.ok_or_else(|| Error::BadTime { variable: self.variable, text: text.to_string_lossy().into_owned() })
    }
}

/// Starts to watch over the ranks, until the process ends. **Collective.**
///
/// # Errors
/// [`Error::BadTime`] where a variable is no time, the same on every rank.
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
    // Without a socket or a thread this rank is one that rank 0 never hears of.
    if let Some(socket) = socket {
        let (rank, ranks) = (comm.rank(), comm.size());
        let line = Line { socket, token, rank, turn, silence, stall };
        let root: Vec<SocketAddr> = if comm.is_root() {
            Vec::new()
        } else {
            (root_host.as_str(), port).to_socket_addrs().map_or_else(|_| Vec::new(), Iterator::collect)
        };
        line.send(&root);
        spawn(move || if rank == 0 { line.watch_all(ranks) } else { line.watch_root(&root) });
    }
    // A rank that is stopped from here on was heard before.
    comm.barrier();
    Ok(())
}

/// Starts a thread of little memory, where one can be started.
fn spawn(watch: impl FnOnce() + Send + 'static) {
    drop(thread::Builder::new().name("heartbeat".to_owned()).stack_size(256 * 1024).spawn(watch));
}

/// What a rank hears others with.
struct Line {
    socket: UdpSocket,
    /// At the head of every datagram of this job, and of no other.
    token: [u8; 8],
    rank: usize,
    turn: Duration,
    /// What ends the job.
    silence: Duration,
    stall: Option<Duration>,
}

impl Line {
    /// Rank 0: hears all others and answers.
    fn watch_all(&self, ranks: usize) {
        let limits = Limits { silence: self.turns(self.silence), stall: self.stall.map(|stall| self.turns(stall)) };
        let mut attendance = FailureDetector::new(ranks, limits);
        loop {
            attendance.heard(self.rank, pulse::now());
            self.listen(|rank, pulse, from| {
                self.send(&[from]);
                attendance.heard(rank, pulse);
            });
            match attendance.next_turn() {
                Verdict::Lost(rank) => self.lost(rank),
                Verdict::Stalled(at_work) => self.stalled(&at_work),
                Verdict::NeverHeard { ranks, first } => print_error(&format!(
                    "warning: {ranks} of the ranks, rank {first} among them, cannot send UDP to rank 0: \
                     if one is stopped, the job will not end by itself"
                )),
                Verdict::Fine => (),
            }
        }
    }

    /// Another rank: hears rank 0. The lowest rank that still runs speaks for
    /// all: each waits longer than the one before by what an end may take.
    fn watch_root(&self, root: &[SocketAddr]) {
        let silence = self.turns(self.silence).saturating_add(self.turns(END).saturating_mul(self.rank as u32));
        let mut attendance = FailureDetector::new(1, Limits { silence, stall: None });
        loop {
            self.send(root);
            self.listen(|rank, pulse, _| attendance.heard(rank, pulse));
            if let Verdict::Lost(root) = attendance.next_turn() {
                self.lost(root);
            }
        }
    }

    fn turns(&self, time: Duration) -> u32 {
        time.div_duration_f64(self.turn).ceil() as u32
    }

    /// A datagram may get lost; the next turn sends another.
    fn send(&self, addresses: &[SocketAddr]) {
        let datagram = [self.token, (self.rank as u64).to_le_bytes(), pulse::now().to_le_bytes()].concat();
        for address in addresses {
            let _ = self.socket.send_to(&datagram, address);
        }
    }

    /// Hands on which ranks are heard in one turn, with which pulse, and from where.
    fn listen(&self, mut heard: impl FnMut(usize, u64, SocketAddr)) {
        let start = Instant::now();
        let mut buffer = [0; 24];
        while let Some(rest) = self.turn.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) {
            if self.socket.set_read_timeout(Some(rest)).is_err() {
                thread::sleep(rest);
            }
            // An error is the end of the turn, or a datagram to a port that is closed by now.
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer)
                && let Some(rest) = buffer[..length].strip_prefix(&self.token)
                && let Some((rank, pulse)) = rest.split_first_chunk()
                && let Ok(pulse) = pulse.try_into()
            {
                heard(u64::from_le_bytes(*rank) as usize, u64::from_le_bytes(pulse), from);
            }
        }
    }

    fn lost(&self, rank: usize) -> ! {
        end(&SILENCE, self.silence, |seconds, stage| {
            format!(
                "rank {rank} has been silent for {seconds} s while the others wait for it in the stage '{stage}': it \
                 was stopped, or its host is lost"
            )
        })
    }

    fn stalled(&self, at_work: &[usize]) -> ! {
        end(&STALL, self.stall.unwrap_or_default(), |seconds, stage| {
            let why = match at_work {
                [] => "every rank waits for messages".to_owned(),
                [rank] => format!("rank {rank} hangs, in its own work or in a file, and the others wait for it"),
                ranks => format!("ranks {} hang, in their own work or in a file", list(ranks)),
            };
            format!("no rank has got on for {seconds} s in the stage '{stage}': {why}")
        })
    }
}

/// Numbers of ranks, not too many.
fn list(ranks: &[usize]) -> String {
    let named: Vec<String> = ranks.iter().take(NAMED).map(usize::to_string).collect();
    let more = ranks.len() - named.len();
    named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// Ends the job after a time, which a variable sets.
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
    fn datagrams_of_another_job_are_not_heard() {
        let turn = Duration::from_secs(1);
        let line = |token, rank| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            Line { socket, token: [token; 8], rank, turn, silence: 3 * turn, stall: None }
        };
        let (here, same, other) = (line(1, 0), line(1, 6), line(2, 5));
        let address = [here.socket.local_addr().unwrap()];
        let before = pulse::now();
        other.send(&address);
        same.send(&address);
        same.socket.send_to(&[1; 9], address[0]).unwrap();
        let mut heard = Vec::new();
        here.listen(|rank, pulse, _| heard.push((rank, pulse)));
        // Other tests move the pulse.
        assert!(matches!(heard[..], [(6, pulse)] if (before..=pulse::now()).contains(&pulse)), "{heard:?}");
    }

    #[test]
    fn many_ranks_are_not_all_named() {
        assert_eq!(list(&[1, 5]), "1, 5");
        assert_eq!(list(&Vec::from_iter(0..11)), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
    }
}
