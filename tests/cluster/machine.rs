//! The cluster on this machine: hosts in namespaces of their own, started when the first test asks for it.

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
/// node1 to node3 take jobs that are done, node6 and node7 those that are ended; node4 and node5 lose their network under
/// a job of Slurm's, node8 and node9 under one without Slurm.
const HOSTS: &str = "9";
const NAMESPACES: [&str; 4] = ["--mount", "--uts", "--net", "--pid"];
const COMMANDS: [&str; 9] =
    ["unshare", "nsenter", "ip", "ssh-keygen", "/usr/sbin/sshd", "munged", "slurmctld", "slurmd", "sbatch"];

/// Of any single command.
const LIMIT: Duration = Duration::from_secs(300);

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// What is to run on the cluster.
#[derive(Default)]
pub struct Task<'a> {
    /// Where; nothing for the head.
    pub host: Option<&'a str>,
    pub folder: PathBuf,
    pub variables: Vec<(&'a str, String)>,
    pub command: Vec<&'a str>,
}

/// Hosts with a Slurm.
pub struct Cluster {
    folder: TempDir,
    /// Ends the cluster when its input ends, with this process whatever happens to it.
    keeper: Mutex<Child>,
    /// First process of the cluster.
    first: String,
}

/// Says why this machine cannot hold a cluster, whatever is installed.
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

/// Names a command that the cluster needs and that is not installed.
pub fn missing_tool() -> Option<String> {
    let is_there = |command: &&str| Command::new("sh").args(["-c", "command -v \"$0\" >/dev/null", command]).status();
    let missing = COMMANDS.iter().find(|command| !is_there(command).is_ok_and(|status| status.success()))?;
    Some(format!("no {missing}: apt-get install slurm-wlm munge openssh-server iproute2 (tests/cluster/install.sh)"))
}

/// The cluster, brought up by the first who asks.
pub fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(Cluster::up)
}

/// Ends the cluster, if there is one, and all its processes.
pub fn take_down() {
    let Some(cluster) = CLUSTER.get() else { return };
    let mut keeper = cluster.keeper.lock().unwrap();
    drop(keeper.stdin.take());
    let start = Instant::now();
    while keeper.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(10) {
            // The first process ends with it, and the kernel ends the others.
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
        // Keys of the terminal are for the harness.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n", "the cluster does not come up");
        let children = format!("/proc/{0}/task/{0}/children", keeper.id());
        let first = fs::read_to_string(children).unwrap().trim().to_owned();
        Self { folder, keeper: Mutex::new(keeper), first }
    }

    /// A file of the cluster itself.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("cluster").join(name)
    }

    /// A new folder that all hosts see.
    pub fn work(&self) -> PathBuf {
        tempfile::tempdir_in(self.folder.path()).unwrap().keep()
    }

    /// Starts a program on the head, in a folder. Of the caller's variables it gets but a few.
    pub fn start(&self, task: &Task) -> Running {
        let mut arguments = vec![format!("--target={}", self.first), format!("--wd={}", task.folder.display())];
        arguments.extend(NAMESPACES.map(str::to_owned));
        arguments.extend(["--", "env", "-i"].map(str::to_owned));
        let passed = ["PATH", "HOME", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var(name).unwrap_or_default()));
        let own = [("SLURM_CONF", self.file("slurm.conf")), ("TMPDIR", self.file("tmp"))];
        // Root starts ranks here, and hosts share their cores.
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

    /// Runs a program, which must succeed, and returns what it prints.
    pub fn run(&self, task: &Task) -> String {
        let outcome = self.start(task).wait();
        assert_eq!(outcome.code, Some(0), "{:?} after {} s: {outcome:?}", task.command, outcome.seconds);
        outcome.stdout
    }
}
