//! Program: parses the command line, starts MPI where a command needs it, runs the command and ends
//! with one exit code on every rank.

use std::panic;
use std::process;
use std::rc::Rc;

use mpi::Threading;
use mpi::topology::{Communicator, SimpleCommunicator};
use quad8_mpi::app::checkpoint::Interrupts;
use quad8_mpi::app::cli::{Cli, Command};
use quad8_mpi::app::{Launcher, case, check, cli, convert, partition, probe, solve};
use quad8_mpi::parallel::{Comm, abort, heartbeat};
use quad8_mpi::perf::bench::{BenchArgs, Benchmark};
use quad8_mpi::perf::{bench, model, scaling};
use quad8_mpi::system::{HugePages, allocator, print_error};
use quad8_mpi::{Error, ExitCode, Result, plot};

#[global_allocator]
static ALLOCATOR: HugePages = HugePages;

/// Command to run on every rank.
type Work = Box<dyn FnOnce(&Rc<Comm>) -> Result<ExitCode>>;

fn main() {
    allocator::keep_freed_memory(1);
    quad8_mpi::io::file::survive_size_limits();
    let launcher = Launcher::read();
    launcher.configure_open_mpi();
    // Parsed before MPI starts, so that --help works where MPI does not.
    let command = match Cli::read() {
        Ok(command) => command,
        Err(message) => usage(launcher, &message),
    };
    let work: Work = match command {
        Command::Case => Box::new(|comm| case::print(comm)),
        Command::Solve(args) => {
            let interrupts = Interrupts::watch(args.max_time);
            Box::new(move |comm| solve::solve(comm, &args, &comm.agree(interrupts)?))
        }
        Command::Partition(args) => Box::new(move |comm| partition::partition(comm, &args)),
        Command::Probe(args) => Box::new(move |comm| probe::probe(comm, &args)),
        Command::Convert(args) => Box::new(move |comm| convert::convert(comm, &args)),
        Command::Check(args) => Box::new(move |comm| check::check(comm, &args)),
        Command::Model(args) => Box::new(move |comm| model::model(comm, &args)),
        Command::Meshes => Box::new(|comm| check::list_meshes(comm)),
        Command::Bench(BenchArgs { what }) => match what {
            Benchmark::Stream(args) => Box::new(move |comm| bench::stream(comm, &args)),
            Benchmark::Messages(args) => Box::new(move |comm| bench::messages(comm, &args)),
        },
        Command::Report(args) => alone(launcher, "give fewer run records, or free memory", || scaling::report(&args)),
        Command::Plot(args) => alone(launcher, "a picture of a smaller --width takes less", || plot::plot(&args)),
        Command::View(args) => alone(launcher, "take a host with more, or free memory", || plot::view(&args)),
        Command::Completions(args) => alone(launcher, "free memory", || cli::completions(&args)),
        Command::Man => alone(launcher, "free memory", cli::manual),
    };
    launcher.check_library().unwrap_or_else(|error| refuse(launcher, &error));
    launcher.check_shared_memory();
    heartbeat::watch_start_up(launcher.rank);
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
        eprintln!("quad8-mpi: MPI was started twice");
        process::exit(ExitCode::Internal as i32);
    };
    let comm = Rc::new(Comm::new(universe.world()));
    launcher.check(comm.size()).unwrap_or_else(|error| refuse(launcher, &error));
    abort_on_panic(comm.rank());
    allocator::on_exhaustion(abort_without_memory);
    let code = heartbeat::start(&comm).and_then(|()| work(&comm)).unwrap_or_else(|error| {
        if comm.is_root() {
            print_error(&format!("error: {error}"));
        }
        error.exit_code()
    });
    drop(comm);
    drop(universe);
    launcher.remove_session_folder();
    process::exit(code as i32);
}

/// Runs a command that needs no MPI, under mpirun on one rank. `remedy` is what to do where there
/// is no memory.
fn alone(launcher: Launcher, remedy: &'static str, work: impl FnOnce() -> Result<ExitCode>) -> ! {
    leave_to_rank_0(launcher);
    panic::set_hook(Box::new(|info| {
        print_error(&format!("failed inside: {info} (please report this)"));
        process::exit(ExitCode::Internal as i32);
    }));
    allocator::on_exhaustion(move |bytes| {
        print_error(&format!("error: there is no memory for {bytes} more bytes: {remedy}"));
        process::exit(ExitCode::Internal as i32);
    });
    let code = work().unwrap_or_else(|error| fail(&error));
    process::exit(code as i32);
}

/// Ends this process unless the launcher calls it rank 0. Its code is 0: mpirun ends the job at the
/// first other code, and rank 0 could not print its message.
fn leave_to_rank_0(launcher: Launcher) {
    if launcher.rank > 0 {
        process::exit(ExitCode::Success as i32);
    }
}

/// Ends this process because of its launcher, with the error on rank 0.
fn refuse(launcher: Launcher, error: &Error) -> ! {
    leave_to_rank_0(launcher);
    fail(error)
}

/// Prints an error and ends this process with its code.
fn fail(error: &Error) -> ! {
    print_error(&format!("error: {error}"));
    process::exit(error.exit_code() as i32);
}

/// Prints a usage error, or the help that was asked for, on one rank.
fn usage(launcher: Launcher, message: &clap::Error) -> ! {
    leave_to_rank_0(launcher);
    // A failure to print leaves nowhere to report it.
    let _ = message.print();
    process::exit(message.exit_code());
}

/// Ends the job where an allocation of so many bytes fails.
fn abort_without_memory(bytes: usize) {
    let rank = SimpleCommunicator::world().rank();
    print_error(&format!(
        "error: rank {rank} has no memory for {bytes} more bytes: use more hosts, fewer ranks on each, or a coarser \
         mesh (--dry-run predicts the memory of a solve)"
    ));
    abort(ExitCode::Internal);
}

/// Makes a panic on this rank end the job. The others would wait in MPI for ever.
fn abort_on_panic(rank: usize) {
    panic::set_hook(Box::new(move |info| {
        print_error(&format!("rank {rank} failed inside: {info} (please report this)"));
        abort(ExitCode::Internal);
    }));
}
