#!/usr/bin/env python3
"""Builds the Spack recipe without Spack, with the MPI and the HDF5 of this machine, into a new folder:

    tests/packaging/spack.py PREFIX mpicc.openmpi /usr/lib/x86_64-linux-gnu/hdf5/openmpi
    tests/packaging/spack.py PREFIX mpicc.mpich /usr/lib/x86_64-linux-gnu/hdf5/mpich

The parts of Spack that the recipe uses are replaced below, following Spack's documentation.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from types import SimpleNamespace

TOP = Path(__file__).resolve().parents[2]
RECIPE = TOP / "jobs/packaging/spack/spack_repo/quad8/packages/quad8_mpi/package.py"


class Prefix(str):
    """A path whose parts are its attributes."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.join(name)

    def join(self, name):
        return Prefix(os.path.join(self, name))


class Executable:
    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, output=None):
        wanted = subprocess.PIPE if output is str.split else output
        return subprocess.run([self.path, *arguments], stdout=wanted, check=True, text=True, env=environment).stdout


def which(name, required=False):
    found = shutil.which(name)
    if required and not found:
        sys.exit(f"spack.py: no {name}")
    return found and Executable(found)


def define(name, content):
    """Defines a module and the packages above it."""
    for end in [i for i, letter in enumerate(name) if letter == "."] + [len(name)]:
        sys.modules.setdefault(name[:end], types.ModuleType(name[:end]))
    vars(sys.modules[name]).update(content)


def recipe():
    """The recipe's only package."""
    stand_in = {
        "Executable": Executable,
        "which": which,
        "join_path": os.path.join,
        "mkdirp": lambda path: os.makedirs(path, exist_ok=True),
        "install_tree": shutil.copytree,
        "license": lambda *_: None,
        "version": lambda *_, **__: None,
        "depends_on": lambda *_, **__: None,
    }
    define("spack.package", stand_in)
    define("spack_repo.builtin.build_systems.generic", {"Package": object})
    spec = importlib.util.spec_from_file_location("recipe", RECIPE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Quad8Mpi()


if len(sys.argv) != 4:
    sys.exit(__doc__)
prefix, mpicc, hdf5 = os.path.abspath(sys.argv[1]), shutil.which(sys.argv[2]), sys.argv[3]
if os.path.exists(prefix) or not mpicc or not os.path.isdir(hdf5):
    sys.exit(f"spack.py: {prefix} must be new, {sys.argv[2]} and {hdf5} must be there")
flags = subprocess.run([mpicc, "-show"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
libclang = next(Path("/usr/lib").glob("llvm-*/lib/libclang.so*"))

environment = dict(os.environ)
package = recipe()
package.prefix = Prefix(prefix)
package.stage = SimpleNamespace(path=f"{prefix}-stage")
package.spec = {
    "mpi": SimpleNamespace(
        mpicc=mpicc, libs=SimpleNamespace(directories=[flag[2:] for flag in flags if flag.startswith("-L")])
    ),
    "hdf5": SimpleNamespace(prefix=Prefix(hdf5), libs=SimpleNamespace(directories=[f"{hdf5}/lib"])),
    "llvm": SimpleNamespace(prefix=Prefix(libclang.parent.parent)),
}
package.setup_build_environment(SimpleNamespace(set=environment.__setitem__))
os.chdir(TOP)
package.install(package.spec, package.prefix)
package.test_version()
print(f"spack.py: installed in {prefix}")
