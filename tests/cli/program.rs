//! The program in a folder of its own, and helpers to run it, stop it and check its outcome.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::mesh::Mesh;
use crate::mpirun::{Outcome, Run, Running, descendants, mpirun};
use crate::results::Results;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_quad8-mpi");

/// Lock file of a run that gives its results no name.
const LOCK: &str = "quad8.lock";

/// Temporary folder in which the program runs.
pub struct Folder(TempDir);

impl Folder {
    /// Reads a JSON file in the folder.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Creates a folder with a mesh, `mesh.h5`.
    pub fn with(mesh: &Mesh) -> Self {
        let folder = Self::new();
        mesh.write(&folder.path("mesh.h5"));
        folder
    }

    /// Creates a folder with these files, in the form that [`contents`](Self::contents) returns.
    pub fn holding(contents: &[(String, Option<Vec<u8>>)]) -> Self {
        let folder = Self::new();
        for (name, bytes) in contents {
            std::fs::write(folder.path(name), bytes.as_ref().unwrap()).unwrap();
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns the names of all entries of the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Returns [`names`](Self::names) without the lock, which a killed run leaves behind.
    pub fn names_but_lock(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| name != LOCK).collect()
    }

    /// Returns all entries of the folder by name, with the bytes of the files.
    pub fn contents(&self) -> Vec<(String, Option<Vec<u8>>)> {
        self.contents_of(self.names())
    }

    /// Returns [`contents`](Self::contents) without the lock, which a killed run leaves behind.
    pub fn contents_but_lock(&self) -> Vec<(String, Option<Vec<u8>>)> {
        self.contents_of(self.names_but_lock())
    }

    fn contents_of(&self, names: Vec<String>) -> Vec<(String, Option<Vec<u8>>)> {
        let bytes = |name: &String| self.path(name).is_file().then(|| std::fs::read(self.path(name)).unwrap());
        names.into_iter().map(|name| (name.clone(), bytes(&name))).collect()
    }

    /// Runs the program to its end. 0 ranks start it without mpirun.
    pub fn run(&self, ranks: usize, args: &[&str]) -> Outcome {
        self.run_with(ranks, &[], args)
    }

    /// Runs the program with environment variables.
    pub fn run_with(&self, ranks: usize, env: &[(&str, &str)], args: &[&str]) -> Outcome {
        prepare_run(ranks, env).run(Path::new(PROGRAM), args, self.0.path())
    }

    /// Returns whether the machine has `script`, which gives a program a terminal.
    pub fn has_terminals() -> bool {
        Command::new("script").arg("--version").stdout(Stdio::null()).status().is_ok()
    }

    /// Runs the program on a terminal.
    pub fn run_on_terminal(&self, ranks: usize, args: &[&str]) -> Outcome {
        let launcher = if ranks > 0 { format!("{} -n {ranks} ", mpirun().display()) } else { String::new() };
        let command = format!("{launcher}{PROGRAM} {}", args.join(" "));
        prepare_run(0, &[]).run(Path::new("script"), &["-qec", &command, "/dev/null"], self.0.path())
    }

    /// Runs the program on one rank with a limit of memory for its data (KiB).
    pub fn run_within(&self, limit: u64, args: &[&str]) -> Outcome {
        self.run_in_shell(&format!("ulimit -d {limit} && exec \"$0\" \"$@\""), args)
    }

    /// Runs a line of shell, in which "$0" is the program and "$@" are its arguments.
    pub fn run_in_shell(&self, line: &str, args: &[&str]) -> Outcome {
        self.start_in_shell(line, args).wait()
    }

    /// Runs several commands like [`run_in_shell`](Self::run_in_shell), within five deadlines.
    pub fn run_script(&self, script: &str, args: &[&str]) -> Outcome {
        let run = Run { timeout: 5 * DEADLINE, ..prepare_run(0, &[]) };
        run.run(Path::new("sh"), &[&["-c", script, PROGRAM], args].concat(), self.0.path())
    }

    /// Starts a line of shell like [`run_in_shell`](Self::run_in_shell) and returns at once.
    pub fn start_in_shell(&self, line: &str, args: &[&str]) -> Running {
        prepare_run(0, &[]).start(Path::new("sh"), &[&["-c", line, PROGRAM], args].concat(), self.0.path())
    }

    /// Starts the program and returns at once.
    pub fn start(&self, ranks: usize, args: &[&str]) -> Running {
        self.start_with(ranks, &[], args)
    }

    /// Starts the program with environment variables and returns at once.
    pub fn start_with(&self, ranks: usize, env: &[(&str, &str)], args: &[&str]) -> Running {
        prepare_run(ranks, env).start(Path::new(PROGRAM), args, self.0.path())
    }

    /// Runs the program, which must succeed, and reads its results.
    pub fn solve(&self, ranks: usize, args: &[&str]) -> Results {
        self.run(ranks, &[args, &["-o", "solved.h5"]].concat()).expect_code(0);
        Results::read(&self.path("solved.h5"))
    }
}

/// Set where programs run side by side: Open MPI would bind the first rank of each to the first
/// core.
static SHARED: AtomicBool = AtomicBool::new(false);
const UNBOUND: (&str, &str) = ("OMPI_MCA_hwloc_base_binding_policy", "none");

/// Sets whether the programs that start from now on share the cores.
pub fn share_cores(shared: bool) {
    SHARED.store(shared, Ordering::Relaxed);
}

/// Deadline of every program: less than the 120 s of silence after which ranks end a job
/// themselves.
const DEADLINE: Duration = Duration::from_secs(100);

fn prepare_run(ranks: usize, env: &[(&str, &str)]) -> Run {
    let also = SHARED.load(Ordering::Relaxed).then_some(UNBOUND);
    let env = env.iter().copied().chain(also).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Run { ranks, timeout: DEADLINE, env }
}

/// Returns whether the mpirun of the tests is that of MPICH (tests/mpich.sh).
pub fn is_mpich() -> bool {
    static IS_MPICH: LazyLock<bool> = LazyLock::new(|| {
        let version = Command::new(mpirun()).arg("--version").output();
        version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).starts_with("HYDRA"))
    });
    *IS_MPICH
}

/// Waits at most 60 s until `probe` returns something.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come");
        sleep(Duration::from_millis(10));
    }
}

/// Returns the process ids of the ranks of a job.
pub fn ranks_of(job: &Running) -> Vec<u32> {
    let is_rank =
        |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c.trim() == "quad8-mpi");
    descendants(job.child.id()).into_iter().filter(is_rank).collect()
}

/// Sends a signal to a process.
pub fn send(signal: Signal, pid: u32) {
    kill(Pid::from_raw(pid as i32), signal).unwrap();
}

impl Outcome {
    /// Returns this outcome, which must have the given exit code.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code after {:.1} s; {self}", self.seconds);
        self
    }

    /// Returns the error lines of the program. Those about usage name no program.
    pub fn errors(&self) -> Vec<&str> {
        let is_error = |line: &&str| line.starts_with("quad8-mpi: error: ") || line.starts_with("error: ");
        self.stderr.lines().filter(is_error).collect()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stdout:\n{}stderr:\n{}", self.stdout, self.stderr)
    }
}
