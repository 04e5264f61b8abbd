#!/usr/bin/env python3
"""Checks that release.py refuses what is not ready for a release, and what it makes of the rest (without wheels):

    tests/packaging/release.py

With the package cyclonedx-python-lib[json-validation] the bill of materials is checked against its schema. tests/run.sh
installs it, and QUAD8_MPI_REQUIRE_TOOLS makes its absence an error.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
VERSION = re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]


def git(folder, *arguments):
    """Runs git in a folder, as an author of its own."""
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "-C", folder, *author, *arguments], check=True, stdout=subprocess.DEVNULL)


def release(folder, out, expected):
    """Runs release.py of a checkout, checks its exit code, and returns its messages."""
    script = folder / "jobs/packaging/release.py"
    command = [sys.executable, script, "--only", "source", "--out", out]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == expected, done.stdout
    return done.stdout


def check_files(out):
    """Checks the files of a release."""
    sums = dict(reversed(line.split()) for line in (out / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {f"quad8-mpi-{VERSION}.tar.gz", f"quad8-mpi-{VERSION}.cdx.json"}, sums
    for name, value in sums.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == value, name
    names = tarfile.open(out / f"quad8-mpi-{VERSION}.tar.gz").getnames()
    assert f"quad8-mpi-{VERSION}/Cargo.lock" in names and not any("/.git/" in name for name in names)
    text = (out / f"quad8-mpi-{VERSION}.cdx.json").read_text()
    components = {component["name"] for component in json.loads(text)["components"]}
    assert {"mpi", "metis-sys", "hdf5", "zlib"} <= components, components
    assert not {"libtest-mimic", "bindgen"} & components, components
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        if os.environ.get("QUAD8_MPI_REQUIRE_TOOLS"):
            raise
        print("skipped: schema of the bill of materials: pip install 'cyclonedx-python-lib[json-validation]'")
        return
    error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    assert error is None, error


def main():
    """Releases a clone in several states."""
    with tempfile.TemporaryDirectory() as folder:
        clone, out = Path(folder) / "clone", Path(folder) / "dist"
        subprocess.run(["git", "clone", "--quiet", TOP, clone], check=True)
        release(clone, out, 0)
        check_files(out)
        assert "is not empty" in release(clone, out, 1)
        notes = clone / "CHANGELOG.md"
        notes.write_text(notes.read_text().replace(f"## {VERSION}", "## 99.0.0"))
        assert "not committed: CHANGELOG.md and 0 others" in release(clone, out / "2", 1)
        git(clone, "commit", "--quiet", "--all", "--message", "Change the version")
        assert f'CHANGELOG.md has no section "## {VERSION}"' in release(clone, out / "2", 1)
    print("release.py: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
