//! Cluster on this machine: each host has namespaces of its own. The first test that needs the
//! cluster starts it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::mpirun::{Run, Running};

const UP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/up.sh");
/// Number of hosts. node1 to node3 take jobs that complete, node6 and node7 those that are ended.
/// node4 and node5 lose their network under a job of Slurm, node8 and node9 under one without
/// Slurm.
const HOSTS: &str = "9";
const NAMESPACES: [&str; 4] = ["--mount", "--uts", "--net", "--pid"];
const COMMANDS: [&str; 9] =
    ["unshare", "nsenter", "ip", "ssh-keygen", "/usr/sbin/sshd", "munged", "slurmctld", "slurmd", "sbatch"];

/// Time limit of one command.
const LIMIT: Duration = Duration::from_secs(300);

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// Command for the cluster.
#[derive(Default)]
pub struct Task<'a> {
    /// Host; none for the head.
    pub host: Option<&'a str>,
    pub folder: PathBuf,
    pub variables: Vec<(&'a str, String)>,
    pub command: Vec<&'a str>,
}

/// Running cluster: hosts with a Slurm.
pub struct Cluster {
    folder: TempDir,
    /// Process that ends the cluster when its input ends, and so at the latest with this process.
    keeper: Mutex<Child>,
    /// First process of the cluster.
    first: String,
}

/// Returns why this machine cannot hold a cluster, whatever is installed.
pub fn impossible() -> Option<&'static str> {
    if fs::metadata("/proc/self").is_ok_and(|me| me.uid() != 0) {
        return Some("only root can make hosts");
    }
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Some("fewer than two cores");
    }
    let can_unshare = Command::new("unshare").args(NAMESPACES).args(["--fork", "true"]).stderr(Stdio::null()).status();
    // A missing command is a missing tool.
    can_unshare.is_ok_and(|status| !status.success()).then_some("no namespaces here")
}

/// Returns how to install a command that the cluster needs and that is missing.
pub fn missing_tool() -> Option<String> {
    let is_there = |command: &&str| Command::new("sh").args(["-c", "command -v \"$0\" >/dev/null", command]).status();
    let missing = COMMANDS.iter().find(|command| !is_there(command).is_ok_and(|status| status.success()))?;
    Some(format!("no {missing}: apt-get install slurm-wlm munge openssh-server iproute2 (tests/cluster/install.sh)"))
}

/// Returns the cluster. Starts it at the first call.
pub fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(Cluster::up)
}

/// Ends the cluster and all its processes, if it was started.
pub fn take_down() {
    let Some(cluster) = CLUSTER.get() else { return };
    let mut keeper = cluster.keeper.lock().unwrap();
    drop(keeper.stdin.take());
    let start = Instant::now();
    while keeper.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(10) {
            // The first process of the cluster ends with it, and the kernel ends the others.
            keeper.kill().unwrap();
        }
        sleep(Duration::from_millis(20));
    }
    // Statics are never dropped.
    fs::remove_dir_all(cluster.folder.path()).unwrap();
}

impl Cluster {
    fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("cluster");
        let mut command = Command::new("unshare");
        command.args(NAMESPACES).args(["--fork", "--kill-child", "--mount-proc", UP]).arg(&state).arg(HOSTS);
        // A process group of its own: Ctrl+C is for the harness.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n", "the cluster does not come up");
        let children = format!("/proc/{0}/task/{0}/children", keeper.id());
        let first = fs::read_to_string(children).unwrap().trim().to_owned();
        Self { folder, keeper: Mutex::new(keeper), first }
    }

    /// Returns the path of a file of the cluster itself.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("cluster").join(name)
    }

    /// Creates a folder that all hosts see.
    pub fn work(&self) -> PathBuf {
        tempfile::tempdir_in(self.folder.path()).unwrap().keep()
    }

    /// Starts a program on the head or on a host, in a folder. Only few variables of the caller
    /// reach it.
    pub fn start(&self, task: &Task) -> Running {
        let mut arguments = vec![format!("--target={}", self.first), format!("--wd={}", task.folder.display())];
        arguments.extend(NAMESPACES.map(str::to_owned));
        arguments.extend(["--", "env", "-i"].map(str::to_owned));
        let passed = ["PATH", "HOME", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var(name).unwrap_or_default()));
        let own = [("SLURM_CONF", self.file("slurm.conf")), ("TMPDIR", self.file("tmp"))];
        // The ranks run as root, and the hosts share their cores.
        let open_mpi = ["ALLOW_RUN_AS_ROOT", "ALLOW_RUN_AS_ROOT_CONFIRM", "MCA_mpi_yield_when_idle"];
        arguments.extend(passed.iter().map(|(name, value)| format!("{name}={value}")));
        arguments.extend(own.iter().map(|(name, path)| format!("{name}={}", path.display())));
        arguments.extend(open_mpi.map(|name| format!("OMPI_{name}=1")));
        arguments.extend(task.variables.iter().map(|(name, value)| format!("{name}={value}")));
        if let Some(host) = task.host {
            arguments.extend([self.file("on").display().to_string(), host.to_owned()]);
        }
        arguments.extend(task.command.iter().map(|&word| word.to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Run { ranks: 0, timeout: LIMIT, env: Vec::new() }.start(Path::new("nsenter"), &arguments, &task.folder)
    }

    /// Runs a program, which must succeed, and returns its output.
    pub fn run(&self, task: &Task) -> String {
        let outcome = self.start(task).wait();
        assert_eq!(outcome.code, Some(0), "{:?} after {} s: {outcome:?}", task.command, outcome.seconds);
        outcome.stdout
    }
}
