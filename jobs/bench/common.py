"""What the measuring scripts share: the program, mpirun on this machine, records, options."""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT/'jobs'


def say(text: str) -> None:
    """Prints a line of progress to the standard error."""
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> None:
    """Ends the script with exit code 2 and a message."""
    say(f'{Path(sys.argv[0]).name}: {text}')
    sys.exit(2)


def option_parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser whose help shows the description as it stands."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
                                   allow_abbrev=False)


def whole_number(least: int) -> Callable[[str], int]:
    """Returns the type of an option that takes a whole number of at least `least`."""
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) >= least):
            raise argparse.ArgumentTypeError(f"takes a whole number of at least {least}, not '{text}'")
        return int(text)
    return parse


def whole_numbers(least: int) -> Callable[[str], list[int]]:
    """Returns the type of an option that takes whole numbers with spaces between, as in '1 16'."""
    def parse(text: str) -> list[int]:
        return [whole_number(least)(number) for number in text.split() or ['']]
    return parse


def usable_cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def mpi_environment() -> dict[str, str]:
    """Returns the environment for mpirun on this machine, which jobs/mpi-env.sh sets."""
    shell = subprocess.run(['bash', '-c', '. "$0" && env -0', JOBS/'mpi-env.sh'], check=True, stdout=subprocess.PIPE)
    return dict(entry.split('=', 1) for entry in os.fsdecode(shell.stdout).split('\0') if entry)


def run(command: Sequence[str | Path], *, limit: float | None = 3600, env: dict[str, str] | None = None,
        stdout: IO | None = None, stderr: IO | None = None) -> int:
    """Runs a command and returns its exit code; terminates it after `limit` seconds, which is an error."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env) as process:
        try:
            return process.wait(limit)
        except BaseException as error:
            process.terminate()
            if isinstance(error, subprocess.TimeoutExpired):
                fail(str(error))
            raise


def check(command: Sequence[str | Path], **options: Any) -> None:
    """Runs a command as `run` does; ends the script with its exit code where that is not 0."""
    code = run(command, **options)
    if code:
        sys.exit(code if code > 0 else 128 - code)


def output_of(command: Sequence[str | Path], env: dict[str, str] | None = None) -> str:
    """Returns what a command prints; ends the script with its exit code where that is not 0."""
    with tempfile.TemporaryFile('w+') as printed:
        check(command, env=env, stdout=printed)
        printed.seek(0)
        return printed.read()


def program_path() -> Path:
    """Returns the path of the program that cargo builds."""
    return Path(os.environ.get('CARGO_TARGET_DIR') or ROOT/'target').absolute()/'release'/'quad8-mpi'


def build() -> None:
    """Builds the program."""
    check(['cargo', 'build', '--release', '--locked', '--manifest-path', ROOT/'Cargo.toml'], limit=None)


@dataclass
class Bench:
    """The built program, a temporary folder and the environment of mpirun."""
    program: Path
    work: Path
    env: dict[str, str]

    def mpirun(self, ranks: int, command: Sequence[str | Path]) -> list[str | Path]:
        """Returns the command line that starts a command on `ranks` ranks."""
        return ['mpirun', '-n', str(ranks), *command]

    def solve(self, ranks: int, *arguments: str | Path) -> None:
        """Runs the program on `ranks` ranks with one thread each; ends the script where it fails."""
        check(self.mpirun(ranks, [self.program, *arguments, '--threads', '1', '--quiet']), env=self.env)


@contextlib.contextmanager
def prepared_bench() -> Iterator[Bench]:
    """Builds the program, unless QUAD8_MPI names one, and makes a folder for its files, which is removed at the end."""
    program = os.environ.get('QUAD8_MPI')
    if not program:
        build()
    with tempfile.TemporaryDirectory() as work:
        yield Bench(Path(program) if program else program_path(), Path(work), mpi_environment())


def read_json(path: Path) -> dict[str, Any]:
    """Reads a record."""
    return json.loads(path.read_text())
