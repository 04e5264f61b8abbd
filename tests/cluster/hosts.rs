//! Tests of several hosts without a scheduler, over ssh and TCP, started by jobs/hosts.sh.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::machine::{Task, cluster};
use crate::mpirun::{Running, content};
use crate::test;
use crate::work::{ENDLESS, MODEST, TIGHT, assert_agrees, program};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/hosts.sh");
/// Longest time until a job ends that has lost a host (s).
const BOUND: u64 = 60;
const LOST: &str =
    "quad8-mpi job: the run ended with exit code 205, without results: a host or the network to it was lost";

pub fn tests() -> Vec<Trial> {
    vec![
        alone("three_hosts_agree_with_one::6_ranks", agrees),
        alone("a_host_that_is_cut_off_ends_the_job", || loses("node9", &["ip", "link", "set", "eth0", "down"])),
        alone("a_daemon_that_is_killed_ends_the_job", || loses("node8", &["sh", "-c", KILL_DAEMON])),
        test("an_mpirun_that_outlives_its_ranks_is_ended", outlives),
    ]
}

/// Returns a test that runs beside no other test of this file, since its ranks poll the network.
fn alone(name: &str, check: impl FnOnce() + Send + 'static) -> Trial {
    static ALONE: Mutex<()> = Mutex::new(());
    test(name, || {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        check();
    })
}

/// Command that ends Open MPI's daemon in the network namespace of its shell.
const KILL_DAEMON: &str = "for pid in $(pgrep -x orted); do
    if [ $(readlink /proc/$pid/ns/net) = $(readlink /proc/self/ns/net) ]; then kill -9 $pid; fi
done";

fn start(hosts: &[&str], line: &str, arguments: &[&str]) -> (PathBuf, Running) {
    let folder = cluster().work();
    let lines: Vec<String> = hosts.iter().map(|host| format!("{host} slots=2\n")).collect();
    fs::write(folder.join("hosts"), lines.concat()).unwrap();
    let path = |path: PathBuf| path.to_str().unwrap().to_owned();
    let variables =
        vec![("QUAD8_MPI", path(program(&folder, line))), ("OMPI_MCA_plm_rsh_agent", path(cluster().file("ssh")))];
    let command = [&[SCRIPT, "hosts"], arguments].concat();
    (folder.clone(), cluster().start(&Task { host: Some(hosts[0]), folder, variables, command }))
}

fn agrees() {
    let (folder, running) = start(&["node1", "node2", "node3"], "", &TIGHT);
    let outcome = running.wait();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("6 ranks x 1 thread on 3 hosts"), "{}", outcome.stdout);
    assert_agrees(&folder.join("quad8.h5"), &TIGHT);
}

fn loses(host: &str, accident: &[&str]) {
    let (folder, running) = start(&["node1", host], MODEST, &ENDLESS);
    wait_until_it_solves(&running);
    cluster().run(&Task { host: Some(host), folder: folder.clone(), command: accident.to_vec(), ..Task::default() });
    let accident = Instant::now();
    let outcome = running.wait();
    assert_eq!(outcome.code, Some(205), "{outcome:?}");
    assert!(accident.elapsed() < Duration::from_secs(BOUND), "{:?}", accident.elapsed());
    assert!(outcome.stderr.contains("Remote daemon: ") && outcome.stderr.contains(host), "{outcome:?}");
    assert_eq!(outcome.stderr.matches(LOST).count(), 1, "{outcome:?}");
    assert!(!folder.join("quad8.h5").exists());
}

/// Command in the place of mpirun: its only rank ends once the script has seen it, and it waits for ever.
const DEADLOCKED: &str = "#!/bin/sh
(until [ -e seen ]; do sleep 0.1; done) &
wait
exec tail -f /dev/null
";
/// Command in the place of ps: creates the file `seen` once it has listed a process.
const LISTING: &str = "#!/bin/sh
/usr/bin/ps \"$@\" >listed
cat listed
if [ -s listed ]; then touch seen; fi
";

fn outlives() {
    let folder = cluster().work();
    fs::write(folder.join("hosts"), "node1 slots=1\n").unwrap();
    for (name, script) in [("mpirun", DEADLOCKED), ("ps", LISTING)] {
        let command = folder.join(name);
        fs::write(&command, script).unwrap();
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let variables = vec![("PATH", path), ("QUAD8_MPI", "/bin/true".to_owned())];
    let command = vec![SCRIPT, "hosts"];
    let outcome = cluster().start(&Task { host: Some("node1"), folder, variables, command }).wait();
    assert_eq!(outcome.code, Some(137), "{outcome:?}");
    assert!(outcome.stderr.contains("mpirun has not ended 30 s after its ranks; it is ended now"), "{outcome:?}");
}

fn wait_until_it_solves(running: &Running) {
    let start = Instant::now();
    while !content(&running.stdout).contains("\npartition ") {
        assert!(start.elapsed() < Duration::from_secs(300), "the solve does not begin: {}", content(&running.stdout));
        sleep(Duration::from_millis(20));
    }
}
