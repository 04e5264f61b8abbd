"""The package itself: its version, its types and its notebook."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import quad8_mpi

PYTHON = Path(__file__).parents[1]


def test_the_version_is_that_of_the_program():
    manifest = (PYTHON.parent / "Cargo.toml").read_text()
    assert re.search(r'^version = "(.*)"$', manifest, re.MULTILINE)[1] == quad8_mpi.__version__


def test_types_are_checked(tmp_path, needs):
    needs("mypy")
    cache = os.environ.get("MYPY_CACHE_DIR", str(PYTHON.parent / "target/mypy"))
    command = [sys.executable, "-m", "mypy", "--cache-dir", cache]
    done = subprocess.run(command, cwd=PYTHON, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_public_name_has_a_docstring():
    for name in quad8_mpi.__all__:
        public = getattr(quad8_mpi, name)
        methods = (
            [v for k, v in vars(public).items() if not k.startswith("_") and callable(v)]
            if isinstance(public, type)
            else []
        )
        assert all(item.__doc__ for item in (public, *methods)), name


def test_the_notebook_runs(tmp_path, monkeypatch, capsys, needs):
    needs("matplotlib")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((PYTHON.parent / "docs/quad8_mpi.ipynb").read_text("utf-8"))
    namespace = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec(compile("".join(cell["source"]), "notebook", "exec"), namespace)
    assert "converged" in capsys.readouterr().out
