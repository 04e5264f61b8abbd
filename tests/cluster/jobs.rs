//! Tests of the files of jobs/, submitted from a folder of their own.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::machine::cluster;
use crate::slurm::submit;
use crate::test;
use crate::work::{TIGHT, assert_agrees, program, solve_here};

const SWEEP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/sweep.txt");
/// Command that records the cores of a rank, one line each.
const PLACE: &str = "echo $(hostname) $SLURM_CPUS_PER_TASK $(taskset -cp $$ | sed 's/.*: //') >>places";

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("a_sweep_solves_every_line", sweep),
        test("a_job_without_options_has_one_rank", without_options),
        test("a_study_without_options_takes_the_cores_of_a_host", study_without_options),
        test("a_job_reports_what_is_missing", missing),
        test("a_copied_job_file_asks_for_the_folder_of_the_others", copied),
        test("a_study_agrees_at_every_number_of_ranks::strong::srun", || study("strong", "srun", "--ntasks=3")),
        test("a_study_agrees_at_every_number_of_ranks::weak::mpirun", || {
            study("weak", "mpirun", "--ntasks-per-node=1");
        }),
    ];
    for launcher in ["srun", "mpirun"] {
        for (tasks, ranks, threads) in [("--ntasks-per-node=2", 6, 1), ("--ntasks=3", 3, 2)] {
            let name = format!("a_job_is_pinned_and_agrees::{launcher}::{ranks}_ranks_x_{threads}");
            tests.push(test(name, move || solve(launcher, tasks, ranks, threads)));
        }
    }
    tests
}

/// Solves on three hosts, with this option of sbatch for the ranks.
fn solve(launcher: &str, tasks: &str, ranks: usize, threads: usize) {
    let folder = cluster().work();
    let program = program(&folder, PLACE);
    let variables = [("QUAD8_MPI_LAUNCHER", launcher), ("QUAD8_MPI", program.to_str().unwrap())];
    let cpus = format!("--cpus-per-task={threads}");
    let job = submit(&folder, "solve.sbatch", &variables, &["--nodes=3", tasks, &cpus], &TIGHT);
    job.wait();
    assert_agrees(&folder.join("quad8.h5"), &TIGHT);
    let wanted = format!("{ranks} ranks x {threads} thread{} on 3 hosts", if threads > 1 { "s" } else { "" });
    assert!(job.log().contains(&wanted), "{}", job.log());

    let places = fs::read_to_string(folder.join("places")).unwrap();
    let mut cores: HashMap<&str, Vec<usize>> = HashMap::new();
    for place in places.lines() {
        let [host, cpus, list]: [&str; 3] = place.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(cpus, threads.to_string(), "{places}");
        let pinned = list_of_cores(list);
        assert_eq!(pinned.len(), threads, "{places}");
        cores.entry(host).or_default().extend(pinned);
    }
    assert_eq!((places.lines().count(), cores.len()), (ranks, 3), "{places}");
    for pinned in cores.values_mut() {
        pinned.sort_unstable();
        pinned.dedup();
        assert_eq!(pinned.len(), ranks / 3 * threads, "two ranks share a core: {places}");
    }
}

/// Returns the cores of a list such as "0,2-4", as taskset prints it.
fn list_of_cores(list: &str) -> Vec<usize> {
    let number = |text: &str| text.parse::<usize>().unwrap();
    let range = |part: &str| part.split_once('-').map_or(number(part)..=number(part), |(a, b)| number(a)..=number(b));
    list.split(',').flat_map(range).collect()
}

fn without_options() {
    let folder = cluster().work();
    let job = submit(&folder, "solve.sbatch", &[], &[], &TIGHT);
    job.wait();
    assert_agrees(&folder.join("quad8.h5"), &TIGHT);
    assert!(job.log().contains("1 rank x 1 thread on 1 host"), "{}", job.log());
}

fn study_without_options() {
    let folder = cluster().work();
    let tiny = ["--unknowns", "2000", "--repeats", "1", "--stream", "4", "--out", "study"];
    submit(&folder, "strong.sbatch", &[("QUAD8_MPI", env!("CARGO_BIN_EXE_quad8-mpi"))], &[], &tiny).wait();
    let cores = String::from_utf8(Command::new("lscpu").arg("--parse=CORE,SOCKET").output().unwrap().stdout).unwrap();
    let cores: HashSet<&str> = cores.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(folder.join(format!("study/run-{}x1-1.json", cores.len())).is_file());
}

fn sweep() {
    let folder = cluster().work();
    let job = submit(&folder, "array.sbatch", &[], &["--ntasks=2"], &[&[SWEEP, "--refine", "0"], &TIGHT[..]].concat());
    job.wait();
    let lines = fs::read_to_string(SWEEP).unwrap();
    for (task, line) in (1..).zip(lines.lines()) {
        let words = Command::new("sh").args(["-c", &format!("printf '%s\\n' {line}")]).output().unwrap();
        let words = String::from_utf8(words.stdout).unwrap();
        let results = folder.join(format!("sweep-{}/{task}", job.id));
        assert_agrees(&results.with_extension("h5"), &words.lines().chain(TIGHT).collect::<Vec<_>>());
        assert!(results.with_extension("json").is_file());
    }
}

/// Studies one to three ranks on three hosts, with this option of sbatch for the ranks.
fn study(mode: &str, launcher: &str, tasks: &str) {
    let folder = cluster().work();
    let tiny = ["--unknowns", "20000", "--repeats", "1", "--stream", "4", "--out", "study"];
    let variables = [("QUAD8_MPI_LAUNCHER", launcher), ("QUAD8_MPI", env!("CARGO_BIN_EXE_quad8-mpi"))];
    submit(&folder, &format!("{mode}.sbatch"), &variables, &["--nodes=3", tasks], &tiny).wait();
    for ranks in 1..=3 {
        let record = read_json(&folder.join(format!("study/run-{ranks}x1-1.json")));
        assert_eq!(record["parallel"]["ranks"], ranks);
        let source = record["mesh_info"]["source"].as_str().unwrap();
        let refine = record["mesh_info"]["refine"].to_string();
        let here = folder.join("here.json");
        solve_here(&folder, &[source.trim_start_matches("built-in "), "--refine", &refine, "--json", "here.json"]);
        let [there, here] = [&record, &read_json(&here)].map(|r| r["solution_stats"]["u_mean"].as_f64().unwrap());
        assert!((there - here).abs() < 1e-6 * here.abs(), "{ranks} ranks: {there} instead of {here}");
    }
    let table = fs::read_to_string(folder.join("study/scaling.csv")).unwrap();
    assert_eq!(table.lines().filter(|line| line.starts_with("total,")).count(), 3, "{table}");
    assert!(folder.join("study/speed-up.png").is_file());
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn missing() {
    let folder = cluster().work();
    for (variable, value, wanted) in [
        ("QUAD8_MPI", "/nowhere/quad8-mpi", "no program /nowhere/quad8-mpi: build it"),
        ("QUAD8_MPI_LAUNCHER", "prun", "'prun': it must be srun or mpirun"),
        ("QUAD8_MPI_MODULES", "gcc", "no command 'module' for QUAD8_MPI_MODULES='gcc'"),
        ("SLURM_MPI_TYPE", "pmi9", "srun has no 'pmi9' (srun --mpi=list): set QUAD8_MPI_LAUNCHER=mpirun"),
    ] {
        let job = submit(&folder, "solve.sbatch", &[(variable, value)], &["--ntasks=1"], &[]);
        job.wait_for("JobState=FAILED Reason=NonZeroExitCode ", 60);
        assert!(job.state().contains(" ExitCode=2:0"), "{}", job.state());
        assert!(job.log().contains(wanted), "{}", job.log());
    }
}

fn copied() {
    let folder = cluster().work();
    let copy = folder.join("mine.sbatch");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/solve.sbatch"), &copy).unwrap();
    let copy = copy.to_str().unwrap();
    let job = submit(&folder, copy, &[], &["--ntasks=1"], &[]);
    job.wait_for("JobState=FAILED Reason=NonZeroExitCode ", 60);
    assert!(job.state().contains(" ExitCode=2:0"), "{}", job.state());
    assert!(job.log().contains("set QUAD8_MPI_JOBS to the folder jobs/"), "{}", job.log());
    let jobs = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs");
    submit(&folder, copy, &[("QUAD8_MPI_JOBS", jobs)], &["--ntasks=1"], &[]).wait();
}
