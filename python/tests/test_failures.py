"""Failures: interrupts, a program or an mpirun that is missing, a system that lacks something."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import quad8_mpi
from quad8_mpi.program import _error

PYTHON = Path(__file__).parents[1]
#: Longest time until a run has ended, in seconds.
BOUND = 30


def python(code, folder, *, before=(), **environment):
    """Starts a Python process with the package and a folder for temporary files."""
    environment = dict(os.environ, PYTHONPATH=str(PYTHON), TMPDIR=str(folder), **environment)
    return subprocess.Popen(
        [*before, sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Shells ignore SIGINT in what they start in the background, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def processes_of(folder):
    """Returns the processes whose arguments name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path.parent.name] if str(folder).encode() in path.read_bytes() else []
        except OSError:
            continue
    return found


def wait_until(holds):
    end = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def started(ranks, folder):
    """Starts a long solve, and returns its process when the iteration is about to begin."""
    code = f"import quad8_mpi; quad8_mpi.solve(ranks={ranks}, refine=2, preconditioner='jacobi', rtol=1e-13)"
    process = python(code, folder)
    assert any(line.startswith("boundary ") for line in process.stdout)
    assert len(processes_of(folder)) == (1 if ranks == 1 else 1 + ranks)
    return process


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_interrupt_ends_all_ranks(ranks, temporary):
    process = started(ranks, temporary)
    # As a terminal and a notebook do.
    os.killpg(process.pid, signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=BOUND)[1]
    assert processes_of(temporary) == []


def test_ranks_end_with_a_python_that_is_killed(temporary):
    process = started(2, temporary)
    process.kill()
    process.communicate(timeout=BOUND)
    wait_until(lambda: processes_of(temporary) == [])
    for folder in temporary.iterdir():
        shutil.rmtree(folder)


def test_a_missing_program_is_named(monkeypatch, square):
    monkeypatch.setenv("QUAD8_MPI_PROGRAM", "/nowhere/quad8-mpi")
    with pytest.raises(quad8_mpi.LaunchError, match="QUAD8_MPI_PROGRAM names /nowhere/quad8-mpi"):
        quad8_mpi.solve(square)
    monkeypatch.delenv("QUAD8_MPI_PROGRAM")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(quad8_mpi.LaunchError, match="set QUAD8_MPI_PROGRAM"):
        quad8_mpi.check(square)


def test_the_program_beside_python_comes_first(monkeypatch, tmp_path):
    for folder in ("bin", "other"):
        script(tmp_path / folder / "quad8-mpi", "exit 0")
    monkeypatch.delenv("QUAD8_MPI_PROGRAM")
    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    assert quad8_mpi.program.find_program() == tmp_path / "bin/quad8-mpi"
    (tmp_path / "bin/quad8-mpi").unlink()
    assert quad8_mpi.program.find_program() == tmp_path / "other/quad8-mpi"


def script(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_mpirun_is_that_of_the_program(monkeypatch, tmp_path):
    program = script(tmp_path / "quad8-mpi", "echo 'MPI    MPICH Version: 5.0.2'")
    open_mpi = script(tmp_path / "a/mpirun", "echo 'mpirun (Open MPI) 4.1.4'")
    hydra = script(tmp_path / "b/mpirun", "echo 'HYDRA build details:'")
    monkeypatch.setenv("PATH", f"{open_mpi.parent}:{hydra.parent}")
    with pytest.raises(quad8_mpi.LaunchError, match=f"{open_mpi} belongs to another MPI: .* MPICH Version: 5.0.2"):
        quad8_mpi.program.find_mpirun(program)
    (open_mpi.parent / "mpirun").rename(open_mpi.parent / "other")
    assert quad8_mpi.program.find_mpirun(program) == [str(hydra)]
    # An mpirun beside the program comes before those in the PATH.
    beside = script(tmp_path / "mpirun", "echo 'HYDRA build details:'")
    assert quad8_mpi.program.find_mpirun(program) == [str(beside)]
    # Also where one in the PATH has the library in its name.
    script(open_mpi.parent / "mpirun.mpich", "echo 'HYDRA build details:'")
    assert quad8_mpi.program.find_mpirun(program) == [str(beside)]
    monkeypatch.setenv("QUAD8_MPI_MPIRUN", f"{open_mpi.parent}/other --mpi=pmix")
    assert quad8_mpi.program.find_mpirun(program) == [f"{open_mpi.parent}/other", "--mpi=pmix"]


def test_without_an_mpirun_one_rank_still_works(monkeypatch, tmp_path, square):
    # A single rank of Open MPI looks for ssh, though it does not start it.
    monkeypatch.setenv("PATH", str(script(tmp_path / "ssh", "exit 1").parent))
    # In an environment of Python an mpirun lies beside the program.
    (tmp_path / "quad8-mpi").symlink_to(quad8_mpi.program.find_program())
    monkeypatch.setenv("QUAD8_MPI_PROGRAM", str(tmp_path / "quad8-mpi"))
    with pytest.raises(quad8_mpi.LaunchError, match=r"there is no mpirun in the PATH: .* or use ranks=1"):
        quad8_mpi.solve(square, ranks=2)
    assert quad8_mpi.solve(square, progress=False).converged


def test_a_python_under_mpirun_is_refused(monkeypatch, square):
    monkeypatch.setenv("PMI_RANK", "0")
    with pytest.raises(quad8_mpi.LaunchError, match="mpirun has started this Python"):
        quad8_mpi.solve(square)


def test_a_program_that_does_not_start_is_named(monkeypatch, tmp_path, square):
    loader = "echo 'quad8-mpi: error while loading shared libraries: libmpi.so.12' >&2; exit 127"
    monkeypatch.setenv("QUAD8_MPI_PROGRAM", str(script(tmp_path / "quad8-mpi", loader)))
    for ranks in (1, 2):
        with pytest.raises(quad8_mpi.LaunchError, match=r"libmpi\.so\.12"):
            quad8_mpi.solve(square, ranks=ranks)


@pytest.mark.parametrize(
    ("code", "text", "kind", "message"),
    [
        (2, "error: bad\nworse\n-----\nnoise", quad8_mpi.InputError, "bad\nworse"),
        (3, "warning: a\nerror: no file", quad8_mpi.FileError, "no file"),
        (5, "error: stopped by a signal", quad8_mpi.Stopped, "stopped by a signal"),
        (137, "mpirun noticed that rank 1 exited on signal 9", quad8_mpi.InternalError, "mpirun noticed"),
        (-9, "", quad8_mpi.InternalError, "signal 9 ended the program"),
        (1, "There are not enough slots", quad8_mpi.LaunchError, "not enough slots"),
    ],
)
def test_exit_codes_have_errors_of_their_own(code, text, kind, message):
    error = _error(code, text)
    assert type(error) is kind
    assert message in str(error)
    assert error.code == code


def test_a_folder_that_does_not_exist_is_a_file_error(square):
    with pytest.raises(quad8_mpi.FileError, match="cannot write") as caught:
        quad8_mpi.solve(square, output="/nowhere/out.h5", progress=False)
    assert caught.value.code == 3


def test_a_time_limit_stops_a_run(tmp_path):
    with pytest.raises(quad8_mpi.Stopped):
        quad8_mpi.solve(output=tmp_path / "out.h5", arguments=["--max-time", "1e-9"], progress=False)


def test_a_run_without_results_is_named(square):
    with pytest.raises(quad8_mpi.InputError, match="has written no results"):
        quad8_mpi.solve(square, arguments=["--dry-run"], progress=False)


def test_no_folder_for_temporary_files_is_named(monkeypatch, square):
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    with pytest.raises(quad8_mpi.FileError, match="set TMPDIR to a folder that can be written to"):
        quad8_mpi.solve(square)


def test_a_read_only_home_does_no_harm(monkeypatch, square):
    monkeypatch.setenv("HOME", "/proc")
    assert quad8_mpi.solve(square, ranks=2, progress=False).converged


def test_a_missing_shared_memory_is_named(temporary):
    mount = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro none /dev/shm && exec "$@"', "sh"]
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount")
    process = python("import quad8_mpi; quad8_mpi.solve(ranks=2)", temporary, before=mount)
    errors = process.communicate(timeout=BOUND)[1]
    assert "/dev/shm is missing or not writable, and MPI needs it: mount it" in errors
