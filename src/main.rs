//! The program: start MPI where it is needed, run, end with one exit code on every rank.

use std::panic;
use std::process;
use std::rc::Rc;

use clap::Parser;
use mpi::Threading;
use mpi::topology::{Communicator, SimpleCommunicator};
use quad8_mpi::checkpoint::Interrupts;
use quad8_mpi::cli::{self, BenchArgs, Benchmark, Cli, Command};
use quad8_mpi::memory::{self, HugePages};
use quad8_mpi::parallel::{Comm, abort, heartbeat};
use quad8_mpi::streams::complain;
use quad8_mpi::{ExitCode, Result, bench, case, check, io, model, plot, report, run, split};

#[global_allocator]
static ALLOCATOR: HugePages = HugePages;

/// What a command does on every rank.
type Work = Box<dyn FnOnce(&Rc<Comm>) -> Result<ExitCode>>;

fn main() {
    memory::keep_freed_memory();
    io::survive_size_limits();
    // Before MPI starts, so that --help works where MPI does not.
    let command = match Cli::try_parse() {
        Ok(cli) => cli.into_command(),
        Err(message) => usage(&message),
    };
    let work: Work = match command {
        Command::Case => Box::new(|comm| case::print(comm)),
        Command::Solve(args) => {
            let interrupts = Interrupts::watch(args.max_time);
            Box::new(move |comm| run::solve(comm, &args, &comm.agree(interrupts)?))
        }
        Command::Partition(args) => Box::new(move |comm| split::partition(comm, &args)),
        Command::Check(args) => Box::new(move |comm| check::check(comm, &args)),
        Command::Model(args) => Box::new(move |comm| model::model(comm, &args)),
        Command::Meshes => Box::new(|comm| check::list_meshes(comm)),
        Command::Bench(BenchArgs { what }) => match what {
            Benchmark::Stream(args) => Box::new(move |comm| bench::stream(comm, &args)),
            Benchmark::Messages(args) => Box::new(move |comm| bench::messages(comm, &args)),
        },
        Command::Report(args) => alone(|| report::report(&args)),
        Command::Plot(args) => alone(|| plot::plot(&args)),
        Command::Completions(args) => alone(|| cli::completions(&args)),
        Command::Man => alone(cli::manual),
    };
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
        eprintln!("quad8-mpi: MPI was started twice");
        process::exit(ExitCode::Internal as i32);
    };
    let comm = Rc::new(Comm::new(universe.world()));
    abort_on_panic(comm.rank());
    memory::on_exhaustion(abort_without_memory);
    let code = heartbeat::start(&comm).and_then(|()| work(&comm)).unwrap_or_else(|error| {
        if comm.is_root() {
            complain(&format!("error: {error}"));
        }
        error.exit_code()
    });
    drop(comm);
    drop(universe);
    process::exit(code as i32);
}

/// Does work that needs no MPI, under mpirun on one rank.
fn alone(work: impl FnOnce() -> Result<ExitCode>) -> ! {
    if launcher_rank() > 0 {
        process::exit(ExitCode::Success as i32);
    }
    panic::set_hook(Box::new(|info| {
        complain(&format!("failed inside: {info} (please report this)"));
        process::exit(ExitCode::Internal as i32);
    }));
    memory::on_exhaustion(|bytes| {
        complain(&format!("error: there is no memory for {bytes} more bytes: a smaller --width takes less"));
        process::exit(ExitCode::Internal as i32);
    });
    let code = work().unwrap_or_else(|error| {
        complain(&format!("error: {error}"));
        error.exit_code()
    });
    process::exit(code as i32);
}

/// Prints a usage error, or the help that was asked for, on one rank.
fn usage(message: &clap::Error) -> ! {
    // mpirun kills the job at the first code that is not 0, so the others give
    // none: rank 0 could not finish its sentence.
    if launcher_rank() > 0 {
        process::exit(ExitCode::Success as i32);
    }
    // Nobody is left to tell if even this fails.
    let _ = message.print();
    process::exit(message.exit_code());
}

/// This process's rank as its launcher says, before MPI is there to ask. Under
/// mpirun SLURM_PROCID belongs to the batch shell, so it comes last.
fn launcher_rank() -> u32 {
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.parse().ok())
        .unwrap_or(0)
}

fn abort_without_memory(bytes: usize) {
    let rank = SimpleCommunicator::world().rank();
    complain(&format!(
        "error: rank {rank} has no memory for {bytes} more bytes: use more hosts, or fewer ranks on each (--dry-run says \
         what a solve takes)"
    ));
    abort(ExitCode::Internal);
}

/// A panic on one rank would leave the others waiting in MPI for ever: it ends
/// the whole job instead.
fn abort_on_panic(rank: usize) {
    panic::set_hook(Box::new(move |info| {
        complain(&format!("rank {rank} failed inside: {info} (please report this)"));
        abort(ExitCode::Internal);
    }));
}
