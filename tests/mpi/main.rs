//! Checks of the library on any number of ranks.
//!
//! The checks run under mpirun: this program starts itself again, with one mpirun for each group of
//! checks and number of ranks. It reports each check as a test. Filters work as in other tests, for
//! example `cargo test --test mpi halo::` or `... ranks_7`.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use mpi::Threading;
use mpi::topology::{Communicator, SimpleCommunicator};
use quad8_mpi::app::Launcher;
use quad8_mpi::parallel::Comm;

/// Name of a check and its function, which every rank calls.
type Check = (&'static str, fn(&Rc<Comm>));

/// Returns the functions of these names as [`Check`]s.
macro_rules! checks {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name)),*] };
}

mod anisotropy;
mod assembly;
mod axisymmetric;
mod bits;
mod cg;
mod checkpoint;
mod comm;
mod convergence;
mod fallback;
mod flaws;
mod flow;
mod growth;
mod halo;
mod hard_problems;
mod inputs;
mod io;
mod library;
mod manufactured;
mod mesh;
mod meshes;
mod model;
#[path = "../harness/mpirun.rs"]
mod mpirun;
mod multigrid;
mod partition;
mod pipeline;
mod random;
mod recovery;
mod refine;
mod solve;
mod tags;
mod threads;
#[path = "../harness/tier.rs"]
mod tier;
mod traffic;
mod transfers;
mod virtual_ranks;

use mpirun::{Outcome, Run};
use tier::{needs_tool, slow, test};

/// Checks that share an mpirun. With several numbers of threads their output must be the same.
struct Group {
    ranks: &'static [usize],
    threads: &'static [usize],
    modules: &'static [(&'static str, &'static [Check])],
}

impl Group {
    /// Returns every check as `module::check`.
    fn checks(&self) -> impl Iterator<Item = (String, fn(&Rc<Comm>))> {
        self.modules.iter().flat_map(|(module, checks)| checks.iter().map(move |c| (format!("{module}::{}", c.0), c.1)))
    }
}

const ANY: &[usize] = &[1, 2, 3, 4, 7, 16];
/// Largest number of ranks of a check in the fast tier.
const MOST_RANKS: usize = 7;

const GROUPS: &[Group] = &[
    Group {
        ranks: ANY,
        threads: &[1],
        modules: &[
            ("comm", comm::CHECKS),
            ("comm", comm::OPERATIONS),
            ("halo", halo::CHECKS),
            ("virtual_ranks", virtual_ranks::CHECKS),
        ],
    },
    Group {
        ranks: ANY,
        threads: &[1],
        modules: &[
            ("mesh", mesh::CHECKS),
            ("partition", partition::CHECKS),
            ("flaws", flaws::CHECKS),
            ("tags", tags::CHECKS),
            ("refine", refine::CHECKS),
        ],
    },
    Group {
        ranks: ANY,
        threads: &[1],
        modules: &[
            ("assembly", assembly::CHECKS),
            ("solve", solve::CHECKS),
            ("flow", flow::CHECKS),
            ("library", library::CHECKS),
            ("cg", cg::CHECKS),
            ("fallback", fallback::CHECKS),
            ("model", model::CHECKS),
            ("multigrid", multigrid::CHECKS),
            ("transfers", transfers::CHECKS),
            ("hard_problems", hard_problems::CHECKS),
            ("traffic", traffic::CHECKS),
        ],
    },
    Group { ranks: ANY, threads: &[1], modules: &[("io", io::CHECKS)] },
    Group { ranks: ANY, threads: &[1], modules: &[("checkpoint", checkpoint::CHECKS)] },
    Group { ranks: &[1], threads: &[1], modules: &[("inputs", inputs::CHECKS)] },
    Group { ranks: &[1, 3], threads: &[1], modules: &[("bits", bits::CHECKS)] },
    Group { ranks: &[1], threads: &[1], modules: &[("growth", growth::CHECKS)] },
    Group {
        ranks: &[1, 3, 16],
        threads: &[1],
        modules: &[
            ("anisotropy", anisotropy::CHECKS),
            ("axisymmetric", axisymmetric::CHECKS),
            ("convergence", convergence::CHECKS),
            ("recovery", recovery::CHECKS),
        ],
    },
    Group { ranks: &[1, 2, 3, 7], threads: &[1], modules: &[("random", random::CHECKS)] },
    Group { ranks: &[1, 2], threads: &[1, 2], modules: &[("threads", threads::CHECKS)] },
];

/// Variable that names the checks of a child process. Only children have it.
const CHECKS: &str = "QUAD8_MPI_TEST_CHECKS";
/// Set if all checks run under memcheck (tests/valgrind.sh).
static MEMCHECK: LazyLock<bool> = LazyLock::new(|| std::env::var_os("QUAD8_MPI_VALGRIND").is_some());
/// Deadline of a group, far longer than any takes.
const TIMEOUT: Duration = Duration::from_secs(300);

fn main() {
    if let Ok(checks) = std::env::var(CHECKS) {
        return run_checks(&checks);
    }
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let batches = GROUPS.iter().flat_map(|group| group.ranks.iter().map(|&ranks| Batch::new(group, ranks, &args)));
    let tests = batches.flat_map(|batch| Arc::new(batch).tests()).chain([under_memcheck()]).collect();
    libtest_mimic::run(&args, tests).exit();
}

/// Runs the checks of these names in order, in a child process. **Collective.**
fn run_checks(names: &str) {
    static CURRENT: Mutex<String> = Mutex::new(String::new());
    let current = || CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    // Without its settings, Open MPI loses values of collective transfers.
    Launcher::read().configure_open_mpi();
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled).expect("MPI starts once");
    let comm = Rc::new(Comm::new(universe.world()));
    let rank = comm.rank();
    std::panic::set_hook(Box::new(move |info| {
        eprintln!("{} failed on rank {rank}: {info}", current());
        SimpleCommunicator::world().abort(1);
    }));
    for name in names.split_whitespace() {
        name.clone_into(&mut current());
        let (_, check) = GROUPS.iter().flat_map(Group::checks).find(|c| c.0 == name).expect("a check of this name");
        check(&comm);
        comm.barrier();
        if comm.is_root() {
            println!("passed {name}");
        }
    }
}

/// Checks of one group on one number of ranks.
struct Batch {
    ranks: usize,
    threads: &'static [usize],
    /// Names of all checks, as `module::check`.
    checks: Vec<String>,
    /// Names that the command line selects.
    wanted: Vec<String>,
    /// Names of the checks that failed, with their messages.
    failures: OnceLock<HashMap<String, String>>,
}

impl Batch {
    fn new(group: &Group, ranks: usize, args: &Arguments) -> Self {
        let checks: Vec<String> = group.checks().map(|(name, _)| name).collect();
        let is_wanted = |check: &&String| {
            let name = format!("{check}::ranks_{ranks}");
            let filter = args.filter.as_deref().unwrap_or_default();
            (if args.exact { name == filter } else { name.contains(filter) })
                && !args.skip.iter().any(|skip| name.contains(skip))
        };
        let wanted = checks.iter().filter(is_wanted).cloned().collect();
        Self { ranks, threads: group.threads, checks, wanted, failures: OnceLock::new() }
    }

    fn tests(self: Arc<Self>) -> Vec<Trial> {
        let test = |check: &String| {
            let (batch, check) = (Arc::clone(&self), check.clone());
            let test = Trial::test(format!("{check}::ranks_{}", self.ranks), move || batch.result(&check));
            if self.ranks > MOST_RANKS { slow(test) } else { test }
        };
        self.checks.iter().map(test).collect()
    }

    fn result(&self, check: &str) -> Result<(), Failed> {
        let failures = self.failures.get_or_init(|| self.run());
        failures.get(check).map_or(Ok(()), |why| Err(why.into()))
    }

    /// Runs the selected checks. A check that fails ends its job: a new one runs the checks after
    /// it.
    fn run(&self) -> HashMap<String, String> {
        let mut failures = HashMap::new();
        let mut rest = &self.wanted[..];
        while !rest.is_empty() {
            let outcomes: Vec<Outcome> =
                self.threads.iter().map(|&threads| launch(self.ranks, threads, rest, *MEMCHECK)).collect();
            let passed = |outcome: &Outcome| {
                let is_passed = |check: &&String| outcome.stdout.lines().any(|line| line == format!("passed {check}"));
                rest.iter().take_while(is_passed).count()
            };
            // A job that ends badly after all its checks passed fails in the last one.
            let failed = outcomes.iter().filter(|o| o.code != Some(0)).min_by_key(|o| passed(o));
            let differs = outcomes.iter().find(|o| o.stdout != outcomes[0].stdout);
            let (at, why) = match (failed, differs) {
                (Some(failed), _) => (passed(failed).min(rest.len() - 1), describe(failed)),
                (_, Some(other)) => {
                    let printed = [&outcomes[0], other].map(|o| o.stdout.trim_end()).join("\nand\n");
                    (rest.len() - 1, format!("depends on the number of threads:\n{printed}"))
                }
                _ => break,
            };
            failures.insert(rest[at].clone(), why);
            rest = &rest[at + 1..];
        }
        failures
    }
}

/// Runs checks on `ranks` ranks, under valgrind's memcheck if asked for. Even numbers of ranks are
/// given a hint for MPI-IO, with which HDF5 transfers collectively on one host too.
fn launch(ranks: usize, threads: usize, checks: &[String], memcheck: bool) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let env = [(CHECKS, checks.join(" ")), ("RAYON_NUM_THREADS", threads.to_string())];
    let hint = ("QUAD8_MPI_IO_HINTS", "cb_nodes=2".to_owned());
    let env = env.into_iter().chain(ranks.is_multiple_of(2).then_some(hint));
    let env = env.map(|(name, value)| (name.to_owned(), value)).collect();
    let program = std::env::current_exe().expect("the path of this program");
    if !memcheck {
        return Run { ranks, timeout: TIMEOUT, env }.run(&program, &[], folder.path());
    }
    let ours = concat!("--suppressions=", env!("CARGO_MANIFEST_DIR"), "/tests/valgrind.supp");
    let open_mpi = "--suppressions=/usr/share/openmpi/openmpi-valgrind.supp";
    let program = program.to_str().expect("a path in UTF-8");
    let args = ["--quiet", "--error-exitcode=99", open_mpi, ours, program];
    Run { ranks, timeout: 10 * TIMEOUT, env }.run(Path::new("valgrind"), &args, folder.path())
}

/// Returns the test of the halo exchange under memcheck, the shortest part of tests/valgrind.sh.
fn under_memcheck() -> Trial {
    let checks = || GROUPS[0].checks().map(|(name, _)| name).filter(|name| name.starts_with("halo::"));
    let is_there = Command::new("valgrind").arg("--version").output().is_ok();
    let missing = (!is_there).then_some("no valgrind: apt-get install valgrind");
    let test = test("memcheck_finds_nothing_in_the_halo_exchange::ranks_2", move || {
        let outcome = launch(2, 1, &checks().collect::<Vec<_>>(), true);
        assert_eq!(outcome.code, Some(0), "{}", describe(&outcome));
    });
    needs_tool(slow(test), missing)
}

fn describe(outcome: &Outcome) -> String {
    let end = outcome.code.map_or("was ended by the deadline".to_owned(), |code| format!("ended with code {code}"));
    format!("mpirun {end} after {:.1} s\n{}{}", outcome.seconds, outcome.stdout, outcome.stderr)
}
