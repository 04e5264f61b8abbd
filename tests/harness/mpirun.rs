//! Starts a program under mpirun and ends it at a deadline.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Settings of Open MPI for root, for more ranks than cores and for shared cores. After a failed
/// rank it does not pause for two seconds, and it searches no networks (pml cm), which saves 0.2 s
/// of every start.
const OPEN_MPI: [(&str, &str); 6] = [
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
    ("OMPI_MCA_mpi_yield_when_idle", "1"),
    ("OMPI_MCA_odls_base_sigkill_timeout", "0"),
    ("OMPI_MCA_pml", "ob1"),
];

/// Variables of the caller that are removed: they would change the threads or the behaviour of a
/// program.
const INHERITED: [&str; 6] = [
    "RAYON_NUM_THREADS",
    "SLURM_CPUS_PER_TASK",
    "QUAD8_MPI_FAULT",
    "QUAD8_MPI_SILENCE",
    "QUAD8_MPI_STALL",
    "HDF5_USE_FILE_LOCKING",
];

/// Returns the mpirun of the tests: MPIRUN, if it is set.
pub fn mpirun() -> OsString {
    std::env::var_os("MPIRUN").unwrap_or_else(|| "mpirun".into())
}

/// Interval between two checks of a program.
const INTERVAL: Duration = Duration::from_millis(5);
/// Longest time that counts for one interval. A longer one includes a suspension of the machine.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

/// How to start a program.
pub struct Run {
    /// Number of ranks. 0 starts the program without mpirun.
    pub ranks: usize,
    /// Deadline, after which the program is killed. The time in which the machine was suspended
    /// does not count.
    pub timeout: Duration,
    /// Environment variables besides those of the test itself.
    pub env: Vec<(String, String)>,
}

/// Outcome of a program.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; none if a signal ended the program, as the deadline does.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub seconds: f64,
}

/// Running program.
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

    /// Starts the program in a process group of its own. Its output goes to files: they never fill
    /// up, and a process that survives does not keep them open for the reader.
    pub fn start(&self, program: &Path, args: &[&str], cwd: &Path) -> Running {
        let mut command = match self.ranks {
            0 => Command::new(program),
            ranks => {
                let mut command = Command::new(mpirun());
                command.arg("-n").arg(ranks.to_string()).arg(program);
                command
            }
        };
        for name in INHERITED {
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
            rest = rest.saturating_sub(last.elapsed().min(LONGEST_INTERVAL));
            last = Instant::now();
            if rest.is_zero() {
                // Open MPI gives each rank a process group of its own.
                let ranks: Vec<String> = descendants(self.child.id()).iter().map(u32::to_string).collect();
                let list = format!("-{} {}", self.child.id(), ranks.join(" "));
                let _ = Command::new("sh").args(["-c", &format!("kill -9 {list}")]).stderr(Stdio::null()).status();
                self.child.wait().unwrap();
                return None;
            }
            thread::sleep(INTERVAL);
        }
    }
}

/// Returns the content of a file. Does not move its position, which the program shares.
pub fn content(file: &File) -> String {
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the processes that `ancestor` started, and all that those started.
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

/// Returns the parent of a process: the fourth field of /proc/PID/stat. The second field, the name
/// in brackets, may contain any characters (proc(5)).
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
