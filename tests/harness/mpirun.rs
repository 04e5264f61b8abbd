//! Starts a program under mpirun and ends it at a deadline.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What root, more ranks than cores, and cores shared with others need; no rest of two seconds after a rank has failed;
/// and no search for networks (pml cm), which takes 0.2 s of every start.
const OPEN_MPI: [(&str, &str); 6] = [
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
    ("OMPI_MCA_mpi_yield_when_idle", "1"),
    ("OMPI_MCA_odls_base_sigkill_timeout", "0"),
    ("OMPI_MCA_pml", "ob1"),
];

/// What would change the number of threads or the behaviour behind a test's back.
const FOREIGN: [&str; 5] =
    ["RAYON_NUM_THREADS", "SLURM_CPUS_PER_TASK", "QUAD8_MPI_FAULT", "QUAD8_MPI_SILENCE", "QUAD8_MPI_STALL"];

/// Between two looks at a program.
const TURN: Duration = Duration::from_millis(5);
/// What a turn may count for. One that took longer slept with the whole machine, as the program did.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// How a program is started.
pub struct Run {
    /// MPI ranks; 0 starts the program by itself, without mpirun.
    pub ranks: usize,
    /// When it is killed; what it was suspended together with its test does not count.
    pub timeout: Duration,
    /// Environment variables besides those of the test itself.
    pub env: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; none if the deadline (or another signal) killed it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub seconds: f64,
}

/// A program on its way.
pub struct Running {
    pub child: Child,
    pub stdout: File,
    pub stderr: File,
    start: Instant,
    timeout: Duration,
}

impl Run {
    /// Runs the program to its end or to the deadline.
    pub fn run(&self, program: &Path, args: &[&str], cwd: &Path) -> Outcome {
        self.start(program, args, cwd).wait()
    }

    /// Starts the program in a process group of its own. Its output goes to
    /// files, which no survivor can hold open and no size can block.
    pub fn start(&self, program: &Path, args: &[&str], cwd: &Path) -> Running {
        let mut command = match self.ranks {
            0 => Command::new(program),
            ranks => {
                let mpirun = std::env::var_os("MPIRUN").unwrap_or_else(|| "mpirun".into());
                let mut command = Command::new(mpirun);
                command.arg("-n").arg(ranks.to_string()).arg(program);
                command
            }
        };
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.args(args).current_dir(cwd).envs(OPEN_MPI).envs(self.env.iter().map(|(k, v)| (k, v)));
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdin(Stdio::null()).stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
        let start = Instant::now();
        let child = command.process_group(0).spawn().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        Running { child, stdout, stderr, start, timeout: self.timeout }
    }
}

impl Running {
    /// Waits for the end or the deadline.
    pub fn wait(mut self) -> Outcome {
        let status = self.status();
        Outcome {
            code: status.and_then(|s| s.code()),
            stdout: content(&self.stdout),
            stderr: content(&self.stderr),
            seconds: self.start.elapsed().as_secs_f64(),
        }
    }

    fn status(&mut self) -> Option<ExitStatus> {
        let mut last = self.start;
        let mut rest = self.timeout;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            rest = rest.saturating_sub(last.elapsed().min(LONGEST_TURN));
            last = Instant::now();
            if rest.is_zero() {
                // Open MPI puts each rank in a process group of its own.
                let ranks: Vec<String> = descendants(self.child.id()).iter().map(u32::to_string).collect();
                let list = format!("-{} {}", self.child.id(), ranks.join(" "));
                let _ = Command::new("sh").args(["-c", &format!("kill -9 {list}")]).stderr(Stdio::null()).status();
                self.child.wait().unwrap();
                return None;
            }
            thread::sleep(TURN);
        }
    }
}

/// What a file holds; leaves its position, which the program shares, alone.
pub fn content(file: &File) -> String {
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The processes that `ancestor` started, and those that they started.
pub fn descendants(ancestor: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&of) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The fourth field of /proc/PID/stat; the second, the name in brackets, may
/// hold anything (proc(5)).
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
