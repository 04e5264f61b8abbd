#!/usr/bin/env bash
# Prints the path of a Python with the packages of readers.txt, with which the tests read results,
# and those of the tests of the Python package and of a release. Installs them into target/ if they
# are missing. Fails without Python or network.
set -euo pipefail

if [ -n "${QUAD8_MPI_PYTHON:-}" ]; then
    echo "$QUAD8_MPI_PYTHON"
    exit 0
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${CARGO_TARGET_DIR:-$here/../../target}/readers
python=$folder/bin/python
# A changed list of packages makes a new environment.
lists=("$here/readers.txt" "$here/../../python/tests/requirements.txt" "$here/../packaging/requirements.txt")
complete=$folder/complete-$(cat "${lists[@]}" | cksum | cut -d' ' -f1)
if [ ! -e "$complete" ]; then
    echo "readers.sh: installing the packages of ${lists[*]} into $folder" >&2
    if ! python3 -m venv --clear "$folder" >&2 || ! timeout 300 "$python" -m pip install --quiet --disable-pip-version-check \
        "${lists[@]/#/--requirement=}" >&2; then
        exit 1
    fi
    touch "$complete"
fi
realpath -s "$python"
