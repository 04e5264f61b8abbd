#!/usr/bin/env python3
"""Installs a wheel into a new environment, solves with it and uninstalls it:

    tests/packaging/wheel.py dist/quad8_mpi-*.whl            # in a venv
    tests/packaging/wheel.py --root dist/quad8_mpi-*.whl     # in a new Debian without compilers (root, debootstrap)

The checks: pip install to picture in 30 s; results on 1, 2 and 4 ranks; the Python package; a mesh with compressed
datasets; the mpirun of another MPI is refused with its remedy, and Open MPI's of this machine starts the wheel for Open
MPI, on the library of either; after uninstalling no file is left. A wheel for another machine (aarch64) is tested with
--root, where the kernel runs its programs (qemu-user-static, binfmt_misc).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PICTURE_SECONDS = 30
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
# Open MPI 4 and 5: root may start ranks, and more than there are cores.
OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
READ = """
import h5py, numpy
flows = [h5py.File(f"r{ranks}.h5")["u"][:] for ranks in (1, 2, 4)]
assert len(flows[0]) > 16000 and all(numpy.allclose(flows[0], flow, atol=1e-6) for flow in flows)
with h5py.File("r1.h5") as whole, h5py.File("packed.h5", "w") as packed:
    for name in ("x", "y", "quad8"):
        packed.create_dataset(name, data=whole[name][:], compression="gzip")
import quad8_mpi
assert numpy.allclose(quad8_mpi.solve(ranks=2).u, flows[0], atol=1e-6)
"""
REFUSED = "start it with "


def run(command, expected=0, **options):
    """Runs a command, checks its exit code, and returns what it prints."""
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, text=True, timeout=1200, **options)
    if done.returncode != expected:
        sys.exit(f"wheel.py: {command} ended with code {done.returncode}, not {expected}:\n{done.stdout}")
    return done.stdout


def files(folder):
    """Returns all files below a folder, without caches of Python."""
    return {str(path) for path in folder.rglob("*") if not path.is_dir() and "__pycache__" not in path.parts}


def check(venv, work, wheel, emulated):
    """Checks a wheel in an environment, with a working folder."""
    programs = venv / "bin"
    env = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(work), "LC_ALL": "C.UTF-8"} | OPEN_MPI
    env |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or "PIP_" in name}

    def here(*command, expected=0, **variables):
        return run(command, expected, cwd=work, env=env | variables)

    start = time.monotonic()
    here("pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    installed = time.monotonic() - start
    here("quad8-mpi", "--quiet")
    here("quad8-mpi", "plot", "quad8.h5")
    picture = time.monotonic() - start
    assert (work / "quad8.png").stat().st_size > 10_000
    print(f"wheel.py: pip install {installed:.1f} s, picture after {picture:.1f} s")
    assert emulated or picture < PICTURE_SECONDS, "the picture took too long"

    for ranks in (1, 2, 4):
        here("mpirun", "-n", str(ranks), "quad8-mpi", "--threads", "1", "--quiet", "-o", f"r{ranks}.h5")
    here("python", "-c", READ)
    here("mpirun", "-n", "2", "quad8-mpi", "check", "packed.h5")
    for page in ("man/man1/quad8-mpi.1", "bash-completion/completions/quad8-mpi"):
        assert (venv / "share" / page).stat().st_size > 1000
    check_launchers(here, work, "openmpi" if "+openmpi" in wheel else "mpich")

    here("pip", "uninstall", "--yes", "--quiet", "quad8_mpi")
    left = [name for name in files(venv) if "quad8" in name]
    assert not left, f"left behind: {left}"


def check_launchers(here, work, mpi):
    """Checks that launchers of another MPI are refused with the remedy, and that Open MPI's of this machine fits."""

    def refused(*command, **variables):
        printed = here(*command, "quad8-mpi", "--quiet", expected=2, **variables)
        assert REFUSED in printed and str(Path("bin/mpirun")) in printed, printed
        print(f"wheel.py: {command or variables} is refused")

    for name in filter(shutil.which, ("mpirun.openmpi", "mpirun.mpich")):
        if not name.endswith(mpi):
            refused(name, "-n", "2")
    if mpi == "mpich":
        refused(PMIX_RANK="0", PMIX_NAMESPACE="step")       # as srun --mpi=pmix
    elif shutil.which("mpirun.openmpi"):
        (work / "site").mkdir()
        (work / "site/libmpi.so.40").symlink_to(next(Path("/usr/lib").glob("*/libmpi.so.40")))
        for variables in ({}, {"LD_LIBRARY_PATH": str(work / "site")}):
            printed = here("mpirun.openmpi", "-n", "2", "quad8-mpi", **variables)
            assert ": 2 ranks x " in printed, printed
            print(f"wheel.py: mpirun.openmpi starts it {variables}")


def in_venv(wheel, emulated=False):
    """Checks the wheel in a virtual environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv, work = Path(folder) / "venv", Path(folder) / "work"
        work.mkdir()
        run([sys.executable, "-m", "venv", venv])
        check(venv, work, wheel, emulated)


def in_root(wheel):
    """Checks the wheel in a Debian that has Python and no compiler. Packages come from a folder."""
    machine = next(machine for machine in DEBIAN if wheel.endswith(f"{machine}.whl"))
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(17, 37)]
    emulated = ["--emulated"] if machine != os.uname().machine else []
    with tempfile.TemporaryDirectory() as folder:
        packages, system = Path(folder) / "packages", Path(folder) / "system"
        python = ["--only-binary=:all:", "--python-version=3.11", *platforms]       # of Debian 12
        run([sys.executable, "-m", "pip", "download", "--quiet", *python, "-d", packages, wheel])
        debian = ["--variant=minbase", f"--arch={DEBIAN[machine]}", "--include=python3-venv"]
        run(["debootstrap", *debian, "bookworm", system])
        for name in ("cc", "gcc", "mpirun", "mpicc"):
            assert not (system / "usr/bin" / name).exists(), name
        shutil.copytree(packages, system / "packages")
        (system / "test").mkdir()
        shutil.copy2(__file__, system / "test/wheel.py")
        mounted = []
        try:
            for kind, place in (("proc", "proc"), ("sysfs", "sys"), ("tmpfs", "dev/shm")):
                (system / place).mkdir(exist_ok=True)
                run(["mount", "-t", kind, kind, system / place])
                mounted.append(system / place)
            inside = ["chroot", system, "python3", "/test/wheel.py", *emulated, f"/packages/{Path(wheel).name}"]
            env = {"PATH": "/usr/bin:/bin:/usr/sbin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/packages"}
            print(run(inside, env=env), end="")
        finally:
            for place in reversed(mounted):
                run(["umount", place])
    print("wheel.py: passed in a Debian without compilers")


def main():
    """Parses the arguments and runs the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", action="store_true", help="in a new Debian without compilers")
    parser.add_argument("--emulated", action="store_true", help="without the limit of time")
    parser.add_argument("wheel", type=lambda name: str(Path(name).resolve(strict=True)))
    args = parser.parse_args()
    in_root(args.wheel) if args.root else in_venv(args.wheel, args.emulated)
    print("wheel.py: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
