"""Settings of the tests: the program that they start, and a folder for temporary files."""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[1]
ROOT = PYTHON.parent
sys.path.insert(0, str(PYTHON))
os.environ["MPLBACKEND"] = "Agg"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
os.environ.setdefault("QUAD8_MPI_PROGRAM", str(TARGET.absolute() / "release/quad8-mpi"))
# Open MPI shares cores, searches no networks (0.2 s of every start), and kills ranks at once.
os.environ |= {
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_odls_base_sigkill_timeout": "0",
}

import quad8_mpi


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """Gives a test a folder for temporary files, which must be empty at its end."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="session")
def needs():
    """Returns a function that imports a package, without which the test is skipped.

    Where QUAD8_MPI_REQUIRE_TOOLS is set, a missing package is an error.
    """
    is_required = bool(os.environ.get("QUAD8_MPI_REQUIRE_TOOLS"))
    return importlib.import_module if is_required else pytest.importorskip


@pytest.fixture(scope="session")
def channel():
    """Returns the results of the Y-channel."""
    return quad8_mpi.solve("y-channel", progress=False)


@pytest.fixture
def square():
    """Returns a mesh of one element between x = 0 and x = 1."""
    x, y = [0, 1, 1, 0, 0.5, 1, 0.5, 0], [0, 0, 1, 1, 0, 0.5, 1, 0.5]
    return quad8_mpi.mesh(
        x, y, [range(8)], boundaries={"inlet": lambda x, y: x == 0, "outlet": [[1, 2]]}, regions={"all": [0]}
    )
