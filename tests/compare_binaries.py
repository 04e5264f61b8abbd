#!/usr/bin/env python3
"""Checks that two builds of quad8-mpi give the same bits.

Runs both programs on the same cases and compares u, velocity, pressure and the error estimate. Shows that a change of
the structure changes no result. Needs h5py and numpy; tests/harness/readers.sh prints a Python that has them.

    $(tests/harness/readers.sh) tests/compare_binaries.py OLD/quad8-mpi target/release/quad8-mpi

With --mpirun the second program is one of another MPI library, for instance that of tests/mpich.sh.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

BUILT_IN = ["y-channel", "venturi", "backward-step", "elbow", "s-bend", "t-junction"]
DATASETS = ["u", "vel", "abs_vel", "pressure", "vel_node", "error"]
FORMULAS = """
mesh = "venturi"
refine = 1
[boundary]
inlet = { robin = { p = "0.1 + y^2", gamma = "2.5*(1 - y^2)" } }
outlet = { dirichlet = "sin(y)" }
[material]
k = "1 + x^2*step(x - 1)"
f = "exp(-x)*y"
"""
LAUNCHER = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


def cases():
    """Yields (name, ranks, arguments) of every run."""
    for mesh in BUILT_IN:
        for ranks in (1, 3, 7):
            yield f"{mesh}, {ranks} ranks", ranks, [mesh, "--refine", "1"]
    yield "formulas", 3, ["formulas.toml"]
    yield "assembled", 3, ["--refine", "1", "--operator", "assembled"]
    yield "jacobi", 3, ["--preconditioner", "jacobi"]
    yield "reproducible", 3, ["--refine", "1", "--reproducible"]
    yield "two threads", 2, ["--refine", "2", "--threads", "2"]


def start(program, ranks, arguments, folder):
    """Starts a solve of `ranks` ranks in `folder`. `program` is an mpirun and its program."""
    mpirun, path = program
    command = [mpirun, "-n", str(ranks), str(path), *arguments, "-q", "-o", "out.h5"]
    return subprocess.Popen(command, cwd=folder, env=os.environ | LAUNCHER)


def solve(program, ranks, arguments, folder):
    """Runs a solve to its end; raises where its exit code is not 0."""
    code = start(program, ranks, arguments, folder).wait(timeout=600)
    if code != 0:
        raise RuntimeError(f"{program[1]} {' '.join(arguments)} on {ranks} ranks: exit code {code}")
    return digests(folder / "out.h5")


def restart(program, ranks, folder):
    """Stops a solve by SIGUSR1 once it iterates, and restarts it from its checkpoint."""
    arguments = ["--refine", "2", "--preconditioner", "jacobi", "--checkpoint-every", "0.001"]
    run = start(program, ranks, arguments, folder)
    while not (folder / "out.checkpoint.h5").exists() and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGUSR1)
    if (code := run.wait(timeout=600)) != 5:
        raise RuntimeError(f"{program[1]}: exit code {code} instead of 5 after SIGUSR1")
    return solve(program, ranks, [*arguments, "--restart", "out.checkpoint.h5"], folder)


def digests(path):
    """Returns a checksum of each dataset."""
    with h5py.File(path) as file:
        return {name: hashlib.sha256(file[name][:].tobytes()).hexdigest() for name in DATASETS}


def in_folder(work):
    """Calls `work` with a fresh folder that holds the case file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "formulas.toml").write_text(FORMULAS)
        return work(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=lambda path: Path(path).resolve(strict=True), nargs=2, metavar="PROGRAM")
    parser.add_argument("--mpirun", default="mpirun", help="mpirun of the second program (default: mpirun)")
    args = parser.parse_args()
    programs = list(zip(("mpirun", args.mpirun), args.programs))
    runs = [
        (name, lambda program, folder, ranks=ranks, arguments=arguments: solve(program, ranks, arguments, folder))
        for name, ranks, arguments in cases()
    ]
    runs.append(("restart", lambda program, folder: restart(program, 3, folder)))
    differing = 0
    for name, run in runs:
        old, new = (in_folder(lambda folder, program=program: run(program, folder)) for program in programs)
        unequal = [dataset for dataset in DATASETS if old[dataset] != new[dataset]]
        differing += bool(unequal)
        print(f"{name:24} {'equal' if not unequal else 'DIFFERENT: ' + ', '.join(unequal)}", flush=True)
    print(f"{len(runs)} runs, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
