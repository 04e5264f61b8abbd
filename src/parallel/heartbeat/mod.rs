//! Whether every rank is still there.
//!
//! MPI waits for ever for a rank that is stopped (SIGSTOP, a frozen host), and
//! only sees one that ends. So a thread of each rank, which MPI knows nothing of,
//! sends a datagram (UDP) to that of rank 0 now and then, which answers. Who is
//! busy for hours in one stage goes on to send; who is silent for long was
//! stopped, and the job is ended. Time is counted in turns of the own thread: a
//! job that is suspended as a whole and goes on later loses nothing.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use nix::unistd::gethostname;

use super::Comm;
use crate::error::{Error, ExitCode, Result, complain};

/// Seconds of silence after which a job is ended; 0: never.
pub const VARIABLE: &str = "QUAD8_MPI_SILENCE";
const USUAL_SECONDS: f64 = 120.0;
/// Turns of the thread in that time, at least.
const TURNS: u32 = 8;
/// How long it may take until a job that is ended has ended everywhere.
const END: Duration = Duration::from_secs(2);
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// The stage that this rank is in.
static STAGE: Mutex<&str> = Mutex::new("start");

/// Says which stage this rank is in from now on.
pub fn enter(stage: &'static str) {
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner) = stage;
}

fn stage() -> &'static str {
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to watch over the ranks, until the process ends. **Collective.**
///
/// # Errors
/// [`Error::BadSilence`] where QUAD8_MPI_SILENCE is no time, the same on every rank.
pub fn start(comm: &Comm) -> Result<()> {
    let seconds = comm.agree(if comm.is_root() { limit() } else { Ok(0.0) })?;
    let seconds = comm.broadcast(0, seconds);
    if comm.size() == 1 || seconds == 0.0 {
        return Ok(());
    }
    let limit = Duration::from_secs_f64(seconds);
    let turn = (limit / TURNS).min(LONGEST_TURN);
    let turns = limit.div_duration_f64(turn).ceil() as u32;
    let host = gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned());
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok();
    let port = socket.as_ref().and_then(|socket| socket.local_addr().ok()).map_or(0, |address| address.port());
    let port = comm.broadcast(0, port);
    let token = comm.broadcast(0, RandomState::new().hash_one(port)).to_le_bytes();
    let root_host = comm.broadcast_strings(if comm.is_root() { vec![host.clone()] } else { Vec::new() }).concat();
    let root_host = if root_host == host { Ipv4Addr::LOCALHOST.to_string() } else { root_host };
    // Without a socket or a thread this rank is one that rank 0 never hears of.
    if let Some(socket) = socket {
        let (rank, ranks) = (comm.rank() as u32, comm.size());
        let line = Line { socket, token, turn, turns, limit };
        let watch = move || if rank == 0 { line.watch_all(ranks) } else { line.watch_root(rank, &root_host, port) };
        drop(thread::Builder::new().name("heartbeat".to_owned()).stack_size(256 * 1024).spawn(watch));
    }
    Ok(())
}

fn limit() -> Result<f64> {
    let Some(text) = std::env::var_os(VARIABLE) else { return Ok(USUAL_SECONDS) };
    let seconds = text.to_str().and_then(|text| text.parse().ok());
    let possible = seconds.filter(|seconds| (0.0..=1e9).contains(seconds));
    possible.ok_or_else(|| Error::BadSilence { text: text.to_string_lossy().into_owned() })
}

/// What a rank hears others with.
struct Line {
    socket: UdpSocket,
    /// At the head of every datagram of this job, and of no other.
    token: [u8; 8],
    turn: Duration,
    /// Turns of silence that end the job.
    turns: u32,
    limit: Duration,
}

impl Line {
    /// Rank 0: hears all others and answers.
    fn watch_all(&self, ranks: usize) {
        let mut silence = Silence::new(ranks, self.turns);
        loop {
            self.listen(|rank, from| {
                self.send(0, &[from]);
                silence.heard(rank as usize);
            });
            match silence.next_turn() {
                Verdict::Lost(rank) => self.end(rank),
                Verdict::NeverHeard { ranks, first } => complain(&format!(
                    "warning: {ranks} of the ranks, rank {first} among them, cannot send UDP to rank 0: \
                     if one is stopped, the job will not end by itself"
                )),
                Verdict::Fine => (),
            }
        }
    }

    /// Another rank: hears rank 0. The lowest rank that still runs speaks for
    /// all: each waits longer than the one before by what an end may take.
    fn watch_root(&self, rank: u32, host: &str, port: u16) {
        let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_or_else(|_| Vec::new(), Iterator::collect);
        let patience = END.div_duration_f64(self.turn).ceil() as u32;
        let mut silence = Silence::new(1, self.turns.saturating_add(rank.saturating_mul(patience)));
        loop {
            self.send(rank, &addresses);
            self.listen(|rank, _| silence.heard(rank as usize));
            if let Verdict::Lost(root) = silence.next_turn() {
                self.end(root);
            }
        }
    }

    /// A datagram may get lost; the next turn sends another.
    fn send(&self, rank: u32, addresses: &[SocketAddr]) {
        let datagram = [self.token, u64::from(rank).to_le_bytes()].concat();
        for address in addresses {
            let _ = self.socket.send_to(&datagram, address);
        }
    }

    /// Hands on which ranks are heard in one turn, and from where.
    fn listen(&self, mut heard: impl FnMut(u64, SocketAddr)) {
        let start = Instant::now();
        let mut buffer = [0; 16];
        while let Some(rest) = self.turn.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) {
            if self.socket.set_read_timeout(Some(rest)).is_err() {
                thread::sleep(rest);
            }
            // An error is the end of the turn, or a datagram to a port that is closed by now.
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer)
                && let Some(rank) = buffer[..length].strip_prefix(&self.token)
                && let Ok(rank) = rank.try_into()
            {
                heard(u64::from_le_bytes(rank), from);
            }
        }
    }

    fn end(&self, rank: usize) -> ! {
        let seconds = self.limit.as_secs_f64();
        complain(&format!(
            "error: rank {rank} has been silent for {seconds} s while the others wait for it in the stage '{}': it was \
             stopped, or its host is lost; run again ({VARIABLE}=SECONDS sets the time, 0 lets them wait for ever)",
            stage()
        ));
        SimpleCommunicator::world().abort(ExitCode::Internal as i32)
    }
}

/// For how many turns each rank has been silent.
struct Silence {
    /// None for a rank that was never heard.
    ranks: Vec<Option<u32>>,
    limit: u32,
    turns: u32,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Fine,
    Lost(usize),
    NeverHeard { ranks: usize, first: usize },
}

impl Silence {
    fn new(ranks: usize, limit: u32) -> Self {
        Self { ranks: vec![None; ranks], limit, turns: 0 }
    }

    fn heard(&mut self, rank: usize) {
        if let Some(turns) = self.ranks.get_mut(rank) {
            *turns = Some(0);
        }
    }

    /// A turn is over.
    fn next_turn(&mut self) -> Verdict {
        self.turns = self.turns.saturating_add(1);
        for turns in self.ranks.iter_mut().flatten() {
            *turns += 1;
        }
        let lost = self.ranks.iter().position(|turns| turns.is_some_and(|turns| turns > self.limit));
        let mut unheard = (1..self.ranks.len()).filter(|&rank| self.ranks[rank].is_none());
        match (lost, unheard.next()) {
            (Some(rank), _) => Verdict::Lost(rank),
            (None, Some(first)) if self.turns == self.limit => {
                Verdict::NeverHeard { ranks: 1 + unheard.count(), first }
            }
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_that_falls_silent_is_lost_and_one_that_was_never_heard_is_named_once() {
        let mut silence = Silence::new(4, 3);
        silence.heard(1);
        silence.heard(7);
        let mut verdicts = Vec::new();
        for _ in 0..4 {
            silence.heard(3);
            verdicts.push(silence.next_turn());
        }
        let unheard = Verdict::NeverHeard { ranks: 1, first: 2 };
        assert_eq!(verdicts, [Verdict::Fine, Verdict::Fine, unheard, Verdict::Lost(1)]);
    }

    #[test]
    fn datagrams_of_another_job_are_not_heard() {
        let turn = Duration::from_millis(200);
        let line = |token| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            Line { socket, token: [token; 8], turn, turns: 3, limit: 3 * turn }
        };
        let (here, same, other) = (line(1), line(1), line(2));
        let address = [here.socket.local_addr().unwrap()];
        other.send(5, &address);
        same.send(6, &address);
        same.socket.send_to(&[1; 9], address[0]).unwrap();
        let mut heard = Vec::new();
        here.listen(|rank, _| heard.push(rank));
        assert_eq!(heard, [6]);
    }
}
