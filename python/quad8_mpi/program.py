"""The program quad8-mpi and the mpirun of its MPI library."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import BY_CODE, FileError, InternalError, LaunchError, Quad8Error

#: Launchers in the order of preference, and what their ``--version`` prints, by MPI library.
_LAUNCHERS = {
    "Open MPI": (("mpirun.openmpi", "mpirun", "mpiexec"), ("Open MPI", "OpenRTE", "PRRTE")),
    "Intel(R) MPI": (("mpiexec.hydra", "mpirun", "mpiexec"), ("Intel(R) MPI",)),
    "MPICH": (("mpirun.mpich", "mpiexec.hydra", "mpirun", "mpiexec"), ("HYDRA", "MPICH")),
}
#: Variables of a process that an mpirun started.
_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMI_RANK")
#: Exit codes of a shell, a loader or mpirun whose program did not start.
_NOT_STARTED = (126, 127, 213)
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
#: Longest time for the version of a program, in seconds.
_VERSION_TIMEOUT = 60
#: Time in which mpirun ends its ranks after SIGTERM, in seconds.
_END_TIMEOUT = 10


def find_program() -> Path:
    """Returns the path of quad8-mpi: QUAD8_MPI_PROGRAM, beside Python, or in the PATH.

    Raises
    ------
    LaunchError
        There is no such program.
    """
    named = os.environ.get("QUAD8_MPI_PROGRAM")
    if named:
        if os.access(named, os.X_OK) and os.path.isfile(named):
            return Path(named).absolute()
        raise LaunchError(f"QUAD8_MPI_PROGRAM names {named}, which is no program")
    # pip installs programs beside Python, or with --user into a folder of the user.
    installed = [os.path.dirname(sys.executable), sysconfig.get_path("scripts", "posix_user")]
    found = shutil.which("quad8-mpi", path=os.pathsep.join(installed)) or shutil.which("quad8-mpi")
    if found:
        return Path(found).absolute()
    raise LaunchError(
        f"there is no quad8-mpi beside {sys.executable} or in the PATH: "
        "set QUAD8_MPI_PROGRAM to the path of the program"
    )


def find_mpirun(program: Path) -> list[str]:
    """Returns the command that starts MPI ranks of a program.

    It is QUAD8_MPI_MPIRUN, else the first launcher beside the program or in the PATH that
    belongs to the MPI library of the program.

    Raises
    ------
    LaunchError
        There is no launcher, or only those of other MPI libraries.
    """
    named = os.environ.get("QUAD8_MPI_MPIRUN")
    if named:
        command = shlex.split(named)
        if shutil.which(command[0]) is None:
            raise LaunchError(f"QUAD8_MPI_MPIRUN names {command[0]}, which is no program")
        return command
    lines = _version(str(program), os.stat(program).st_mtime_ns).splitlines()
    library = next((line[3:].strip() for line in lines if line.startswith("MPI ")), "MPI")
    family = next((family for family in _LAUNCHERS if library.startswith(family)), None)
    names, signs = _LAUNCHERS[family] if family else (("mpirun", "mpiexec"), ("",))
    paths = (str(program.parent), os.environ.get("PATH", os.defpath))
    others = []
    for launcher in filter(None, (shutil.which(name, path=path) for path in paths for name in names)):
        version = _version(launcher, os.stat(launcher).st_mtime_ns)
        if any(sign in version for sign in signs):
            return [launcher]
        others.append(launcher)
    found = f"{', '.join(dict.fromkeys(others))} belongs to another MPI" if others else "there is no mpirun in the PATH"
    raise LaunchError(
        f"{found}: {program} needs the mpirun of {library.split(',')[0]}. Add its folder to the PATH, set "
        "QUAD8_MPI_MPIRUN to the command that starts ranks, or use ranks=1, which needs none"
    )


@functools.cache
def _version(program: str, _changed: int) -> str:
    """Returns what a program prints about its version."""
    try:
        done = subprocess.run(
            [program, "--version"],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(f"{program} does not start: {error}") from error
    if done.returncode != 0:
        raise LaunchError(f"{program} does not start: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def environment() -> dict[str, str]:
    """Returns the environment of the program: Open MPI may start ranks as root, and more than cores."""
    defaults = {
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",  # the same for Open MPI 5
    }
    if os.geteuid() == 0:
        defaults |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return defaults | dict(os.environ)


def run(arguments: list[str], ranks: int, folder: Path, progress: Callable[[str], object] | None) -> Quad8Error | None:
    """Runs the program to its end and returns its error, if it fails.

    Parameters
    ----------
    arguments : list of str
        Arguments of the program.
    ranks : int
        MPI ranks; a single one needs no mpirun.
    folder : Path
        Folder for temporary files and for messages, which name files in it without the folder.
    progress : callable, optional
        Is called with each line that the program prints, as it comes, and with its warnings at the
        end.

    Raises
    ------
    LaunchError
        The program cannot be started.
    KeyboardInterrupt
        Ctrl-C, when all ranks have ended.
    """
    program = find_program()
    if any(name in os.environ for name in _RANK_VARIABLES):
        raise LaunchError("mpirun has started this Python: start Python without it, since solve starts ranks itself")
    launcher = [*find_mpirun(program), "-n", str(ranks)] if ranks > 1 else []
    messages = folder / "messages"
    with messages.open("wb") as stderr:
        try:
            process = subprocess.Popen(
                [*launcher, str(program), *arguments],
                # MPI's own files go into the folder, too.
                env=environment() | {"TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                encoding="utf-8",
                errors="replace",
                # Ctrl-C reaches Python alone: mpirun leaves ranks behind at a second signal.
                start_new_session=True,
                preexec_fn=_end_with_python,
            )
        except OSError as error:
            raise LaunchError(f"cannot start {(launcher or [str(program)])[0]}: {error}") from error
        with process:
            try:
                for line in process.stdout or ():
                    if progress:
                        progress(_plain(line.rstrip("\n"), folder))
                code = process.wait()
            except BaseException:
                _end(process)
                raise
    text = _plain(messages.read_text("utf-8", "replace"), folder)
    if progress:
        for line in text.splitlines():
            if line.startswith("warning: "):
                progress(line)
    return _error(code, text) if code != 0 else None


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Makes a folder for the files of one run, and remove it at its end."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="quad8-mpi-", ignore_cleanup_errors=True)
    except OSError as error:
        raise FileError(
            f"there is no folder for temporary files: {error}; set TMPDIR to a folder that can be written to"
        ) from error
    with folder:
        yield Path(folder.name)


def _plain(text: str, folder: Path) -> str:
    """Returns a text of the program without its name and the folder of temporary files."""
    return text.replace("quad8-mpi: ", "").replace(f"{folder}{os.sep}", "")


def _end_with_python() -> None:
    """Asks the kernel to send this process SIGTERM when Python ends without ending it (Linux)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: subprocess.Popen[str]) -> None:
    """Ends mpirun and its ranks. A second Ctrl-C shortens the wait."""
    process.terminate()
    try:
        process.wait(_END_TIMEOUT)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        # Ranks in other process groups end themselves when their mpirun is gone.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _error(code: int, text: str) -> Quad8Error:
    """Returns the error of an exit code, with the message of the program."""
    ended = f"the program ended with code {code}" if code > 0 else f"signal {-code} ended the program"
    message = _message(text) or ended
    shared_memory = next((line for line in text.splitlines() if line.startswith("warning: /dev/shm")), "")
    if code not in (1, 2, 5) and shared_memory not in message:
        message += "; " + shared_memory.removeprefix("warning: ")
    kind = BY_CODE.get(code, InternalError)
    if code in _NOT_STARTED or (code == 1 and "error: " not in text):
        kind = LaunchError
    error = kind(message)
    error.code = code
    return error


def _message(text: str) -> str:
    """Returns the error among the messages of the program, else all of them."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("error: "):
            rest = lines[i + 1 :]
            ends = (j for j, later in enumerate(rest) if not later.strip() or later.startswith("----"))
            return "\n".join([line.removeprefix("error: "), *rest[: next(ends, len(rest))]])
    return text.strip()
