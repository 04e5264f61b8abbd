//! Starts programs under mpirun, on any machine and never for longer than allowed.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What Open MPI needs to start as root and with more ranks than cores.
const OPEN_MPI: [(&str, &str); 4] = [
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
    ("OMPI_MCA_mpi_yield_when_idle", "1"),
];

/// How to start a program.
pub struct Run {
    pub ranks: usize,
    /// After this the job is ended.
    pub timeout: Duration,
    /// Set on top of the environment of this process.
    pub env: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` if the deadline ended the job.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub seconds: f64,
}

impl Run {
    /// Runs `$MPIRUN -n RANKS PROGRAM ARGS` in the folder `cwd`.
    pub fn run(&self, program: &Path, args: &[&str], cwd: &Path) -> Outcome {
        let mpirun = std::env::var("MPIRUN").unwrap_or_else(|_| "mpirun".to_owned());
        let mut command = Command::new(&mpirun);
        command.arg("-n").arg(self.ranks.to_string()).arg(program).args(args).current_dir(cwd);
        command.envs(OPEN_MPI).envs(self.env.iter().cloned());
        self.capture(&mut command).unwrap_or_else(|e| panic!("cannot run {mpirun} -n {}: {e}", self.ranks))
    }

    /// The output goes to files: a pipe would stay open for as long as any
    /// process that outlives mpirun, and the reader with it.
    fn capture(&self, command: &mut Command) -> io::Result<Outcome> {
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        let start = Instant::now();
        let mut child = command.spawn()?;
        let status = wait_until(&mut child, start + self.timeout)?;
        if status.is_none() {
            end(&mut child)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        // A signal, too, is a failure that the deadline did not cause.
        let code = status.map(|status| status.code().unwrap_or(-1));
        Ok(Outcome { code, stdout: contents(stdout)?, stderr: contents(stderr)?, seconds })
    }
}

fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= deadline {
            return Ok(status);
        }
        sleep(Duration::from_millis(5));
    }
}

/// Asks mpirun to end its ranks; if it does not, at least mpirun ends.
fn end(child: &mut Child) -> io::Result<()> {
    Command::new("kill").arg(child.id().to_string()).status()?;
    if wait_until(child, Instant::now() + Duration::from_secs(5))?.is_none() {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

fn contents(mut file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
