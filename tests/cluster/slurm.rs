//! Jobs of the cluster's Slurm.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::machine::{Task, cluster};

const JOBS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/");

/// Submitted job and its folder.
pub struct Job {
    pub id: String,
    pub folder: PathBuf,
}

/// Submits a file of jobs/, or one with an absolute path, with variables, options of sbatch and
/// arguments.
pub fn submit(folder: &Path, file: &str, variables: &[(&str, &str)], options: &[&str], arguments: &[&str]) -> Job {
    let script = Path::new(JOBS).join(file).display().to_string();
    let fixed = ["sbatch", "--parsable", "--time=5", "--output=job.log"];
    let command = [&fixed, options, &[script.as_str()], arguments].concat();
    let variables = variables.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    let id = cluster().run(&Task { host: None, folder: folder.to_owned(), variables, command });
    Job { id: id.trim().to_owned(), folder: folder.to_owned() }
}

impl Job {
    /// Waits until Slurm reports `what` of the job, or of every task of an array, for at most this
    /// many seconds.
    pub fn wait_for(&self, what: &str, seconds: u64) {
        let start = Instant::now();
        loop {
            let text = self.state();
            let (done, open): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.contains(what));
            if open.is_empty() && !done.is_empty() {
                return;
            }
            let has_ended = |line: &&str| FINAL_STATES.iter().any(|end| line.contains(end));
            let is_late = start.elapsed() > Duration::from_secs(seconds);
            assert!(!is_late && !open.iter().any(has_ended), "never {what}: {text}\n{}", self.log());
            sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the job completes.
    pub fn wait(&self) {
        self.wait_for("JobState=COMPLETED ", 150);
    }

    /// Waits until the log contains a text.
    pub fn wait_for_log(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(150), "no '{text}': {}\n{}", self.state(), self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Returns the output of the job so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("job.log")).unwrap_or_default()
    }

    /// Returns Slurm's description of the job, one line for each task of an array.
    pub fn state(&self) -> String {
        let command = vec!["scontrol", "show", "job", "--oneliner", &self.id];
        let text = cluster().run(&Task { folder: self.folder.clone(), command, ..Task::default() });
        text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{line}\n")).collect()
    }
}

const FINAL_STATES: [&str; 4] = ["JobState=COMPLETED ", "JobState=FAILED ", "JobState=TIMEOUT ", "JobState=CANCELLED "];
